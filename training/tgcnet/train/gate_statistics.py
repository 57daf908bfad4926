"""Whether a difference of Dice is more than chance: paired cases, patients drawn anew.  No torch.

The interval is the bootstrap's percentile interval. Patients are drawn, not cases, since the
cases of one patient resemble each other. On few patients that interval is too narrow, as a
standard deviation by n and a quantile of the normal distribution are; its two levels are widened
by what the t distribution makes of them (Hesterberg, The American Statistician 69:371, 2015, the
"expanded percentile" interval). docs/make_power_table.py measures how often it is wrong.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, stdtrit

from tgcnet.domain import Change, Comparison
from tgcnet.train.gate_scores import CaseScore, pair

NUM_RESAMPLES = 10_000
CONFIDENCE = 0.95

# Counts of drawn patients at a time: bounds memory at any size of a set.
_CHUNK = 1_000


def compare(
    before: Sequence[CaseScore],
    after: Sequence[CaseScore],
    *,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
) -> Comparison:
    """Compare two models on the same cases, told the same thing; the same seed, the same figures.

    Raises
    ------
    InputError
        If the cases do not pair.
    """
    pairs = pair(before, after)
    sums = _patient_sums(pairs)
    # The set as it is comes first, then the sets drawn from it.
    totals = np.vstack([sums.sum(axis=0), _resampled_sums(sums, seed, num_resamples)])
    return Comparison(
        text=pairs[0][0].text,
        num_cases=len(pairs),
        num_patients=len(sums),
        dice_mean=_change(*_dice_mean(totals), len(sums)),
        dice_pooled=_change(*_dice_pooled(totals), len(sums)),
    )


def draw_counts(
    generator: np.random.Generator, num_patients: int, num_resamples: int
) -> np.ndarray:
    """How often each patient is drawn, with replacement: (num_resamples, num_patients) float64."""
    drawn = generator.integers(num_patients, size=(num_resamples, num_patients))
    cells = drawn + np.arange(num_resamples)[:, None] * num_patients
    counts = np.bincount(cells.ravel(), minlength=num_resamples * num_patients)
    return counts.reshape(num_resamples, num_patients).astype(np.float64)


def interval_levels(num_patients: int) -> tuple[float, float]:
    """The two levels at which the resampled differences are read, widened for few patients."""
    quantile = stdtrit(num_patients - 1, (1 + CONFIDENCE) / 2)
    low = float(ndtr(-quantile * np.sqrt(num_patients / (num_patients - 1))))
    return low, 1 - low


def _patient_sums(pairs: Sequence[tuple[CaseScore, CaseScore]]) -> np.ndarray:
    """(patients, 7): cases, then Dice, intersection and pixel sum before, and the same after."""
    rows: dict[tuple[str, str], int] = {}
    sums = np.zeros((len(pairs), 7))
    for one, other in pairs:
        # A case without a patient is one by itself, whatever it is called.
        patient = (one.group, "") if one.group else ("", one.case)
        row = rows.setdefault(patient, len(rows))
        figures = [(score.dice, score.intersection_px, score.sum_px) for score in (one, other)]
        sums[row] += (1, *figures[0], *figures[1])
    return sums[: len(rows)]


def _resampled_sums(sums: np.ndarray, seed: int, num_resamples: int) -> np.ndarray:
    """(num_resamples, 7)."""
    generator = np.random.default_rng(seed)
    sizes = [min(_CHUNK, num_resamples - done) for done in range(0, num_resamples, _CHUNK)]
    return np.concatenate([draw_counts(generator, len(sums), size) @ sums for size in sizes])


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
        low, high = -1.0, 1.0  # all that can be said of one patient
    else:
        low, high = np.quantile(differences[1:], interval_levels(num_patients))
    return Change(
        before=float(before[0]),
        after=float(after[0]),
        difference=float(differences[0]),
        low=float(low),
        high=float(high),
    )
