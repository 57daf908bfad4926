"""What a run was made with: versions, seed, data; kept in its checkpoints and its model.

Data are named by hashes and counts, never by a patient's or a file's name.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from tgcnet.config import to_json
from tgcnet.data.captions import captions_sha256
from tgcnet.data.sources import SourceRows
from tgcnet.errors import CheckpointError
from tgcnet.train.checkpoint import read_provenance
from tgcnet.train.config import TrainConfig

_PACKAGES = (
    "napari-tgcnet", "torch", "numpy", "monai", "lightning-fabric", "open-clip-torch", "timm",
)  # fmt: skip
_DATA = ("train_captions_sha256", "train_samples_sha256", "val_samples_sha256")


def provenance_of(
    config: TrainConfig, train: Sequence[SourceRows], validation: SourceRows
) -> dict[str, str]:
    """Names and values, all texts, ready for a file's metadata.

    Returns
    -------
    dict
        ``seed``, ``config_sha256``; ``version_...`` of what computes; ``train_images``,
        ``val_images``; ``train_captions_sha256`` as :func:`tgcnet.data.captions.captions_sha256`
        has it; ``train_samples_sha256`` and ``val_samples_sha256``, which image is in which split.
    """
    rows = [row for read in train for row in read.rows]
    config_text = json.dumps(to_json(config), sort_keys=True)
    return {
        "seed": str(config.seed),
        "config_sha256": hashlib.sha256(config_text.encode()).hexdigest(),
        **{f"version_{name}": _version(name) for name in _PACKAGES},
        "train_images": str(len(rows)),
        "val_images": str(min(len(validation.rows), config.validation.max_rows)),
        "train_captions_sha256": captions_sha256(rows),
        "train_samples_sha256": samples_sha256(train),
        "val_samples_sha256": samples_sha256([validation]),
    }


def samples_sha256(read: Iterable[SourceRows]) -> str:
    """A hash of which images are read of which source, whatever their order."""
    names = sorted(
        unicodedata.normalize("NFC", json.dumps([entry.source.folder, row.name]))
        for entry in read
        for row in entry.rows
    )
    return hashlib.sha256("\n".join(names).encode(errors="surrogatepass")).hexdigest()


def check_same_data(checkpoint: Path, provenance: Mapping[str, str]) -> None:
    """Refuse to go on with other data than a run began with.

    Raises
    ------
    CheckpointError
        If images or captions have changed, or the checkpoint is damaged.
    """
    before = read_provenance(checkpoint)
    changed = [name for name in _DATA if before.get(name) != provenance[name]]
    if changed:
        raise CheckpointError(
            f"the data have changed since {checkpoint.name} was written ({', '.join(changed)}), "
            "expected the very images and captions that the run began with; restore them, or "
            "start without --resume in another folder"
        )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"  # run from a checkout that was never installed
