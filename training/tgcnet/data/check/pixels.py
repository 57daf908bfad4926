"""Facts about the pixels of one row; only numbers are kept, so a set may exceed memory."""

import hashlib
from dataclasses import dataclass

import numpy as np

from tgcnet.data.check.sides import LesionPixels, lesion_pixels
from tgcnet.data.classes import LabelValueError, read_mask_values
from tgcnet.data.row_decoding import SizeMismatchError, read_pair
from tgcnet.data.rows import Row
from tgcnet.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelFacts:
    """Facts about the pixels of a row.

    Attributes
    ----------
    problem : kind and sentence of why the row cannot be used
    digest : of the decoded image; None of an image of one value, which equals any other
    is_blank : the image has one value
    is_empty : the mask marks nothing
    num_values : different values in the mask's file, of a picture of one class
    lesion : by the side that the text names; None where it names both or neither
    """

    problem: tuple[str, str] | None = None
    digest: bytes | None = None
    is_blank: bool = False
    is_empty: bool = False
    num_values: int = 2
    lesion: LesionPixels | None = None


def read_facts(row: Row) -> PixelFacts:
    """Decode a row once."""
    try:
        volume, labels = read_pair(row)
    except SizeMismatchError as error:
        return PixelFacts(problem=("size-mismatch", str(error)))
    except LabelValueError as error:
        return PixelFacts(problem=("label-value", str(error)))
    except InputError as error:
        return PixelFacts(problem=("unreadable", str(error)))
    digest = pixel_digest(volume.array[0])
    return PixelFacts(
        digest=digest,
        is_blank=digest is None,
        is_empty=not labels.any(),
        num_values=_num_values(row),
        lesion=lesion_pixels(row.report, labels),
    )


def pixel_digest(plane: np.ndarray) -> bytes | None:
    """The same for the same pixels however they were encoded; None where all are of one value."""
    if plane.dtype.kind in "iu" and plane.dtype != np.uint8:
        lowest, highest = int(plane.min()), int(plane.max())
        # A copy with more bits and the same numbers is a copy.
        plane = plane.astype(np.uint8 if lowest >= 0 and highest < 256 else np.int64)
    plane = np.ascontiguousarray(plane)
    if (plane == plane.flat[0]).all():
        return None
    digest = hashlib.blake2b(f"{plane.dtype.str} {plane.shape}".encode(), digest_size=16)
    digest.update(plane.data)
    return digest.digest()


def _num_values(row: Row) -> int:
    if row.volume is not None or row.num_classes > 1:
        return 2
    return len(np.unique(read_mask_values(row.mask)))
