"""Fill the tables of concepts/gate.md: how often the gate errs, and what it can see.

``python docs/make_power_table.py`` simulates with a fixed seed, which takes some minutes on one
core. Differences of Dice per case are drawn in several shapes, each with mean 0; the gate errs
where its interval lies above 0. Drawing patients and reading the interval are the gate's own
functions (tgcnet.evaluation.bootstrap).
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy import stats

from tgcnet.evaluation.bootstrap import draw_counts, interval_levels
from tgcnet.gate.verdict import allowed_loss

PAGE = Path(__file__).resolve().parent / "concepts" / "gate.md"
SEED = 0
NUM_TRIALS = 10_000
# These share their draws of patients: drawing is what takes long. The next ones get others.
TRIALS_AT_A_TIME = 500
# Fewer than the gate's 10,000: over all trials the difference averages out.
NUM_RESAMPLES = 2_000
PLAIN_LEVEL = 0.025
UNIT_SPREAD = np.sqrt(2)  # of a Laplace distribution of scale 1
POWER = 0.8

ERROR_CASES = (10, 15, 20, 30, 40, 60, 100)
POWER_CASES = (20, 30, 40, 60, 80, 100, 150, 200, 300)
REFERENCE_CASES = (100, 150, 200, 299, 350, 400, 600, 1000)
REFERENCE_SPREADS = (0.02, 0.03, 0.04, 0.06, 0.08)
SPREADS = (0.05, 0.08, 0.12, 0.16)

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
# Mean 0 each; of the skewed ones most cases gain a little and a few lose much, or the reverse.
SHAPES: dict[str, Draw] = {
    "normal": lambda generator, size: generator.standard_normal(size),
    "heavy tails (Laplace)": lambda generator, size: generator.laplace(size=size),
    "heavy tails (t, 4 df)": lambda generator, size: generator.standard_t(4, size=size),
    "few lose much (skewness -1)": lambda generator, size: 4 - generator.gamma(4, size=size),
    "few lose much (skewness -2)": lambda generator, size: 1 - generator.gamma(1, size=size),
    "few gain much (skewness 1)": lambda generator, size: generator.gamma(4, size=size) - 4,
}


def bca_low(means: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """Lower end of the bias-corrected and accelerated interval, to compare with."""
    centre = trials.mean(axis=1)
    below = np.clip((means < centre).mean(axis=0), 1 / len(means), 1 - 1 / len(means))
    bias, spread = stats.norm.ppf(below), trials - centre[:, None]
    acceleration = (spread**3).sum(axis=1) / (6 * (spread**2).sum(axis=1) ** 1.5)
    shifted = bias + stats.norm.ppf(PLAIN_LEVEL)
    level = stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))
    rank = np.clip((level * len(means)).astype(int), 0, len(means) - 1)
    return np.asarray(np.sort(means, axis=0)[rank, np.arange(len(trials))])


def lower_ends(draw: Draw, num_cases: int) -> np.ndarray:
    """(3, NUM_TRIALS): lower ends by plain percentiles, by BCa, and by the gate's levels."""
    generator = np.random.default_rng(SEED)
    level = interval_levels(num_cases)[0]
    parts = []
    for _ in range(NUM_TRIALS // TRIALS_AT_A_TIME):
        trials = draw(generator, (TRIALS_AT_A_TIME, num_cases))
        counts = draw_counts(generator, num_cases, NUM_RESAMPLES)
        means = counts @ trials.T / num_cases  # (resamples, trials)
        plain, widened = np.quantile(means, (PLAIN_LEVEL, level), axis=0)
        parts.append(np.stack([plain, bca_low(means, trials), widened]))
    return np.concatenate(parts, axis=1)


def error_table() -> str:
    """False improvements in per cent: plain / BCa / the gate's."""
    lines = [_row("cases", map(str, ERROR_CASES)), _rule(len(ERROR_CASES))]
    for name, draw in SHAPES.items():
        cells = []
        for num_cases in ERROR_CASES:
            rates = 100 * (lower_ends(draw, num_cases) > 0).mean(axis=1)
            cells.append(" / ".join(f"{rate:.1f}" for rate in rates))
        lines.append(_row(name, cells))
    return "\n".join(lines)


def power_table() -> str:
    """The true gain that is recommended in 80 of 100 trials, in points, by spread and cases.

    A true gain shifts the interval as it is, so the gain wanted is what lifts all but the lowest
    fifth of the lower ends above 0. Of the symmetrical shapes the heavy-tailed one is taken.
    """
    draw = SHAPES["heavy tails (Laplace)"]
    heads = (f"standard deviation {100 * spread:.0f} points" for spread in SPREADS)
    lines = [_row("held-out patients", heads), _rule(len(SPREADS))]
    for num_cases in POWER_CASES:
        lowest = np.quantile(lower_ends(draw, num_cases)[2], 1 - POWER) / UNIT_SPREAD
        gains = (f"{-100 * spread * lowest:.1f}" for spread in SPREADS)
        lines.append(_row(str(num_cases), gains))
    return "\n".join(lines)


def reference_table() -> str:
    """How many of 100 candidates that forgot nothing pass the reference set, given one text."""
    draw = SHAPES["heavy tails (Laplace)"]
    heads = (f"standard deviation {100 * spread:.0f} points" for spread in REFERENCE_SPREADS)
    lines = [_row("reference images", heads), _rule(len(REFERENCE_SPREADS))]
    for num_cases in REFERENCE_CASES:
        lowest = lower_ends(draw, num_cases)[2] / UNIT_SPREAD
        allowed = allowed_loss(num_cases)
        shares = (100 * (spread * lowest > -allowed).mean() for spread in REFERENCE_SPREADS)
        lines.append(_row(str(num_cases), (f"{share:.0f}" for share in shares)))
    return "\n".join(lines)


def _row(head: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([head, *cells])} |"


def _rule(num_columns: int) -> str:
    return f"| --- |{' ---: |' * num_columns}"


def fill(name: str, text: str) -> None:
    """Put a table between its marks."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, first, rest = PAGE.read_text("utf-8").partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        sys.exit(f"{PAGE.name} has no {begin} … {end} to fill.")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def main() -> None:
    """Simulate and fill the tables."""
    fill("errors", error_table())
    fill("power", power_table())
    fill("reference", reference_table())


if __name__ == "__main__":
    main()
