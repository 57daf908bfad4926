"""The comparison: both conventions by hand, patients drawn together, intervals that hold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tgcnet.errors import InputError
from tgcnet.evaluation.bootstrap import draw_counts, interval_levels
from tgcnet.gate.case_scores import CaseScore
from tgcnet.gate.paired_bootstrap import compare


def scores(dices: Sequence[float], groups: Sequence[str] | None = None) -> list[CaseScore]:
    """A hundred pixels in the sum of each case."""
    return [
        CaseScore(
            case=str(index),
            group=groups[index] if groups else "",
            text="given",
            dice=dice,
            intersection_px=round(dice * 50),
            sum_px=100,
        )
        for index, dice in enumerate(dices)
    ]


def spread(num_cases: int, seed: int) -> tuple[list[CaseScore], list[CaseScore]]:
    generator = np.random.default_rng(seed)
    before = generator.uniform(0.4, 0.8, num_cases)
    after = before + generator.normal(0.02, 0.1, num_cases)
    return scores(list(before)), scores(list(np.clip(after, 0, 1)))


def test_both_conventions_by_hand() -> None:
    before = scores([0.2, 1.0])
    after = [replace(before[0], dice=0.6, intersection_px=30), replace(before[1], sum_px=300)]
    after[1] = replace(after[1], dice=1 / 3)
    result = compare(before, after, num_resamples=50)
    assert result.dice_mean.before == pytest.approx(0.6)
    assert result.dice_mean.after == pytest.approx((0.6 + 1 / 3) / 2)
    assert result.dice_pooled.before == pytest.approx(2 * 60 / 200)
    assert result.dice_pooled.after == pytest.approx(2 * 80 / 400)
    assert result.dice_pooled.difference == pytest.approx(0.4 - 0.6)
    assert (result.num_cases, result.num_patients, result.text) == (2, 2, "given")


def test_cases_are_paired_by_name_in_any_order() -> None:
    before, after = spread(30, 0)
    assert compare(before, after) == compare(before, after[::-1])


def test_the_seed_decides_the_interval() -> None:
    before, after = spread(30, 0)
    assert compare(before, after, seed=1) == compare(before, after, seed=1)
    assert compare(before, after, seed=1) != compare(before, after, seed=2)


def test_the_interval_is_that_of_theory_on_many_cases() -> None:
    before, after = spread(400, 0)
    change = compare(before, after).dice_mean
    differences = np.array([b.dice - a.dice for a, b in zip(before, after, strict=True)])
    half = 1.96 * differences.std(ddof=1) / np.sqrt(400)
    assert change.low == pytest.approx(differences.mean() - half, abs=0.0006)
    assert change.high == pytest.approx(differences.mean() + half, abs=0.0006)


def test_cases_of_one_patient_are_drawn_together() -> None:
    before, after = spread(25, 0)
    alone = compare(before, after)

    def repeated(side: list[CaseScore]) -> list[CaseScore]:
        return [
            replace(score, case=f"{score.case}/{copy}", group=f"patient {score.case}")
            for score in side
            for copy in range(4)
        ]

    clustered = compare(repeated(before), repeated(after))
    assert (clustered.num_cases, clustered.num_patients) == (100, 25)
    # Four copies of a case tell nothing that the case did not.
    assert clustered.dice_mean.low == pytest.approx(alone.dice_mean.low)
    assert clustered.dice_mean.high == pytest.approx(alone.dice_mean.high)


def test_a_case_without_a_patient_is_one_whatever_it_is_called() -> None:
    before = scores([0.5, 0.5, 0.5], groups=["1", "1", ""])
    before[2] = replace(before[2], case="1 ")
    assert compare(before, before, num_resamples=10).num_patients == 2


def test_one_patient_says_nothing() -> None:
    change = compare(scores([0.2]), scores([0.9])).dice_mean
    assert (change.low, change.high) == (-1.0, 1.0)


def test_empty_masks_count_as_right_where_there_is_nothing_else() -> None:
    empty = [replace(score, dice=1.0, intersection_px=0, sum_px=0) for score in scores([1.0] * 3)]
    change = compare(empty, empty).dice_pooled
    assert (change.before, change.after, change.low, change.high) == (1.0, 1.0, 0.0, 0.0)


def test_the_levels_are_wider_on_few_patients() -> None:
    lows = [interval_levels(num)[0] for num in (2, 10, 40, 100_000)]
    assert lows == sorted(lows)
    assert lows[1] < 0.01
    assert lows[-1] == pytest.approx(0.025, abs=1e-5)
    assert sum(interval_levels(20)) == pytest.approx(1)


def test_every_draw_is_of_as_many_patients_as_there_are() -> None:
    counts = draw_counts(np.random.default_rng(0), 7, 500)
    assert counts.shape == (500, 7)
    assert set(counts.sum(axis=1)) == {7.0}
    assert counts.mean() == pytest.approx(1)


@pytest.mark.parametrize("num_patients", [20, 40])
def test_an_interval_of_equal_models_lies_above_zero_about_as_often_as_promised(
    num_patients: int,
) -> None:
    """2.5 % are promised; the page on the gate has the exact measurement."""
    passed = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        dices = np.clip(0.6 + generator.laplace(scale=0.05, size=(2, num_patients)), 0, 1)
        change = compare(scores(list(dices[0])), scores(list(dices[1])), num_resamples=1_000)
        passed += change.dice_mean.low > 0
    assert passed <= 12


def test_cases_that_do_not_pair_are_refused() -> None:
    three, two = scores([0.1, 0.2, 0.3]), scores([0.1, 0.2])
    with pytest.raises(
        InputError, match=r"1 cases were scored under one model only \(first: '2'\)"
    ):
        compare(three, two)
    with pytest.raises(InputError, match="Case '0' was scored twice"):
        compare([*two, two[0]], two)
    with pytest.raises(InputError, match="no case to compare"):
        compare([], [])
    moved = [two[0], replace(two[1], group="another")]
    with pytest.raises(InputError, match="case '1' name another patient or text mode"):
        compare(two, moved)
