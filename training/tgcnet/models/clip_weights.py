"""Pretrained CLIP towers: found by open_clip's names or as a local file, checked, filled in."""

from pathlib import Path

import safetensors.torch
from open_clip.pretrained import (
    download_pretrained,
    get_pretrained_cfg,
    list_pretrained_tags_by_model,
)

from tgcnet.errors import CheckpointError
from tgcnet.models.tgcnet import TgcNet

FILE_NAME = "open_clip_model.safetensors"


def find_clip_weights(source: str, *, architecture: str, quick_gelu: bool) -> Path:
    """The safetensors file of a CLIP.

    Parameters
    ----------
    source : a local file, or one of open_clip's pretrained tags such as "openai"; a tag is fetched
        from its hub, so naming one is asking for the network
    architecture : open_clip's name, such as "ViT-B-16"
    quick_gelu : the activation the towers were configured with

    Raises
    ------
    CheckpointError
        If the tag is unknown, was trained with the other activation, or cannot be fetched.
    """
    if Path(source).is_file():
        return Path(source)
    found = get_pretrained_cfg(architecture, source)
    if not found:
        tags = ", ".join(list_pretrained_tags_by_model(architecture))
        raise CheckpointError(
            f"{source!r} is neither a file nor pretrained weights of {architecture}; give the path "
            f"of {FILE_NAME} or one of: {tags}"
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
        raise CheckpointError(
            f"{source!r} of {architecture} cannot be fetched from its hub: there is no network, or "
            f"the hub does not answer. Bring {FILE_NAME} of {found.get('hf_hub', architecture)} "
            "on a disk and give its path instead"
        ) from error


def load_clip_towers(model: TgcNet, file: Path) -> None:
    """Fill both towers from an open_clip safetensors file.

    Raises
    ------
    CheckpointError
        If the file is not safetensors or does not fit the towers.
    """
    try:
        weights = safetensors.torch.load_file(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{file.name} cannot be read as safetensors ({error}); bring the file {FILE_NAME} of "
            "the named CLIP"
        ) from error
    image = {k.removeprefix("visual."): v for k, v in weights.items() if k.startswith("visual.")}
    own_text = model.text_tower.state_dict().keys()
    text = {k: v for k, v in weights.items() if k in own_text}
    for part, tensors in ((model.image_tower.visual, image), (model.text_tower, text)):
        own = part.state_dict()
        misfits = sorted(own.keys() ^ tensors.keys()) + sorted(
            k for k in own.keys() & tensors.keys() if own[k].shape != tensors[k].shape
        )
        if misfits:
            raise CheckpointError(
                f"{file.name} does not fit this CLIP: {len(misfits)} parameters are absent, "
                f"unknown or of another shape (first: {misfits[0]}); it belongs to another "
                "architecture"
            )
        part.load_state_dict(tensors)
