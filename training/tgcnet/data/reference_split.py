"""The reference set split in two: only images never trained on can show forgetting."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.rows import Row

MIN_REFERENCE_IMAGES = 100
"""That are measured: fewer cannot show whether a model forgets."""
MIN_REPLAYED = 20
"""Fewer are too few to prevent forgetting, and are measured instead."""

_HALF = "8"  # the first hexadecimal digit from which on a hash is in the upper half


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceParts:
    """The rows of a reference folder, each in the order of the table.

    Attributes
    ----------
    measured : no model is trained on them
    replayed : shown in training, so that they are not forgotten; may be none
    """

    measured: tuple[Row, ...]
    replayed: tuple[Row, ...]


def split_reference(rows: Sequence[Row]) -> ReferenceParts:
    """Split a reference set by patient.

    A patient's place is decided by a hash of ``subject``, or where the table names none, of the
    volume that the image was cut from, or else of the image's name: the lower half is measured,
    and the next ones until there are 100 images. So the order of the rows decides nothing, and as
    rows are added a patient may leave the measured part but never the replayed one: what a model
    was once trained on is never measured later.
    """
    ranked = sorted(rows, key=_rank)
    num_measured = 0
    while num_measured < len(ranked) and (
        num_measured < MIN_REFERENCE_IMAGES
        or _rank(ranked[num_measured]) < _HALF
        or _rank(ranked[num_measured]) == _rank(ranked[num_measured - 1])
    ):
        num_measured += 1
    if len(ranked) - num_measured < MIN_REPLAYED:
        num_measured = len(ranked)
    replayed = {_rank(row) for row in ranked[num_measured:]}
    return ReferenceParts(
        measured=tuple(row for row in rows if _rank(row) not in replayed),
        replayed=tuple(row for row in rows if _rank(row) in replayed),
    )


def measured_part(folder: Path) -> tuple[Row, ...]:
    """The measured rows of a reference folder; errors as of ``read_folder``."""
    return split_reference(read_folder(folder)).measured


def _rank(row: Row) -> str:
    if row.subject:
        key = f"subject {row.subject}"
    else:
        key = f"volume {row.cut_from[1]}" if row.cut_from else f"image {row.image.name}"
    return hashlib.sha256(key.encode()).hexdigest()
