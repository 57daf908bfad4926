"""A row decoded: the image, and its reference labels on the same grid. The only place that does."""

from collections.abc import Hashable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from tgcnet.data.classes import read_labels
from tgcnet.data.folder import Row, VolumeSource, at_row
from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.errors import InputError
from tgcnet.io.read import decode_volume


class SizeMismatchError(InputError):
    """An image and its mask are not of one size, or do not lie in one place."""


def read_pair(row: Row, modality: Modality | None = None) -> tuple[Volume, np.ndarray]:
    """The image of a row, one slice, and its reference labels.

    Of a volume that several rows are slices of, the last one read is kept: read its rows one after
    another and each volume is decoded once. What is given back is a copy of its own.

    Parameters
    ----------
    modality : wins over what the layout and the file say; None and UNKNOWN leave it to them

    Returns
    -------
    tuple
        The volume, whose array is (1, Y, X), and (Y, X) uint8: a class's index + 1, 0 background.

    Raises
    ------
    SizeMismatchError
        If image and mask do not fit each other.
    LabelValueError
        If the mask holds a value that no class has.
    InputError
        If either cannot be read. Every sentence names the row by its place, never a file.
    """
    stated = row.modality if modality in (None, Modality.UNKNOWN) else modality
    with at_row(row):
        if row.volume is not None:
            volume, labels = _load(row.volume, stated, row.volume.stamp())
            check_same_size(volume.array.shape, labels.shape)
            if not 0 <= row.z < len(labels):
                raise InputError(
                    f"its volume has {len(labels)} slices, expected more than {row.z}; it changed "
                    "while it was read, so start again"
                )
            return slice_of(volume, row.z), labels[row.z].copy()
        volume = decode_volume(row.image, modality=stated)
        labels = read_labels(row.mask, row.num_classes)
        check_same_size(volume.array.shape, (1, *labels.shape))
    return volume, labels


def check_same_size(image: tuple[int, ...], mask: tuple[int, ...]) -> None:
    """Refuse labels that are not on the image's grid.

    Raises
    ------
    SizeMismatchError
        If the two shapes, (z, y, x), differ.
    """
    if image != mask:
        raise SizeMismatchError(
            f"its image has shape {image} and its mask {mask} (z, y, x), expected the same; remove "
            "the row, or make the mask on the image's own grid"
        )


def slice_of(volume: Volume, z: int) -> Volume:
    """One slice as a volume of its own, in its own place; the whole is not kept by it."""
    affine = volume.geometry.affine_lps.copy()
    affine[:3, 3] += z * affine[:3, 0]
    affine.setflags(write=False)
    geometry = Geometry(
        affine_lps=affine,
        unit=volume.geometry.unit,
        side_knowledge=volume.geometry.side_knowledge,
    )
    return replace(volume, array=volume.array[z : z + 1].copy(), geometry=geometry)


@lru_cache(maxsize=1)
def _load(
    source: VolumeSource, modality: Modality | None, stamp: Hashable
) -> tuple[Volume, np.ndarray]:
    return source.load(modality)
