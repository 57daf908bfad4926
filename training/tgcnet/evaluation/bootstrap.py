"""Bootstrap intervals, resampled by patient.

The interval is the bootstrap's percentile interval. Patients are drawn, not cases, since the
cases of one patient resemble each other. On few patients that interval is too narrow, as a
standard deviation by n and a quantile of the normal distribution are; its two levels are widened
by what the t distribution makes of them (Hesterberg, The American Statistician 69:371, 2015, the
"expanded percentile" interval). docs/make_power_table.py measures how often it is wrong.
"""

from collections.abc import Iterable

import numpy as np
from scipy.special import ndtr, stdtrit

NUM_RESAMPLES = 10_000
CONFIDENCE = 0.95

# Counts of drawn patients at a time: bounds memory at any size of a set.
_CHUNK = 1_000


def patient_rows(patients: Iterable[str]) -> list[int]:
    """Which patient each case belongs to, counted from 0 in the order they appear.

    Parameters
    ----------
    patients : of each case; a case whose patient is "" is a patient by itself, since two folders
        may call different images alike
    """
    rows: dict[tuple[str, int], int] = {}
    return [
        rows.setdefault((patient, 0 if patient else index), len(rows))
        for index, patient in enumerate(patients)
    ]


def draw_counts(
    generator: np.random.Generator, num_patients: int, num_resamples: int
) -> np.ndarray:
    """How often each patient is drawn, with replacement: (num_resamples, num_patients) float64."""
    drawn = generator.integers(num_patients, size=(num_resamples, num_patients))
    cells = drawn + np.arange(num_resamples)[:, None] * num_patients
    counts = np.bincount(cells.ravel(), minlength=num_resamples * num_patients)
    return counts.reshape(num_resamples, num_patients).astype(np.float64)


def resampled_sums(sums: np.ndarray, seed: int, num_resamples: int) -> np.ndarray:
    """The sums of the patients' figures in each resampled set; the same seed gives the same sets.

    Parameters
    ----------
    sums : (patients, figures)

    Returns
    -------
    (num_resamples, figures) float64
    """
    generator = np.random.default_rng(seed)
    sizes = [min(_CHUNK, num_resamples - done) for done in range(0, num_resamples, _CHUNK)]
    return np.concatenate([draw_counts(generator, len(sums), size) @ sums for size in sizes])


def interval_levels(num_patients: int) -> tuple[float, float]:
    """The two levels at which resampled figures are read, widened for few patients.

    Parameters
    ----------
    num_patients : at least 2; one patient says nothing of how patients differ
    """
    quantile = stdtrit(num_patients - 1, (1 + CONFIDENCE) / 2)
    low = float(ndtr(-quantile * np.sqrt(num_patients / (num_patients - 1))))
    return low, 1 - low
