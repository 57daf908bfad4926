"""Whether a difference of Dice is more than chance: paired cases, drawn by patient."""

from collections.abc import Sequence

import numpy as np

from tgcnet.domain import Change, Comparison
from tgcnet.evaluation.bootstrap import NUM_RESAMPLES, interval_levels, patient_rows, resampled_sums
from tgcnet.gate.case_scores import CaseScore, pair


def compare(
    before: Sequence[CaseScore],
    after: Sequence[CaseScore],
    *,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
) -> Comparison:
    """Compare two models on the same cases and texts; the same seed gives the same figures.

    Raises
    ------
    InputError
        If the cases do not pair.
    """
    pairs = pair(before, after)
    sums = _patient_sums(pairs)
    # The set as it is comes first, then the sets drawn from it.
    totals = np.vstack([sums.sum(axis=0), resampled_sums(sums, seed, num_resamples)])
    return Comparison(
        text=pairs[0][0].text,
        num_cases=len(pairs),
        num_patients=len(sums),
        dice_mean=_change(*_dice_mean(totals), len(sums)),
        dice_pooled=_change(*_dice_pooled(totals), len(sums)),
    )


def _patient_sums(pairs: Sequence[tuple[CaseScore, CaseScore]]) -> np.ndarray:
    """(patients, 7): cases, then Dice, intersection and pixel sum before, and the same after."""
    rows = patient_rows(one.group for one, _ in pairs)
    sums = np.zeros((max(rows) + 1, 7))
    for row, scores in zip(rows, pairs, strict=True):
        figures = [(score.dice, score.intersection_px, score.sum_px) for score in scores]
        sums[row] += (1, *figures[0], *figures[1])
    return sums


def _dice_mean(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Before and after, of (sets, 7)."""
    return sums[:, 1] / sums[:, 0], sums[:, 4] / sums[:, 0]


def _dice_pooled(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Before and after, of (sets, 7); 1 where both masks of all cases are empty."""
    return _ratio(2 * sums[:, 2], sums[:, 3]), _ratio(2 * sums[:, 5], sums[:, 6])


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(whole > 0, part / np.maximum(whole, 1), 1.0))


def _change(before: np.ndarray, after: np.ndarray, num_patients: int) -> Change:
    """From the figures of the set, which come first, and of the sets drawn from it."""
    differences = after - before
    if num_patients == 1:
        low, high = -1.0, 1.0  # one patient says nothing of others
    else:
        low, high = np.quantile(differences[1:], interval_levels(num_patients))
    return Change(
        before=float(before[0]),
        after=float(after[0]),
        difference=float(differences[0]),
        low=float(low),
        high=float(high),
    )
