"""A small picture of a case: one slice with the outlines of the model's and the user's mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tgcnet.domain import Case, SegmentationClass

SIDE_PX = 64

MODEL_COLOURS = ((0, 220, 255), (255, 220, 0))
"""Of the model's outline: the first that is unlike every class. Bright, to show on an image."""

_MIN_DISTANCE = 120
"""Colours nearer than this (Euclidean, 0 to 255 per channel) look alike."""
_PERCENTILES = (1, 99)


def thumbnail_of(case: Case) -> np.ndarray:
    """(SIDE_PX, SIDE_PX, 3) uint8 of a case; see :func:`draw_thumbnail`."""
    window = case.record.window
    z = representative_slice(case.labels, case.reviewed_slices)
    return draw_thumbnail(
        case.volume.array[z],
        case.labels[z],
        None if case.model_labels is None else case.model_labels[z],
        classes=case.record.classes,
        spacing_yx=case.volume.geometry.spacing_zyx[1:],
        window=None if window is None else window[:2],
    )


def representative_slice(labels: np.ndarray, reviewed_slices: Sequence[int]) -> int:
    """Index of the reviewed slice with the largest mask; if all are empty, of the middle one.

    Parameters
    ----------
    labels : (Z, Y, X) uint8
    reviewed_slices : if empty, all slices count as reviewed
    """
    slices = list(reviewed_slices) or list(range(len(labels)))
    sizes = [int(np.count_nonzero(labels[z])) for z in slices]
    return slices[int(np.argmax(sizes))] if any(sizes) else slices[len(slices) // 2]


def draw_thumbnail(
    plane: np.ndarray,
    labels: np.ndarray,
    model_labels: np.ndarray | None,
    *,
    classes: Sequence[SegmentationClass],
    spacing_yx: tuple[float, float],
    window: tuple[float, float] | None,
) -> np.ndarray:
    """Draw one whole slice in its physical proportions.

    Parameters
    ----------
    plane : (Y, X), real
    labels, model_labels : (Y, X) uint8; the model's outline is drawn below the user's
    window : intensities shown as black and white; None takes percentiles of the slice

    Returns
    -------
    np.ndarray
        (SIDE_PX, SIDE_PX, 3) uint8, black beside a slice that is not square.
    """
    height, width = _inner_size(plane.shape, spacing_yx)
    grey = _resample(_to_grey(plane, window), height, width)
    inner = np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2)
    if model_labels is not None:
        inner[_outline(model_labels > 0, height, width)] = _model_colour(classes)
    for value, one in enumerate(classes, start=1):
        inner[_outline(labels == value, height, width)] = one.colour
    picture = np.zeros((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    top, left = (SIDE_PX - height) // 2, (SIDE_PX - width) // 2
    picture[top : top + height, left : left + width] = inner
    return picture


def _inner_size(shape: tuple[int, ...], spacing_yx: tuple[float, float]) -> tuple[int, int]:
    lengths = [size * step for size, step in zip(shape, spacing_yx, strict=True)]
    height, width = (max(1, round(SIDE_PX * length / max(lengths))) for length in lengths)
    return height, width


def _to_grey(plane: np.ndarray, window: tuple[float, float] | None) -> np.ndarray:
    """(Y, X) float32 from 0 to 255; black where the slice is not finite."""
    values = plane.astype(np.float32)
    finite = values[np.isfinite(values)]
    if window is None and finite.size:
        low, high = (float(edge) for edge in np.percentile(finite, _PERCENTILES))
    else:
        low, high = window or (0.0, 0.0)
    step = high - low if high > low else 1.0
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    grey: np.ndarray = np.clip((values - low) / step, 0, 1) * 255
    return grey


def _resample(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resample by block means where it shrinks the slice, by nearest pixel where it enlarges it."""
    for axis, size in enumerate((height, width)):
        starts = np.arange(size) * plane.shape[axis] // size
        if plane.shape[axis] > size:
            ends = np.append(starts[1:], plane.shape[axis])
            counts = np.expand_dims(ends - starts, 1 - axis)
            plane = np.add.reduceat(plane, starts, axis=axis) / counts
        else:
            plane = np.take(plane, starts, axis=axis)
    return plane


def _outline(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width) bool: the border pixels of a mask; a small mask keeps at least one."""
    region = _resample(mask.astype(np.float32), height, width) > 0
    padded = np.pad(region, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    outline: np.ndarray = region & ~inside
    return outline


def _model_colour(classes: Sequence[SegmentationClass]) -> tuple[int, int, int]:
    for colour in MODEL_COLOURS:
        distances = [np.linalg.norm(np.subtract(colour, one.colour)) for one in classes]
        if min(distances, default=_MIN_DISTANCE) >= _MIN_DISTANCE:
            return colour
    return MODEL_COLOURS[0]
