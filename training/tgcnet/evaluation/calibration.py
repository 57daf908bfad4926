"""Whether a probability of 0.7 is right in 70 of 100 pixels.

Pixels are put into 15 bins of equal width by their probability; in each, the mean probability is
compared with the share of pixels that the reference marks. The expected calibration error is the
mean of the differences, weighted by the bins' pixels (Guo et al., ICML 2017), of the foreground's
probability, as torchmetrics' ``BinaryCalibrationError`` has it.

Most pixels of a radiograph are far from any lesion and surely none, so over whole images any
sensible model has an error near zero. The second figure looks where a decision is made: near what
was marked or predicted, at most a sixteenth of the image's longer side away along each axis. The
place decides, not the probability: to take single pixels out by their own reference would spoil
the shares that are measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tgcnet.evaluation.class_match import UNION
from tgcnet.evaluation.results import Drawn

NUM_BINS = 15
NEAR_SHARE = 1 / 16
"""Of the image's longer side: how far "near the lesion" reaches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """Pixels by their predicted probability.

    Attributes
    ----------
    num_pixels : (15,) in each bin of probability, [0, 1/15), …, [14/15, 1]
    confidence : (15,) their mean probability; NaN in an empty bin
    frequency : (15,) the share of them that the reference marks; NaN in an empty bin
    """

    num_pixels: np.ndarray
    confidence: np.ndarray
    frequency: np.ndarray

    @property
    def error(self) -> float | None:
        """The expected calibration error, in [0, 1]; None without a pixel."""
        total = self.num_pixels.sum()
        if not total:
            return None
        gaps = np.abs(np.nan_to_num(self.confidence - self.frequency))
        return float((gaps * self.num_pixels).sum() / total)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """One class: over whole images, and near what was marked or predicted."""

    name: str
    whole: Reliability
    near: Reliability


class CalibrationMeter:
    """Adds images one by one, keeping counts only.

    Parameters
    ----------
    class_names : those scored one by one; empty where only the union of all classes is. Its
        probability is the largest of the classes', since that one decides the label
    """

    def __init__(self, class_names: Sequence[str] = ()) -> None:
        self._names = tuple(class_names) or (UNION,)
        self._is_union = not class_names
        # Of each class, whole and near: pixels, their probabilities, and those marked.
        self._sums = np.zeros((len(self._names), 2, 3, NUM_BINS))

    def add(self, drawn: Drawn) -> None:
        """Count the pixels of one image."""
        for index in range(len(self._names)):
            if self._is_union:
                probability = drawn.probability.max(axis=0)
                is_marked, is_predicted = drawn.reference > 0, drawn.labels > 0
            else:
                probability = drawn.probability[index]
                is_marked, is_predicted = (
                    labels == index + 1 for labels in (drawn.reference, drawn.labels)
                )
            near = near_lesion(is_marked | is_predicted)
            for place, where in enumerate((np.ones_like(near), near)):
                self._sums[index, place] += count_bins(probability[where], is_marked[where])

    def result(self) -> tuple[Calibration, ...]:
        """Sum up what was added."""
        return tuple(
            Calibration(name=name, whole=_reliability(whole), near=_reliability(near))
            for name, (whole, near) in zip(self._names, self._sums, strict=True)
        )


def count_bins(probability: np.ndarray, is_marked: np.ndarray) -> np.ndarray:
    """Pixels, their probabilities and those marked, added up in each bin: (3, 15) float64.

    Parameters
    ----------
    probability : (pixels,) in [0, 1]
    is_marked : (pixels,) bool
    """
    values = probability.astype(np.float64)
    bins = np.minimum((values * NUM_BINS).astype(np.intp), NUM_BINS - 1)
    weights = (None, values, is_marked.astype(np.float64))
    return np.stack([np.bincount(bins, weights=one, minlength=NUM_BINS) for one in weights])


def near_lesion(mask: np.ndarray) -> np.ndarray:
    """(Y, X) bool: pixels at most a sixteenth of the longer side from a mask's, along each axis."""
    reach = max(1, round(max(mask.shape) * NEAR_SHARE))
    near: np.ndarray = ndimage.maximum_filter(
        mask.astype(np.uint8), size=2 * reach + 1, mode="constant"
    )
    return near > 0


def calibration_to_json(calibration: Calibration) -> dict[str, object]:
    """The numbers of a diagram; an empty bin has no confidence and no frequency."""
    return {
        "class": calibration.name,
        "ece": calibration.whole.error,
        "ece_near_lesion": calibration.near.error,
        "num_bins": NUM_BINS,
        "whole_image": _bins_to_json(calibration.whole),
        "near_lesion": _bins_to_json(calibration.near),
    }


def _bins_to_json(reliability: Reliability) -> dict[str, list[object]]:
    return {
        "num_pixels": [int(number) for number in reliability.num_pixels],
        "confidence": [_known(value) for value in reliability.confidence],
        "frequency": [_known(value) for value in reliability.frequency],
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _reliability(sums: np.ndarray) -> Reliability:
    num_pixels, probability, marked = sums
    known = num_pixels > 0
    empty = np.full(NUM_BINS, np.nan)
    return Reliability(
        num_pixels=num_pixels,
        confidence=np.divide(probability, num_pixels, out=empty.copy(), where=known),
        frequency=np.divide(marked, num_pixels, out=empty.copy(), where=known),
    )
