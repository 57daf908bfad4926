"""Figures with 95 % intervals by subject, and differences from the report as given.

Subjects are drawn with replacement, as the gate draws them (:mod:`tgcnet.evaluation.bootstrap`),
and every figure of every text mode is computed on the same draws: a difference is one of pairs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tgcnet.errors import InputError
from tgcnet.evaluation.bootstrap import NUM_RESAMPLES, interval_levels, patient_rows, resampled_sums
from tgcnet.evaluation.class_match import UNION
from tgcnet.evaluation.results import Evaluation, ImageResult
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.metrics import ImageScore

FIGURES = ("dice_pooled", "dice_mean", "iou_pooled", "iou_mean", "hd95_px", "hd95_mm")

# What is added up for them: images, two ratios, two counts, and distances with how many there are.
_NUM_SUMS = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A figure, or a difference of two, with its 95 % interval.

    Attributes
    ----------
    value : None where there is none, such as a distance without two masks
    low, high : None where fewer than two subjects have the figure
    """

    value: float | None
    low: float | None
    high: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends, or none."""
        return None if self.low is None or self.high is None else (self.low, self.high)


NOTHING = Estimate(value=None, low=None, high=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassSummary:
    """One class, or all together, under one text mode.

    Attributes
    ----------
    figures : each of ``FIGURES``
    num_empty : images whose reference lacks the class
    side_leak : of all classes together, as :class:`Evaluation` has it; None of a single one
    differences : each figure minus that of the report as given, on the same draws; empty where
        nothing is compared
    """

    text: TextMode
    name: str
    figures: Mapping[str, Estimate]
    num_empty: int
    side_leak: float | None = None
    differences: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """All rows of a table: text modes in order, all classes together before each by itself.

    Attributes
    ----------
    num_subjects : a volume or an image whose subject is not known is one of its own
    """

    rows: tuple[ClassSummary, ...]
    num_images: int
    num_subjects: int
    seed: int
    num_resamples: int

    def of(self, text: TextMode) -> tuple[ClassSummary, ...]:
        """The rows of one text mode."""
        return tuple(row for row in self.rows if row.text is text)


def summarise(
    evaluations: Sequence[Evaluation], *, seed: int = 0, num_resamples: int = NUM_RESAMPLES
) -> Summary:
    """Put intervals to evaluations of the same images; the same seed, the same intervals.

    Parameters
    ----------
    evaluations : one for each text mode; differences are given where one is of the report as given

    Raises
    ------
    InputError
        If they are of different images.
    """
    first = evaluations[0]
    subjects = patient_rows(image.subject for image in first.images)
    if any(_identity(other) != _identity(first) for other in evaluations[1:]):
        raise InputError(
            "The evaluations are of different images, expected the same in the same order; "
            "evaluate one folder under all text modes."
        )
    rows = [
        row
        for place, name in enumerate((UNION, *first.class_names))
        for row in _class_rows(evaluations, place, name, subjects, (seed, num_resamples))
    ]
    modes = [evaluation.mode for evaluation in evaluations]
    return Summary(
        rows=tuple(sorted(rows, key=lambda row: modes.index(row.text))),
        num_images=len(first.images),
        num_subjects=max(subjects) + 1,
        seed=seed,
        num_resamples=num_resamples,
    )


def _class_rows(
    evaluations: Sequence[Evaluation],
    place: int,
    name: str,
    subjects: Sequence[int],
    drawing: tuple[int, int],
) -> Iterator[ClassSummary]:
    """One class under each text mode; ``drawing`` is the seed and how often is drawn."""
    scores = [[_score(image, place) for image in one.images] for one in evaluations]
    sums = _subject_sums(scores, subjects)
    flat = sums.reshape(len(sums), -1)
    # The set as it is comes first, then the sets drawn from it.
    totals = np.vstack([flat.sum(axis=0), resampled_sums(flat, *drawing)])
    totals = totals.reshape(len(totals), len(evaluations), _NUM_SUMS)
    figures = [_figures(totals[:, index]) for index in range(len(evaluations))]
    known = [_num_known(sums[:, index]) for index in range(len(evaluations))]
    modes = [evaluation.mode for evaluation in evaluations]
    given = modes.index(TextMode.GIVEN) if TextMode.GIVEN in modes else None
    for index, mode in enumerate(modes):
        differences: dict[str, Estimate] = {}
        if given is not None and given != index:
            differences = {
                key: _estimate(
                    figures[index][key] - figures[given][key],
                    min(known[index][key], known[given][key]),
                )
                for key in FIGURES
            }
        yield ClassSummary(
            text=mode,
            name=name,
            figures={key: _estimate(figures[index][key], known[index][key]) for key in FIGURES},
            num_empty=sum(score.reference_px == 0 for score in scores[index]),
            side_leak=None if place else evaluations[index].side_leak,
            differences=differences,
        )


def _identity(evaluation: Evaluation) -> tuple[object, ...]:
    return evaluation.class_names, [(image.image, image.subject) for image in evaluation.images]


def _score(image: ImageResult, place: int) -> ImageScore:
    return image.class_scores[place - 1] if place else image.score


def _subject_sums(scores: Sequence[Sequence[ImageScore]], subjects: Sequence[int]) -> np.ndarray:
    """(subjects, modes, sums), from the scores of each mode's images."""
    values = np.array([[_summands(score) for score in one] for one in scores])
    sums = np.zeros((max(subjects) + 1, len(scores), _NUM_SUMS))
    np.add.at(sums, np.asarray(subjects), values.transpose(1, 0, 2))
    return sums


def _summands(score: ImageScore) -> tuple[float, ...]:
    values = (
        1,
        score.dice,
        score.iou,
        score.intersection_px,
        score.predicted_px + score.reference_px,
        score.hd95_px or 0,
        score.hd95_px is not None,
        score.hd95_mm or 0,
        score.hd95_mm is not None,
    )
    return tuple(map(float, values))


def _figures(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Each figure of each set, (sets,); NaN where a set has none.  ``sums``: (sets, sums)."""
    images, dice, iou, both, of_two, px, num_px, mm, num_mm = sums.T
    return {
        # Pooled masks that are all empty are right, as in MetricAccumulator.
        "dice_pooled": _ratio(2 * both, of_two, 1.0),
        "dice_mean": dice / images,
        "iou_pooled": _ratio(both, of_two - both, 1.0),
        "iou_mean": iou / images,
        "hd95_px": _ratio(px, num_px, np.nan),
        "hd95_mm": _ratio(mm, num_mm, np.nan),
    }


def _ratio(part: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0))


def _num_known(sums: np.ndarray) -> dict[str, int]:
    """How many subjects each figure rests on.  ``sums``: (subjects, sums)."""
    numbers = dict.fromkeys(FIGURES, len(sums))
    with_px, with_mm = (np.count_nonzero(sums[:, column]) for column in (6, 8))
    return numbers | {"hd95_px": int(with_px), "hd95_mm": int(with_mm)}


def _estimate(values: np.ndarray, num_subjects: int) -> Estimate:
    """From the figure of the set, which comes first, and of the sets drawn from it."""
    if np.isnan(values[0]):
        return NOTHING
    if num_subjects < 2:
        return Estimate(value=float(values[0]), low=None, high=None)
    # A draw of none of the few images with a distance has none: it says nothing either way.
    low, high = np.nanquantile(values[1:], interval_levels(num_subjects))
    return Estimate(value=float(values[0]), low=float(low), high=float(high))
