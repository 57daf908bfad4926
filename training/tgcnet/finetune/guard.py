"""Watches the loss: a run that diverges is rolled back at a lower rate, and in the end stopped."""

import math
from collections.abc import Sequence
from statistics import median

MAX_ROLLBACKS = 3
_MEMORY = 40
_EXPLODES_AT = 4.0


def is_fine(loss: float, recent: Sequence[float]) -> bool:
    """Whether training may go on from a loss.

    A loss has exploded if it is no finite number, or more than four times the median of the recent
    ones (at least 1, about what an untrained network has). The first one is the parent's own,
    however far the corrections are from what it draws.
    """
    usual = max(1.0, median(recent or [loss]))
    return math.isfinite(loss) and loss <= _EXPLODES_AT * usual


def remembering(loss: float, recent: Sequence[float]) -> tuple[float, ...]:
    """The recent losses with another one, the latest last."""
    return (*recent[-_MEMORY:], loss)
