"""Watches the loss: a run that diverges is rolled back at a lower rate, and in the end stopped."""

import math
from statistics import median

MAX_ROLLBACKS = 3
_MEMORY = 40
_EXPLODES_AT = 4.0


class LossGuard:
    """Remembers recent losses.

    A loss has exploded if it is no finite number, or more than four times the recent median (at
    least 1, about what an untrained network has). The first one is the parent's own, however far
    the corrections are from what it draws.
    """

    def __init__(self) -> None:
        self._recent: list[float] = []

    def is_fine(self, loss: float) -> bool:
        """Whether training may go on from this loss; a fine one is remembered."""
        usual = max(1.0, median(self._recent or [loss]))
        if not math.isfinite(loss) or loss > _EXPLODES_AT * usual:
            return False
        self._recent = [*self._recent[-_MEMORY:], loss]
        return True
