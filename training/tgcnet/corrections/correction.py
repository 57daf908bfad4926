"""A correction as it is handed to the ledger, and whether it can be kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tgcnet.corrections.voxels import VOXEL_TYPES
from tgcnet.domain import SegmentationClass, Volume
from tgcnet.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """A mask as a person left it, with all it belongs to.

    Attributes
    ----------
    volume : the image on its own grid; its identifiers are hashed and never written
    labels : (Z, Y, X) uint8, the person's mask; class index + 1
    classes : of both masks, in order
    reviewed_slices : indices along Z that the person looked at, in any order; none is allowed,
        but then the case is neither trained on nor scored
    model_labels : (Z, Y, X) uint8, the mask the person began with; None where no model was run
    model_slices : those that the model segmented; None means all
    provenance : of the model's mask, as its ``Segmentation`` has it
    window : low, high and unit of the intensities the person saw
    seconds : since the mask appeared
    """

    volume: Volume
    labels: np.ndarray
    classes: tuple[SegmentationClass, ...]
    reviewed_slices: tuple[int, ...]
    report: str = field(default="", repr=False)
    model_labels: np.ndarray | None = None
    model_slices: tuple[int, ...] | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    window: tuple[float, float, str] | None = None
    seconds: float | None = None
    notes: str = field(default="", repr=False)


def check_correction(correction: Correction) -> None:
    """Refuse a correction that could not be read back as it is.

    Raises
    ------
    InputError
        If the image, a mask, a slice or a number cannot be kept.
    """
    _check_image(correction.volume)
    _check_labels(correction.labels, "The corrected mask", correction)
    if correction.model_labels is not None:
        _check_labels(correction.model_labels, "The model's mask", correction)
    num_slices = len(correction.volume.array)
    named = (*correction.reviewed_slices, *(correction.model_slices or ()))
    outside = [z for z in named if not 0 <= z < num_slices]
    if outside:
        raise InputError(
            f"Slice {outside[0]} is said to be reviewed or segmented, expected slices from 0 to "
            f"{num_slices - 1} of this image; mark the slices anew."
        )
    numbers = (correction.seconds, *(correction.window or ())[:2])
    if not all(number is None or np.isfinite(number) for number in numbers):
        raise InputError(
            "The window or the time spent is no finite number, expected one, or none at all; "
            "leave it out."
        )
    if any("\ud800" <= character <= "\udfff" for character in correction.report + correction.notes):
        raise InputError(
            "The report or the notes hold half a character, as broken copying leaves it, expected "
            "text; paste it again."
        )


def changed_voxels(correction: Correction) -> np.ndarray | None:
    """(Z, Y, X) uint8, 1 where a person changed what the model drew; None without its mask."""
    if correction.model_labels is None:
        return None
    changed: np.ndarray = (correction.model_labels != correction.labels).astype(np.uint8)
    if correction.model_slices is not None:
        is_segmented = np.isin(np.arange(len(changed)), correction.model_slices)
        changed[~is_segmented] = 0  # the person's own, no change of anything
    return changed


def agreement(
    model: np.ndarray, person: np.ndarray, reviewed_slices: tuple[int, ...]
) -> tuple[float, float]:
    """Dice of model against person, pooled over slices and as the mean of slices.

    The conventions are those of :mod:`tgcnet.metrics`, which measures distances too: on a stack
    they take seconds, and a save should not.

    Parameters
    ----------
    model, person : (Z, Y, X) uint8, compared as any class against none
    reviewed_slices : at least one
    """
    counts = [_counts(model[z] > 0, person[z] > 0) for z in reviewed_slices]
    pooled = _dice(*(sum(column) for column in zip(*counts, strict=True)))
    return pooled, sum(_dice(*row) for row in counts) / len(counts)


def _check_image(volume: Volume) -> None:
    array, affine = volume.array, volume.geometry.affine_lps
    if array.ndim != 3 or 0 in array.shape or array.dtype.name not in VOXEL_TYPES:
        raise InputError(
            f"The image has the shape {array.shape} of {array.dtype}, expected (slices, rows, "
            "columns) of integers or float32; open it from its file."
        )
    # A whole rank is what makes an affine one that can be inverted.
    is_affine = affine.shape == (4, 4) and bool(np.isfinite(affine).all())
    if not is_affine or np.linalg.matrix_rank(affine) < 4:
        raise InputError(
            "The image's affine cannot be inverted, expected three independent axes; repair the "
            "header of its file."
        )


def _check_labels(labels: np.ndarray, called: str, correction: Correction) -> None:
    shape = correction.volume.array.shape
    if labels.shape != shape or labels.dtype != np.uint8:
        raise InputError(
            f"{called} has the shape {labels.shape} of {labels.dtype}, expected {shape} of uint8 "
            "as the image has it; choose the mask that belongs to this image."
        )
    largest, num_classes = int(labels.max()), len(correction.classes)
    if largest > num_classes or num_classes < 1:
        raise InputError(
            f"{called} holds the label {largest}, expected 0 to {num_classes}, the number of its "
            "classes; paint with one of these instead, or erase it."
        )


def _counts(model: np.ndarray, person: np.ndarray) -> list[int]:
    return [int(np.count_nonzero(plane)) for plane in (model & person, model, person)]


def _dice(both: int, num_model: int, num_person: int) -> float:
    """1 where there is nothing: an empty mask of an empty slice is right."""
    return 2 * both / (num_model + num_person) if num_model + num_person else 1.0
