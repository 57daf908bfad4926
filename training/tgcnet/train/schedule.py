"""The learning rate over a run: a linear warm-up and a cosine for each cycle."""

import math
from collections.abc import Sequence

from tgcnet.train.config import Phase


def cycle_lengths(phases: Sequence[Phase], steps_per_epoch: int) -> list[int]:
    """Steps of each cycle of the rate; a phase that restarts it begins one."""
    cycles: list[int] = []
    for phase in phases:
        if phase.restarts_rate or not cycles:
            cycles.append(0)
        cycles[-1] += phase.epochs * steps_per_epoch
    return cycles


def rate_scale(step: int, cycles: Sequence[int], *, warmup_steps: int) -> tuple[float, float]:
    """The warm-up's factor and the cosine's, both in [0, 1], at ``step`` of a run, from 1.

    Without ``warmup_steps`` the first factor is 1 throughout.
    """
    earlier = list(cycles[:-1])
    while earlier and step > earlier[0]:
        step -= earlier.pop(0)
    length = earlier[0] if earlier else cycles[-1]
    cosine = (1 + math.cos(math.pi * min(1.0, step / length))) / 2
    warm = min(1.0, step / warmup_steps) if warmup_steps else 1.0
    return warm, cosine
