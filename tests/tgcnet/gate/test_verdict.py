"""The gate's rule on stored scores: what it recommends, what it must never recommend."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tgcnet.domain import Change, Comparison, GateReport, ModelIdentity
from tgcnet.errors import InputError
from tgcnet.gate.case_scores import CaseScore, PairedScores, read_scores, write_scores
from tgcnet.gate.paired_bootstrap import compare
from tgcnet.gate.verdict import allowed_loss, judge, judge_held_out, judge_reference

ACTIVE = ModelIdentity(name="mini", sha256="a" * 64)
CANDIDATE = ModelIdentity(name="candidate", sha256="b" * 64)
SEEDS = range(20)
NUM_HELD_OUT, NUM_REFERENCE = 40, 250
FAST = 1_000
# Dice of a usable model: mean 0.75, standard deviation 0.16; and of one that learnt nothing.
USABLE, USELESS = (4.5, 1.5), (1.2, 6.0)


def make_scores(
    num_cases: int,
    seed: int,
    *,
    gain: float = 0.0,
    correlation: float = 0.85,
    after: tuple[float, float] = USABLE,
) -> PairedScores:
    """Beta-like Dice of two models on the same cases, with a report and a little worse without.

    A better model loses a share less of what is missing to 1; a worse one a share more of what
    is there. Paired differences of USABLE models have a standard deviation of 9 points.
    """
    generator = np.random.default_rng(seed)
    covariance = [[1.0, correlation], [correlation, 1.0]]
    sums_px = np.exp(generator.normal(9.0, 0.8, num_cases)).astype(int) + 100
    paired: dict[str, list[CaseScore]] = {"active": [], "candidate": []}
    for text, penalty in (("given", 0.0), ("none", 0.05)):
        drawn = stats.norm.cdf(generator.multivariate_normal([0, 0], covariance, num_cases))
        dices = stats.beta.ppf(drawn[:, 0], *USABLE), stats.beta.ppf(drawn[:, 1], *after)
        changed = dices[1] + gain * ((1 - dices[1]) / 0.25 if gain > 0 else dices[1] / 0.75)
        for model, values in zip(paired, (dices[0], changed), strict=True):
            paired[model] += [
                score_of(f"case-{index}", text, dice * (1 - penalty), int(sum_px))
                for index, (dice, sum_px) in enumerate(zip(values, sums_px, strict=True))
            ]
    return PairedScores(active=tuple(paired["active"]), candidate=tuple(paired["candidate"]))


def score_of(case: str, text: str, dice: float, sum_px: int) -> CaseScore:
    both = int(np.clip(dice, 0, 1) * sum_px / 2)
    return CaseScore(
        case=case,
        group="",
        text=text,
        dice=2 * both / sum_px,
        intersection_px=both,
        sum_px=sum_px,
    )


def judged(held_out: PairedScores, reference: PairedScores | None) -> GateReport:
    return judge(held_out, reference, active=ACTIVE, candidate=CANDIDATE, num_resamples=FAST)


def unchanged(seed: int) -> PairedScores:
    """A reference set on which candidate and active model are as good, and close to each other."""
    return make_scores(NUM_REFERENCE, 1000 + seed, correlation=0.95)


def test_the_stored_scores_are_like_real_ones() -> None:
    scores = make_scores(5_000, 0).with_text("given")
    before, after = (np.array([s.dice for s in side]) for side in (scores.active, scores.candidate))
    assert before.mean() == pytest.approx(0.75, abs=0.01)
    assert (after - before).mean() == pytest.approx(0, abs=0.005)
    assert (after - before).std() == pytest.approx(0.09, abs=0.01)
    better = make_scores(5_000, 0, gain=0.05).with_text("given")
    gained = np.mean([s.dice for s in better.candidate]) - before.mean()
    assert gained == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize(("after", "correlation"), [(USELESS, 0.0), (USELESS, 0.5), (USABLE, 0.3)])
def test_candidates_of_shuffled_masks_are_never_recommended(
    after: tuple[float, float], correlation: float
) -> None:
    reports = [
        judged(
            make_scores(NUM_HELD_OUT, seed, after=after, correlation=correlation),
            make_scores(NUM_REFERENCE, 1000 + seed, after=after, correlation=correlation),
        )
        for seed in SEEDS
    ]
    assert sum(report.recommended for report in reports) == 0


def test_candidates_better_by_five_points_are_recommended(tmp_path: Path) -> None:
    recommended = 0
    for seed in SEEDS:
        file = tmp_path / f"{seed}.json"
        write_scores(file, make_scores(NUM_HELD_OUT, seed, gain=0.05), unchanged(seed))
        recommended += judged(*read_scores(file)).recommended
    assert recommended >= 16


def test_equal_candidates_pass_rarely() -> None:
    """Nominally 2.5 of 100 do; of 200, 12 or more would be a chance below 1 in 100."""
    passed = 0
    for seed in range(200):
        scores = make_scores(NUM_HELD_OUT, seed).with_text("given")
        compared = compare(scores.active, scores.candidate, num_resamples=FAST)
        passed += judge_held_out([compared])[0]
    assert passed < 12


def test_a_candidate_that_forgets_is_never_recommended() -> None:
    for seed in SEEDS:
        forgetful = make_scores(NUM_REFERENCE, 1000 + seed, gain=-0.05, correlation=0.95)
        report = judged(make_scores(NUM_HELD_OUT, seed, gain=0.1), forgetful)
        assert not report.recommended
        assert "A loss of 2 points or more is not ruled out." in report.reasons[1]


def test_what_is_forgotten_without_a_report_counts_too() -> None:
    kept = unchanged(0)
    worse = tuple(
        score if score.text == "given" else score_of(score.case, "none", 0.3, score.sum_px)
        for score in kept.candidate
    )
    report = judged(make_scores(NUM_HELD_OUT, 0, gain=0.1), replace(kept, candidate=worse))
    assert not report.recommended
    assert "is ruled out" in report.reasons[1]
    assert report.reasons[2].startswith("Reference set, no report: mean Dice changed by -")


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_reference_set_nothing_is_recommended(seed: int) -> None:
    report = judged(make_scores(NUM_HELD_OUT, seed, gain=0.15), None)
    assert not report.recommended
    assert report.reference == ()
    assert "That is more than chance." in report.reasons[0]
    assert "Forgetting not measured: there is no reference set. Name a folder" in report.reasons[1]


def comparison(
    num_images: int, low: float, *, high: float = 0.1, text: str = "given"
) -> Comparison:
    change = Change(before=0.8, after=0.8, difference=0.0, low=low, high=high)
    return Comparison(
        text=text,
        num_cases=num_images,
        num_patients=num_images,
        dice_mean=change,
        dice_pooled=change,
    )


@pytest.mark.parametrize(
    ("num_images", "low", "is_passed"),
    [
        (99, 0.01, False),
        (100, -0.0199, True),
        (100, -0.02, False),
        (299, -0.0199, True),
        (300, -0.0199, True),
        (300, -0.02, False),
        (350, -0.0124, True),
        (350, -0.0126, False),
        (400, -0.0049, True),
        (400, -0.005, False),
        (5000, -0.0051, False),
    ],
)
def test_how_much_may_be_lost_depends_on_the_number_of_images(
    num_images: int, low: float, is_passed: bool
) -> None:
    assert [passed for passed, _ in judge_reference([comparison(num_images, low)])] == [is_passed]


def test_a_reference_set_that_is_too_small_says_so() -> None:
    ((_, sentence),) = judge_reference([comparison(99, 0.01)])
    assert sentence == (
        "Forgetting not measured: the reference set has 99 images, expected at least 100. Add "
        "images to it."
    )


def test_the_allowed_loss_falls_on_a_straight_line() -> None:
    sizes = (100, 300, 325, 350, 375, 400, 1000)
    losses = [allowed_loss(size) for size in sizes]
    assert losses == pytest.approx([0.02, 0.02, 0.01625, 0.0125, 0.00875, 0.005, 0.005])


@pytest.mark.parametrize(
    ("low", "high", "is_passed", "words"),
    [
        (0.001, 0.1, True, "That is more than chance."),
        (0.0, 0.1, False, "That may be chance."),
        (-0.2, -0.1, False, "The candidate is worse."),
    ],
)
def test_the_held_out_interval_has_to_lie_above_zero(
    low: float, high: float, is_passed: bool, words: str
) -> None:
    passed, sentence = judge_held_out([comparison(20, low, high=high)])
    assert passed is is_passed
    assert sentence.endswith(words)
    assert "on 20 cases of 20 patients" in sentence


def test_too_few_patients_are_no_proof() -> None:
    few = comparison(19, 0.2)
    passed, sentence = judge_held_out([few])
    assert not passed
    assert "Only 19 patients held out, and below 20 chance" in sentence
    many_cases = replace(few, num_cases=200)
    assert not judge_held_out([many_cases])[0]


def test_the_report_given_decides() -> None:
    with_report, without = comparison(50, -0.01), comparison(50, 0.2, text="none")
    assert not judge_held_out([without, with_report])[0]
    with pytest.raises(InputError, match="were not scored with their report given"):
        judge_held_out([without])


def test_the_report_holds_both_conventions_for_everything_told() -> None:
    report = judged(make_scores(NUM_HELD_OUT, 0, gain=0.05), unchanged(0))
    assert (report.active, report.candidate) == (ACTIVE, CANDIDATE)
    for compared, num_cases in (
        (report.held_out, NUM_HELD_OUT),
        (report.reference, NUM_REFERENCE),
    ):
        assert [entry.text for entry in compared] == ["given", "none"]
        for entry in compared:
            assert (entry.num_cases, entry.num_patients) == (num_cases, num_cases)
            for change in (entry.dice_mean, entry.dice_pooled):
                assert change.difference == pytest.approx(change.after - change.before)
                assert change.low < change.difference < change.high
            assert entry.dice_mean != entry.dice_pooled
    assert len(report.reasons) == 3
    assert report.date_utc.endswith("+00:00")
    assert [line.split()[0] for line in report.versions] == ["tgcnet", "torch", "numpy"]


def test_the_same_scores_give_the_same_report() -> None:
    sets = make_scores(NUM_HELD_OUT, 3), unchanged(3)
    first, second = (replace(judged(*sets), date_utc="") for _ in range(2))
    assert first == second
