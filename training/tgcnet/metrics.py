"""Scores of masks against references, in both conventions the literature mixes.

Ours rather than a library's, since no library has both conventions with one rule for empty masks.
MONAI's ``DiceMetric`` cannot pool, and leaves images with an empty reference out unless given
``ignore_empty=False``; torchmetrics' ``DiceScore`` does both, and gives NaN where both masks are
empty. MONAI's ``compute_hausdorff_distance`` takes the larger of two one-way percentiles.
tests/tgcnet/test_metrics.py holds these figures against both libraries. No torch here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tgcnet.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageScore:
    """One image, or one class of it.

    Attributes
    ----------
    predicted_px, reference_px, intersection_px : pixels of the mask predicted, of the reference,
        and of both: what pooling needs
    hd95_px : None where either mask is empty
    hd95_mm : None there too, and where the pixels' size is not known
    """

    dice: float
    iou: float
    predicted_px: int
    reference_px: int
    intersection_px: int
    hd95_px: float | None
    hd95_mm: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """A whole set.

    Attributes
    ----------
    dice_pooled, iou_pooled : pixels of all images added, then one ratio; 1 where all is empty
    dice_mean, iou_mean : a ratio per image, averaged; an image with an empty reference counts 1
        if its prediction is empty, else 0
    hd95_px : mean over the images where both masks are non-empty; None where there is none
    hd95_mm : mean over those of them whose pixels have a known size; None where there is none
    num_images, num_empty : all images, and those with an empty reference
    """

    dice_pooled: float
    dice_mean: float
    iou_pooled: float
    iou_mean: float
    hd95_px: float | None
    hd95_mm: float | None
    num_images: int
    num_empty: int


class MetricAccumulator:
    """Adds images one by one; ``result`` sums up. Keeps numbers only, no masks."""

    def __init__(self) -> None:
        self._scores: list[ImageScore] = []

    def add(
        self,
        pred: np.ndarray,
        ref: np.ndarray,
        *,
        spacing_yx_mm: tuple[float, float] | None = None,
    ) -> ImageScore:
        """Score one image.

        Parameters
        ----------
        pred, ref : (Y, X) bool, the same shape
        spacing_yx_mm : between neighbouring pixels along y and x; None where it is unknown

        Raises
        ------
        InputError
            If the masks are not boolean planes of one shape.
        """
        if pred.dtype != np.bool_ or ref.dtype != np.bool_ or pred.ndim != 2:
            raise InputError(
                f"Masks to score are boolean planes, got {pred.ndim} axes of {pred.dtype} and "
                f"{ref.ndim} axes of {ref.dtype}; compare labels with a class first."
            )
        if pred.shape != ref.shape:
            raise InputError(
                f"The mask has {pred.shape[0]} x {pred.shape[1]} pixels and its reference the "
                f"shape {ref.shape}, expected the same; check that they belong to one image."
            )
        both, num_pred, num_ref = (int(np.count_nonzero(m)) for m in (pred & ref, pred, ref))
        has_distance = num_pred > 0 and num_ref > 0
        spacing = spacing_yx_mm if has_distance else None
        score = ImageScore(
            dice=_ratio(2 * both, num_pred + num_ref),
            iou=_ratio(both, num_pred + num_ref - both),
            predicted_px=num_pred,
            reference_px=num_ref,
            intersection_px=both,
            hd95_px=hd95(pred, ref) if has_distance else None,
            hd95_mm=hd95(pred, ref, spacing) if spacing else None,
        )
        self._scores.append(score)
        return score

    def result(self) -> Metrics:
        """Sum up what was added, as :func:`sum_up` does."""
        return sum_up(self._scores)


def sum_up(scores: Sequence[ImageScore]) -> Metrics:
    """The figures of a set from those of its images.

    Raises
    ------
    InputError
        If there is no image.
    """
    if not scores:
        raise InputError(
            "There is no image to score, expected at least one; check the folder and its table."
        )
    both = sum(s.intersection_px for s in scores)
    both_sums = sum(s.predicted_px + s.reference_px for s in scores)
    return Metrics(
        dice_pooled=_ratio(2 * both, both_sums),
        dice_mean=float(np.mean([s.dice for s in scores])),
        iou_pooled=_ratio(both, both_sums - both),
        iou_mean=float(np.mean([s.iou for s in scores])),
        hd95_px=_mean_of_known(s.hd95_px for s in scores),
        hd95_mm=_mean_of_known(s.hd95_mm for s in scores),
        num_images=len(scores),
        num_empty=sum(s.reference_px == 0 for s in scores),
    )


def hd95(pred: np.ndarray, ref: np.ndarray, spacing_yx: tuple[float, float] = (1.0, 1.0)) -> float:
    """95th percentile of the distances between two outlines, both ways taken together.

    Parameters
    ----------
    pred, ref : (Y, X) bool, both non-empty; an outline is the mask's pixels with a background
        neighbour up, down, left or right, or at the image's edge
    spacing_yx : between neighbouring pixels along y and x, above 0; 1 gives a distance in pixels

    Returns
    -------
    float
        In the unit of the spacing; linear interpolation between ranks.

    Raises
    ------
    InputError
        If one of the masks is empty.
    """
    if not pred.any() or not ref.any():
        raise InputError(
            "The distance between outlines needs two non-empty masks, and one is empty; leave the "
            "image out of this average."
        )
    if not all(0 < spacing < np.inf for spacing in spacing_yx):
        raise InputError(
            f"Pixels lie {spacing_yx[0]} and {spacing_yx[1]} apart along y and x, expected lengths "
            "above 0; correct the spacing in the image's file."
        )
    # Both outlines lie inside the bounding box of their union; the transform is exact on it.
    box = ndimage.find_objects((pred | ref).astype(np.uint8))[0]
    outlines = [_outline(mask[box]) for mask in (pred, ref)]
    to_pred, to_ref = (
        ndimage.distance_transform_edt(~outline, sampling=spacing_yx) for outline in outlines
    )
    distances = np.concatenate([to_ref[outlines[0]], to_pred[outlines[1]]])
    return float(np.percentile(distances, 95))


def _outline(mask: np.ndarray) -> np.ndarray:
    return np.asarray(mask & ~ndimage.binary_erosion(mask, border_value=0))


def _mean_of_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _ratio(part: int, whole: int) -> float:
    """1 where there is nothing: an empty prediction of an empty reference is right."""
    return part / whole if whole else 1.0
