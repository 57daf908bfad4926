"""The learning rate over a run."""

import pytest

from tgcnet.train.config import Phase
from tgcnet.train.optimisation import cycle_lengths, rate_scale


def test_phases_share_a_cycle_until_one_restarts_it() -> None:
    phases = (
        Phase(epochs=3, side_px=160),
        Phase(epochs=1, side_px=224),
        Phase(epochs=5, side_px=224, restarts_rate=True),
        Phase(epochs=1, side_px=224),
    )
    assert cycle_lengths(phases, 10) == [40, 60]


@pytest.mark.parametrize(
    ("step", "warm", "cosine"),
    [(1, 0.25, 0.854), (4, 1.0, 0.0), (5, 0.25, 0.962), (8, 1.0, 0.5), (12, 1.0, 0.0)],
)
def test_each_cycle_warms_up_and_ends_at_nothing(step: int, warm: float, cosine: float) -> None:
    scale = rate_scale(step, [4, 8], warmup_steps=4)
    assert scale == pytest.approx((warm, cosine), abs=1e-3)


def test_without_a_warm_up_the_rate_is_full_from_the_start() -> None:
    assert rate_scale(1, [4], warmup_steps=0) == pytest.approx((1.0, 0.854), abs=1e-3)


def test_past_the_end_the_rate_stays_down() -> None:
    assert rate_scale(99, [4, 8], warmup_steps=4)[1] == pytest.approx(0.0)
