"""What a run was made with: versions, seed, data; kept in its checkpoints and its model.

Data are named by hashes and counts, never by a patient's or a file's name.
"""

import hashlib
import json
import unicodedata
import zlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

from tgcnet.config.json_values import to_json
from tgcnet.data.row_decoding import Example
from tgcnet.data.rows import captions_sha256
from tgcnet.data.sources import SourceRows
from tgcnet.errors import CheckpointError
from tgcnet.train.checkpoint import read_provenance
from tgcnet.train.config import TrainConfig

_PACKAGES = (
    "napari-tgcnet", "torch", "numpy", "monai", "lightning-fabric", "open-clip-torch", "timm",
)  # fmt: skip
_DATA = (
    "train_captions_sha256", "train_samples_sha256", "train_pixels_sha256",
    "val_captions_sha256", "val_samples_sha256", "val_pixels_sha256",
)  # fmt: skip
_WEIGHTS = ("towers_sha256", "cnn_sha256")


def provenance_of(
    config: TrainConfig,
    train: Sequence[SourceRows],
    validation: SourceRows,
    weights: Mapping[str, str],
) -> dict[str, str]:
    """Names and values, all texts, ready for a file's metadata; of pixels see below.

    Parameters
    ----------
    weights : hashes of those the run starts from, as :meth:`StartWeights.hashes` gives them

    Returns
    -------
    dict
        ``seed``, ``config_sha256``; ``version_...`` of what computes; ``train_images``,
        ``train_images_held_out`` (left out of the former), ``val_images``;
        ``train_captions_sha256`` and ``val_captions_sha256`` as
        :func:`tgcnet.data.rows.captions_sha256` has them; ``train_samples_sha256`` and
        ``val_samples_sha256``, which image is in which split; and the weights' own.
    """
    rows = [row for read in train for row in read.rows]
    config_text = json.dumps(to_json(config), sort_keys=True)
    return {
        "seed": str(config.seed),
        "config_sha256": hashlib.sha256(config_text.encode()).hexdigest(),
        **{f"version_{name}": _version(name) for name in _PACKAGES},
        "train_images": str(len(rows)),
        "train_images_held_out": str(sum(read.num_held_out for read in train)),
        "val_images": str(min(len(validation.rows), config.validation.max_rows)),
        "train_captions_sha256": captions_sha256(rows),
        "train_samples_sha256": samples_sha256(train),
        "val_captions_sha256": captions_sha256(validation.rows),
        "val_samples_sha256": samples_sha256([validation]),
        **weights,
    }


def samples_sha256(read: Iterable[SourceRows]) -> str:
    """A hash of which images are read of which source, whatever their order."""
    names = sorted(
        unicodedata.normalize("NFC", json.dumps([entry.source.folder, row.name]))
        for entry in read
        for row in entry.rows
    )
    return hashlib.sha256("\n".join(names).encode(errors="surrogatepass")).hexdigest()


def pixels_sha256(examples: Iterable[Example]) -> str:
    """A hash of what the network sees of images and masks, in the order they are drawn by.

    Of each a checksum, CRC-32: it notices a change, takes 0.1 ms an image of 224 x 224, and is no
    protection against deliberate changes.
    """
    digest = hashlib.sha256()
    for example in examples:
        for plane in (example.image, example.labels):
            digest.update(zlib.crc32(np.ascontiguousarray(plane).data).to_bytes(4, "big"))
    return digest.hexdigest()


def check_unchanged(checkpoint: Path, provenance: Mapping[str, str]) -> None:
    """Refuse to resume with other data or other pretrained weights than a run began with.

    Names that only one of the two has are not compared: pixels are known last.

    Raises
    ------
    CheckpointError
        If images, masks, captions, or the weights have changed, or the checkpoint is damaged.
    """
    before = read_provenance(checkpoint)
    both = before.keys() & provenance.keys()
    for names, what, expected in (
        (_DATA, "the data", "images, masks and captions"),
        (_WEIGHTS, "the pretrained weights", "weights"),
    ):
        changed = [n for n in names if n in both and before[n] != provenance[n]]
        if changed:
            raise CheckpointError(
                f"{what} have changed since {checkpoint.name} was written ({', '.join(changed)}), "
                f"expected the very {expected} that the run began with; restore them, or start "
                "without --resume in another folder"
            )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"  # run from a checkout that was never installed
