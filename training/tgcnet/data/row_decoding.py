"""A row decoded: image and reference labels, on the image's own grid and on the network's."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from tgcnet.config import PreprocessConfig
from tgcnet.data.classes import read_labels
from tgcnet.data.rows import Row, VolumeSource, at_row
from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.errors import InputError
from tgcnet.io.read import decode_volume
from tgcnet.preprocess import Letterbox, decide_window, prepare_plane


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One decoded image.

    Attributes
    ----------
    image : (S, S) uint8
    labels : (S, S) uint8; a class's index + 1, 0 background
    """

    image: np.ndarray
    labels: np.ndarray
    report: str
    modality: Modality

    @property
    def mask(self) -> np.ndarray:
        """Where any class is, (S, S) bool."""
        marked: np.ndarray = self.labels > 0
        return marked

    def emptied(self) -> "Example":
        """The same image with nothing marked."""
        return replace(self, labels=np.zeros_like(self.labels))


def decode_row(row: Row, modality: Modality, preprocess: PreprocessConfig) -> Example:
    """A row of any layout on the network's square grid.

    Parameters
    ----------
    modality : wins over what the layout and the file say; UNKNOWN leaves it to them

    Raises
    ------
    InputError
        If its image or its mask cannot be read, or they do not fit each other; names the row.
    """
    volume, labels = read_pair(row, modality)
    with at_row(row):
        window = decide_window(volume, preprocess)
    plane, letterbox = prepare_plane(volume.array[0], window, preprocess)
    return Example(
        image=np.round(plane * 255).astype(np.uint8),
        labels=letterbox_labels(letterbox, labels),
        report=row.report,
        modality=volume.modality if modality is Modality.UNKNOWN else modality,
    )


def letterbox_labels(letterbox: Letterbox, labels: np.ndarray) -> np.ndarray:
    """Labels on the square grid.

    A pixel is marked where more than half of what it covers is; it is of the class that has most
    of it.

    Parameters
    ----------
    labels : (height, width) uint8; a class's index + 1, 0 background

    Returns
    -------
    (side_px, side_px) uint8
    """
    is_marked = letterbox.apply((labels > 0).astype(np.float32)) > 0.5
    values = np.unique(labels[labels > 0])
    if len(values) < 2:
        return is_marked.astype(np.uint8) * (values[0] if len(values) else np.uint8(0))
    shares = np.stack([letterbox.apply((labels == v).astype(np.float32)) for v in values])
    return np.where(is_marked, values[shares.argmax(axis=0)], np.uint8(0))
