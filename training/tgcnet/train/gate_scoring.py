"""Scores for the gate: both models over the same slices, told the same things."""

from collections.abc import Callable, Sequence

from tgcnet.data.slices import SliceToScore
from tgcnet.inference.predictor import Predictor
from tgcnet.train.evaluate import TextMode, evaluate_slices
from tgcnet.train.gate_scores import CaseScore, PairedScores

# The report as it is written, and nothing: a model is used both ways.
MODES = (TextMode.GIVEN, TextMode.NONE)


def score_both(
    active: Predictor,
    candidate: Predictor,
    slices: Sequence[SliceToScore],
    *,
    on_progress: Callable[[float], object] | None = None,
) -> PairedScores:
    """Score a set under both models.

    Parameters
    ----------
    slices : of a data folder (``folder_slices``), or reviewed slices of a ledger
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError
        If there is no slice, or one cannot be read.
    """
    return PairedScores(
        active=score(active, slices, on_progress=_share(on_progress, 0, 2)),
        candidate=score(candidate, slices, on_progress=_share(on_progress, 1, 2)),
    )


def score(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    *,
    on_progress: Callable[[float], object] | None = None,
) -> tuple[CaseScore, ...]:
    """Score a set under one model, first told the report and then nothing."""
    scores: list[CaseScore] = []
    for index, mode in enumerate(MODES):
        show = _share(on_progress, index, len(MODES))
        results = evaluate_slices(predictor, slices, mode=mode, on_progress=show).images
        scores += [
            CaseScore(
                case=entry.name,
                group=entry.group,
                text=str(mode),
                dice=result.dice,
                intersection_px=result.intersection_px,
                sum_px=result.predicted_px + result.reference_px,
            )
            for entry, result in zip(slices, results, strict=True)
        ]
    return tuple(scores)


def _share(
    on_progress: Callable[[float], object] | None, index: int, total: int
) -> Callable[[float], object] | None:
    """What receives the progress of part ``index`` of ``total``."""
    return None if on_progress is None else lambda done: on_progress((index + done) / total)
