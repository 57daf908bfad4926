"""Volumes whose slices are rows: a pair of files, or a case of a ledger; read with their rows."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import io_orientation
from nibabel.spatialimages import SpatialImage

from tgcnet.corrections import Ledger
from tgcnet.data.classes import LabelValueError, read_mask_values
from tgcnet.data.row_decoding import SizeMismatchError, check_same_size
from tgcnet.domain import Modality, Volume
from tgcnet.errors import InputError, LedgerError
from tgcnet.io.decoded import DECODER_ERRORS
from tgcnet.io.formats import NIFTI, PICTURES, ending_of, format_of
from tgcnet.io.read import decode_volume
from tgcnet.io.state import state_of

_PLACE_TOLERANCE_MM = 0.01
"""Files round an affine differently; a hundredth of a millimetre moves no voxel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumePair:
    """An image file and a file of labels on its grid.

    Attributes
    ----------
    values : of each class in order, the value that the label file holds
    ignored : the value of voxels that were not reviewed; slices that hold it are no rows
    """

    image: Path
    labels: Path
    values: tuple[int, ...]
    ignored: int | None = None

    @property
    def name(self) -> str:
        """The case's, as nnU-Net calls it."""
        return self.labels.name.removesuffix(ending_of(self.labels))

    def load(self, modality: Modality | None) -> tuple[Volume, np.ndarray]:
        """Both, the labels as class index + 1; errors as of ``read_pair``."""
        volume = decode_volume(self.image, modality=modality)
        if format_of(self.labels, PICTURES):
            stored = read_mask_values(self.labels)[None]
            check_same_size(volume.array.shape, stored.shape)
        else:
            mask = decode_volume(self.labels)
            stored = mask.array
            check_same_size(volume.array.shape, stored.shape)
            apart = np.abs(mask.geometry.affine_lps - volume.geometry.affine_lps).max()
            if mask.geometry.unit == volume.geometry.unit and apart > _PLACE_TOLERANCE_MM:
                raise SizeMismatchError(
                    "its image and its labels lie in different places by their headers, expected "
                    "the same affine; write the labels on the image's own grid"
                )
        return volume, _as_indices(stored, self.values, self.ignored)

    def stamp(self) -> Hashable:
        """The state of every file of both."""
        return state_of(self.image), state_of(self.labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerVolume:
    """A revision of a case.

    Attributes
    ----------
    of_label : for each of the case's own label values from 0 on, the data set's
    """

    ledger: Path
    case_id: str
    revision: int
    of_label: tuple[int, ...]

    @property
    def name(self) -> str:
        """The case's id."""
        return self.case_id

    def load(self, modality: Modality | None) -> tuple[Volume, np.ndarray]:
        """Image and the person's mask, every byte checked."""
        try:
            case = _opened(self.ledger).load(self.case_id, self.revision)
        except LedgerError as error:
            raise InputError(str(error)) from error
        volume = case.volume
        if modality not in (None, Modality.UNKNOWN):
            volume = replace(volume, modality=Modality(modality))
        return volume, np.array(self.of_label, dtype=np.uint8)[case.labels]

    def stamp(self) -> Hashable:
        """Nothing: what a ledger holds is never changed."""
        return ()


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Ledger:
    return Ledger.open(folder)


def count_slices(file: Path) -> int:
    """How many slices a file has on our axes, where possible from its header alone.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if format_of(file, PICTURES):
        return 1
    if not format_of(file, (NIFTI,)):
        return len(decode_volume(file).array)
    try:
        image = nib.load(file)
        if not isinstance(image, SpatialImage):
            return len(decode_volume(file).array)
        shape = (*image.shape, 1, 1)[:3]
        axis = int(np.nonzero(io_orientation(image.affine)[:, 0] == 2)[0][0])  # world's z
        return int(shape[axis])
    except (ImageFileError, *DECODER_ERRORS):
        # This reader says what is wrong with it.
        return len(decode_volume(file).array)


def _as_indices(stored: np.ndarray, values: tuple[int, ...], ignored: int | None) -> np.ndarray:
    """Values of a file to class index + 1."""
    labels = np.zeros(stored.shape, dtype=np.uint8)
    is_known = (stored == 0) | (stored == (0 if ignored is None else ignored))
    for index, value in enumerate(values, start=1):
        is_class = stored == value
        labels[is_class] = index
        is_known |= is_class
    if not is_known.all():
        odd = sorted({float(value) for value in np.unique(stored[~is_known])})
        raise LabelValueError(
            f"its labels hold the value {odd[0]:g}, expected 0 or one of "
            f"{', '.join(str(value) for value in values)} as dataset.json has them; correct either"
        )
    return labels
