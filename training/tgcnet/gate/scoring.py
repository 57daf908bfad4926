"""Scores for the gate: both models over the same slices, told the same things."""

from collections.abc import Callable, Sequence

import numpy as np

from tgcnet.data.slices_to_score import SliceToScore
from tgcnet.evaluation.results import Drawn
from tgcnet.evaluation.score import evaluate_slices
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.gate.case_scores import CaseScore, PairedScores
from tgcnet.inference.predictor import Predictor

# The report as it is written, and nothing: a model is used both ways.
MODES = (TextMode.GIVEN, TextMode.NONE)

OnMasks = Callable[[SliceToScore, np.ndarray, np.ndarray], object]
"""Receives a slice and what the active model and the candidate drew on it, (Y, X) bool."""


def score_both(
    active: Predictor,
    candidate: Predictor,
    slices: Sequence[SliceToScore],
    *,
    on_progress: Callable[[float], object] | None = None,
    on_masks: OnMasks | None = None,
) -> PairedScores:
    """Score a set under both models.

    Parameters
    ----------
    slices : of a data folder (``folder_slices``), or reviewed slices of a ledger
    on_progress : receives the finished fraction in [0, 1]
    on_masks : receives both masks of each slice, told its report

    Raises
    ------
    InputError
        If there is no slice, or one cannot be read.
    """
    before: dict[str, np.ndarray] = {}

    def keep(entry: SliceToScore, mask: np.ndarray) -> None:
        before[entry.name] = np.packbits(mask)  # of all slices, until the other model's turn

    def hand_over(entry: SliceToScore, after: np.ndarray) -> None:
        if on_masks is not None:
            bits = np.unpackbits(before.pop(entry.name), count=after.size)
            on_masks(entry, bits.reshape(after.shape).astype(bool), after)

    is_asked = on_masks is not None
    return PairedScores(
        active=score(
            active,
            slices,
            on_progress=_share(on_progress, 0, 2),
            on_mask=keep if is_asked else None,
        ),
        candidate=score(
            candidate,
            slices,
            on_progress=_share(on_progress, 1, 2),
            on_mask=hand_over if is_asked else None,
        ),
    )


def score(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    *,
    on_progress: Callable[[float], object] | None = None,
    on_mask: Callable[[SliceToScore, np.ndarray], object] | None = None,
) -> tuple[CaseScore, ...]:
    """Score a set under one model, first told the report and then nothing.

    ``on_mask`` receives what it drew when it was told the report.
    """

    def hand_over(entry: SliceToScore, drawn: Drawn) -> None:
        if on_mask is not None:
            on_mask(entry, drawn.labels > 0)

    scores: list[CaseScore] = []
    for index, mode in enumerate(MODES):
        results = evaluate_slices(
            predictor,
            slices,
            mode=mode,
            on_progress=_share(on_progress, index, len(MODES)),
            on_drawn=hand_over if mode is TextMode.GIVEN else None,
        ).images
        scores += [
            CaseScore(
                case=entry.name,
                group=entry.group,
                text=str(mode),
                dice=result.score.dice,
                intersection_px=result.score.intersection_px,
                sum_px=result.score.predicted_px + result.score.reference_px,
            )
            for entry, result in zip(slices, results, strict=True)
        ]
    return tuple(scores)


def _share(
    on_progress: Callable[[float], object] | None, index: int, total: int
) -> Callable[[float], object] | None:
    """What receives the progress of part ``index`` of ``total``."""
    return None if on_progress is None else lambda done: on_progress((index + done) / total)
