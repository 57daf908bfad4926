"""Scores of masks against references, in both conventions the literature mixes."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tgcnet.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageScore:
    """One image. ``hd95_px`` is None where either mask is empty."""

    dice: float
    iou: float
    hd95_px: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """A whole set.

    Attributes
    ----------
    dice_pooled, iou_pooled : pixels of all images added, then one ratio; 1 where all is empty
    dice_mean, iou_mean : a ratio per image, averaged; an image with an empty reference counts 1
        if its prediction is empty, else 0
    hd95_px : mean over the images where both masks are non-empty; None where there is none
    num_images, num_empty : all images, and those with an empty reference
    """

    dice_pooled: float
    dice_mean: float
    iou_pooled: float
    iou_mean: float
    hd95_px: float | None
    num_images: int
    num_empty: int


class MetricAccumulator:
    """Adds images one by one; ``result`` sums up. Keeps numbers only, no masks."""

    def __init__(self) -> None:
        self._scores: list[ImageScore] = []
        self._intersection = 0
        self._num_pred = 0
        self._num_ref = 0
        self._num_empty = 0

    def add(self, pred: np.ndarray, ref: np.ndarray) -> ImageScore:
        """Score one image.

        Parameters
        ----------
        pred, ref : (Y, X) bool, the same shape

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
        self._intersection += both
        self._num_pred += num_pred
        self._num_ref += num_ref
        self._num_empty += num_ref == 0
        score = ImageScore(
            dice=_ratio(2 * both, num_pred + num_ref),
            iou=_ratio(both, num_pred + num_ref - both),
            hd95_px=hd95_px(pred, ref) if num_pred and num_ref else None,
        )
        self._scores.append(score)
        return score

    def result(self) -> Metrics:
        """Sum up what was added.

        Raises
        ------
        InputError
            If no image was added.
        """
        if not self._scores:
            raise InputError(
                "There is no image to score, expected at least one; check the folder and its table."
            )
        both, both_sums = self._intersection, self._num_pred + self._num_ref
        distances = [s.hd95_px for s in self._scores if s.hd95_px is not None]
        return Metrics(
            dice_pooled=_ratio(2 * both, both_sums),
            dice_mean=float(np.mean([s.dice for s in self._scores])),
            iou_pooled=_ratio(both, both_sums - both),
            iou_mean=float(np.mean([s.iou for s in self._scores])),
            hd95_px=float(np.mean(distances)) if distances else None,
            num_images=len(self._scores),
            num_empty=self._num_empty,
        )


def hd95_px(pred: np.ndarray, ref: np.ndarray) -> float:
    """95th percentile of the distances between two outlines, both ways taken together.

    Parameters
    ----------
    pred, ref : (Y, X) bool, both non-empty; an outline is the mask's pixels with a background
        neighbour up, down, left or right, or at the image's edge

    Returns
    -------
    float
        In pixels; linear interpolation between ranks.

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
    # Both outlines lie inside the bounding box of their union; the transform is exact on it.
    box = ndimage.find_objects((pred | ref).astype(np.uint8))[0]
    outlines = [_outline(mask[box]) for mask in (pred, ref)]
    to_pred, to_ref = (ndimage.distance_transform_edt(~outline) for outline in outlines)
    distances = np.concatenate([to_ref[outlines[0]], to_pred[outlines[1]]])
    return float(np.percentile(distances, 95))


def _outline(mask: np.ndarray) -> np.ndarray:
    return np.asarray(mask & ~ndimage.binary_erosion(mask, border_value=0))


def _ratio(part: int, whole: int) -> float:
    """1 where there is nothing: an empty prediction of an empty reference is right."""
    return part / whole if whole else 1.0
