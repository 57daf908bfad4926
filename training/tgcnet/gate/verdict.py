"""The gate's verdict: whether a candidate is worth switching to. It recommends; a person switches.

It judges scores, which ``compare_models`` makes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from tgcnet import __version__
from tgcnet.data.reference_split import MIN_REFERENCE_IMAGES
from tgcnet.domain import Comparison, GateReport, ModelIdentity
from tgcnet.errors import InputError
from tgcnet.evaluation.bootstrap import NUM_RESAMPLES
from tgcnet.gate.case_scores import PairedScores
from tgcnet.gate.paired_bootstrap import compare

# Below, the interval is wrong too often: docs/concepts/gate.md has the measurement.
MIN_HELD_OUT_PATIENTS = 20
# Reference images -> how much mean Dice may be lost; in between on the straight line. A small set
# cannot show that less was lost, so asking more of it would refuse every candidate.
_ALLOWED_LOSS = ((300, 400), (0.02, 0.005))

# The mode that has to improve: what a user does with a model. As TextMode has it.
_DECISIVE = "given"
_TEXT_NAMES = {"given": "report given", "none": "no report"}


def judge(
    held_out: PairedScores,
    reference: PairedScores | None,
    *,
    active: ModelIdentity,
    candidate: ModelIdentity,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
) -> GateReport:
    """Compare a candidate with the active model and say whether to switch.

    Parameters
    ----------
    held_out : corrections that neither model was trained on; with the report given, at least
    reference : earlier cases that must not be forgotten; None where there is no such set

    Raises
    ------
    InputError
        If the cases of a set do not pair.
    """
    on_held_out = _compared(held_out, seed, num_resamples)
    on_reference = () if reference is None else _compared(reference, seed, num_resamples)
    verdicts = [judge_held_out(on_held_out), *judge_reference(on_reference)]
    return GateReport(
        active=active,
        candidate=candidate,
        held_out=on_held_out,
        reference=on_reference,
        recommended=all(is_passed for is_passed, _ in verdicts),
        reasons=tuple(sentence for _, sentence in verdicts),
        date_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=(
            f"tgcnet {__version__}",
            f"torch {version('torch')}",
            f"numpy {np.__version__}",
        ),
        seed=seed,
        num_resamples=num_resamples,
    )


def judge_held_out(comparisons: Sequence[Comparison]) -> tuple[bool, str]:
    """Whether the candidate is better on the held-out corrections, and the sentence that says so.

    Raises
    ------
    InputError
        If they were not scored with the report given.
    """
    decisive = next((entry for entry in comparisons if entry.text == _DECISIVE), None)
    if decisive is None:
        raise InputError(
            "The held-out corrections were not scored with their report given, and that decides; "
            "score them so."
        )
    if decisive.num_patients < MIN_HELD_OUT_PATIENTS:
        return False, (
            f"Only {_counted(decisive.num_patients, 'patient')} held out, and below "
            f"{MIN_HELD_OUT_PATIENTS} chance looks like an improvement too often. Save corrections "
            "of more patients."
        )
    what = _in_words("Held-out corrections", decisive)
    if decisive.dice_mean.low > 0:
        return True, f"{what} That is more than chance."
    if decisive.dice_mean.high < 0:
        return False, f"{what} The candidate is worse."
    return False, f"{what} That may be chance."


def judge_reference(comparisons: Sequence[Comparison]) -> tuple[tuple[bool, str], ...]:
    """Whether what was known before is kept, with a sentence for each text mode."""
    if not comparisons:
        return (
            (
                False,
                "Forgetting not measured: there is no reference set. Name a folder of at least "
                f"{MIN_REFERENCE_IMAGES} earlier images with masks.",
            ),
        )
    num_images = min(entry.num_cases for entry in comparisons)
    if num_images < MIN_REFERENCE_IMAGES:
        return (
            (
                False,
                f"Forgetting not measured: the reference set has {num_images} images, expected at "
                f"least {MIN_REFERENCE_IMAGES}. Add images to it.",
            ),
        )
    return tuple(_judge_forgetting(entry) for entry in comparisons)


def allowed_loss(num_images: int) -> float:
    """How much mean Dice the interval's lower end may show as lost on the reference set."""
    return float(np.interp(num_images, *_ALLOWED_LOSS))


def _compared(scores: PairedScores, seed: int, num_resamples: int) -> tuple[Comparison, ...]:
    by_text = [scores.with_text(text) for text in scores.texts()]
    return tuple(
        compare(entry.active, entry.candidate, seed=seed, num_resamples=num_resamples)
        for entry in by_text
    )


def _judge_forgetting(comparison: Comparison) -> tuple[bool, str]:
    allowed = allowed_loss(comparison.num_cases)
    is_kept = comparison.dice_mean.low > -allowed
    outcome = "is ruled out, so nothing that matters was forgotten"
    sentence = (
        f"{_in_words('Reference set', comparison)} A loss of {100 * allowed:.2g} points or more "
        f"{outcome if is_kept else 'is not ruled out'}."
    )
    return is_kept, sentence


def _in_words(name: str, comparison: Comparison) -> str:
    change = comparison.dice_mean
    return (
        f"{name}, {_TEXT_NAMES.get(comparison.text, comparison.text)}: mean Dice changed by "
        f"{100 * change.difference:+.1f} points (95 % interval {100 * change.low:+.1f} to "
        f"{100 * change.high:+.1f}) on {_counted(comparison.num_cases, 'case')} of "
        f"{_counted(comparison.num_patients, 'patient')}."
    )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
