"""Download pretrained weights from a hub; only those that the user named."""

from pathlib import Path

import timm
from huggingface_hub import snapshot_download
from open_clip.pretrained import (
    download_pretrained,
    get_pretrained_cfg,
    list_pretrained_tags_by_model,
)

from tgcnet.errors import CheckpointError
from tgcnet.models.source_files import (
    OPEN_CLIP_CONFIG,
    PICKLE_NAMES,
    SAFE_NAMES,
    TOKENIZER_FILE,
    TRANSFORMERS_CONFIG,
    VOCABULARY_FILE,
)

HUB = "hf-hub:"
_SMALL = (
    OPEN_CLIP_CONFIG,
    TRANSFORMERS_CONFIG,
    VOCABULARY_FILE,
    TOKENIZER_FILE,
    "tokenizer_config.json",
)


def fetch(source: str, *, architecture: str, quick_gelu: bool | None, folder: Path) -> Path:
    """What a hub has under a name: a file, or a folder of files.

    Parameters
    ----------
    source : ``hf-hub:ORGANISATION/NAME``, timm's name of a network's weights such as
        "convnext_tiny.fb_in1k", or one of open_clip's tags such as "openai"
    architecture : open_clip's name that a tag belongs to, such as "ViT-B-16"
    quick_gelu : the activation the towers were configured with; None where they have none
    folder : the user's folder of pretrained weights, for the message that says where to put them

    Raises
    ------
    CheckpointError
        If nothing has that name, it was trained with the other activation, or it cannot be
        fetched.
    """
    if source.startswith(HUB):
        return _snapshot(source.removeprefix(HUB), source, folder)
    if timm.is_model(source.split(".")[0]):
        return _snapshot(f"timm/{source}", source, folder)
    found = get_pretrained_cfg(architecture, source)
    if not found:
        tags = ", ".join(list_pretrained_tags_by_model(architecture)) or "none"
        raise CheckpointError(
            f"{source!r} is no file, no folder, no name in {folder}, and no pretrained weights of "
            f"{architecture}; give the path of {SAFE_NAMES[0]}, {HUB}ORGANISATION/NAME, or one of "
            f"open_clip's: {tags}"
        )
    # open_clip only warns here, and the features are quietly wrong.
    if found.get("quick_gelu", False) != quick_gelu:
        needed = "needs" if found.get("quick_gelu", False) else "must not have"
        raise CheckpointError(
            f"{source!r} {needed} QuickGELU; set quick_gelu={not quick_gelu} in the TowerConfig"
        )
    try:
        return Path(download_pretrained(found))
    except OSError as error:
        raise _no_network(
            f"{source!r} of {architecture}",
            f"{SAFE_NAMES[0]} of {found.get('hf_hub', architecture).strip('/')}",
            source,
            folder,
        ) from error


def name_of(source: str) -> str:
    """The name of a source in the user's folder of pretrained weights."""
    return source.removeprefix(HUB).rsplit("/", 1)[-1]


def _snapshot(repository: str, source: str, folder: Path) -> Path:
    """The few files that are read; pickles only where there is nothing else."""
    try:
        for weights in (SAFE_NAMES, PICKLE_NAMES):
            found = Path(snapshot_download(repository, allow_patterns=[*_SMALL, *weights]))
            if any((found / name).is_file() for name in weights):
                return found
    # A hub's errors derive from OSError or ValueError.
    except (OSError, ValueError) as error:
        files = (
            f"{OPEN_CLIP_CONFIG} or {TRANSFORMERS_CONFIG}, {SAFE_NAMES[0]} or {SAFE_NAMES[1]} (or "
            f"{' or '.join(PICKLE_NAMES)}) and, for a BERT, {VOCABULARY_FILE}, all of {repository}"
        )
        raise _no_network(repr(source), files, source, folder) from error
    raise CheckpointError(
        f"{source!r} has none of the files {', '.join((*SAFE_NAMES, *PICKLE_NAMES))}; name one "
        "that has"
    )


def _no_network(what: str, files: str, source: str, folder: Path) -> CheckpointError:
    name = name_of(source)
    return CheckpointError(
        f"{what} cannot be fetched from its hub: there is no network, or the hub does not answer. "
        f"Copy {files} to this machine and run: tgcnet models import FOLDER --name {name}; that "
        f"puts them into {folder / name}, where this name is looked up first"
    )
