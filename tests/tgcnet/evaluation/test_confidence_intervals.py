"""Intervals by subject, and differences on the same draws."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tgcnet.errors import InputError
from tgcnet.evaluation.confidence_intervals import FIGURES, NOTHING, summarise
from tgcnet.evaluation.results import Evaluation
from tgcnet.evaluation.text_modes import TextMode

MadeUp = Callable[..., Evaluation]


def test_the_figures_are_those_of_the_set(made_up: MadeUp) -> None:
    evaluation = made_up([0.2, 0.9, 0.4, 1.0], distances=[3.0, None, 5.0, 0.0])
    (row,) = summarise([evaluation], num_resamples=20).rows
    for key in FIGURES:
        expected = getattr(evaluation.metrics, key)
        assert row.figures[key].value == (None if expected is None else pytest.approx(expected))
    assert (row.name, row.text, row.num_empty, row.differences) == ("any", "given", 0, {})
    assert row.figures["hd95_mm"] == NOTHING


def test_an_interval_is_that_of_a_mean_of_independent_subjects(made_up: MadeUp) -> None:
    dices = np.random.default_rng(1).uniform(0.3, 0.9, 200)
    (row,) = summarise([made_up(list(dices))]).rows
    low, high = row.figures["dice_mean"].interval or (0, 0)
    half = 1.96 * dices.std(ddof=1) / np.sqrt(200)
    assert (low, high) == pytest.approx((dices.mean() - half, dices.mean() + half), abs=2e-3)


def test_images_of_a_subject_are_drawn_together(made_up: MadeUp) -> None:
    dices = [0.2, 0.3, 0.5, 0.6, 0.8, 0.9]
    alone = summarise([made_up(dices, subjects=list("abcdef"))], num_resamples=2000)
    # Each subject five times: five times as many images tell no more.
    repeated = summarise([made_up(dices * 5, subjects=list("abcdef") * 5)], num_resamples=2000)
    assert (alone.num_subjects, repeated.num_subjects, repeated.num_images) == (6, 6, 30)
    for key in ("dice_mean", "iou_pooled"):
        assert alone.rows[0].figures[key].interval == pytest.approx(
            repeated.rows[0].figures[key].interval
        )


def test_an_image_without_a_subject_is_one_of_its_own(made_up: MadeUp) -> None:
    assert summarise([made_up([0.1, 0.2, 0.3])], num_resamples=5).num_subjects == 3
    known = made_up([0.1, 0.2, 0.3], subjects=["", "0.png", ""])
    assert summarise([known], num_resamples=5).num_subjects == 3


def test_a_difference_is_one_of_pairs(made_up: MadeUp) -> None:
    generator = np.random.default_rng(2)
    dices = generator.uniform(0.2, 0.8, 60)
    given = made_up(list(dices + 0.1))
    none = made_up(list(dices), mode=TextMode.NONE)
    summary = summarise([none, given])
    (row,) = summary.of(TextMode.NONE)
    change = row.differences["dice_mean"]
    assert change.value == pytest.approx(-0.1)
    # The same in every image, so however the subjects are drawn; each figure by itself is unsure.
    assert change.interval == pytest.approx((-0.1, -0.1))
    low, high = row.figures["dice_mean"].interval or (0, 0)
    assert high - low > 0.05
    assert summary.of(TextMode.GIVEN)[0].differences == {}


def test_without_the_report_as_given_nothing_is_compared(made_up: MadeUp) -> None:
    summary = summarise([made_up([0.5, 0.6], mode=TextMode.NONE)], num_resamples=5)
    assert summary.rows[0].differences == {}


def test_one_subject_has_no_interval(made_up: MadeUp) -> None:
    both = [
        made_up([0.5, 0.6], subjects=["a", "a"], mode=mode)
        for mode in (TextMode.GIVEN, TextMode.NONE)
    ]
    rows = summarise(both, num_resamples=20).rows
    assert rows[0].figures["dice_mean"].value == pytest.approx(0.55)
    assert rows[0].figures["dice_mean"].interval is None
    assert rows[1].differences["dice_mean"].interval is None


def test_a_distance_of_one_image_has_no_interval(made_up: MadeUp) -> None:
    lone = made_up([0.5, 0.6, 0.7], distances=[4.0, None, None])
    figures = summarise([lone], num_resamples=50).rows[0].figures
    assert (figures["hd95_px"].value, figures["hd95_px"].interval) == (4.0, None)
    two = made_up([0.5, 0.6, 0.7], distances=[4.0, 6.0, None])
    low, high = summarise([two], num_resamples=500).rows[0].figures["hd95_px"].interval or (0, 0)
    assert (low, high) == (4.0, 6.0)


def test_the_seed_decides_the_interval(made_up: MadeUp) -> None:
    evaluation = made_up([0.1, 0.4, 0.5, 0.9])

    def interval(seed: int) -> object:
        return summarise([evaluation], seed=seed, num_resamples=40).rows[0].figures["dice_mean"]

    assert interval(1) == interval(1) != interval(2)


def test_evaluations_of_other_images_are_refused(made_up: MadeUp) -> None:
    one = made_up([0.5, 0.6])
    with pytest.raises(InputError, match="are of different images, expected the same"):
        summarise([one, replace(made_up([0.5]), mode=TextMode.NONE)])
