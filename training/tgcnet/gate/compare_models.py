"""The whole comparison: both models over two sets with the same texts, and the verdict."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tgcnet.data.slices_to_score import SliceToScore
from tgcnet.domain import GateReport
from tgcnet.errors import InputError
from tgcnet.evaluation.results import Drawn
from tgcnet.evaluation.score import evaluate_slices
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.gate.case_scores import CaseScore, PairedScores, write_scores
from tgcnet.gate.report_json import report_to_json, write_report
from tgcnet.gate.verdict import judge
from tgcnet.inference.predictor import Predictor
from tgcnet.weights.manifest import read_manifest, write_manifest

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
    on_masks : receives both masks of each slice, given its report

    Raises
    ------
    InputError
        If there is no slice, or one cannot be read.
    """
    before: dict[str, np.ndarray] = {}

    def keep(entry: SliceToScore, mask: np.ndarray) -> None:
        before[entry.name] = np.packbits(mask)  # of all slices, until the other model's turn

    def pass_on(entry: SliceToScore, after: np.ndarray) -> None:
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
            on_mask=pass_on if is_asked else None,
        ),
    )


def score(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    *,
    on_progress: Callable[[float], object] | None = None,
    on_mask: Callable[[SliceToScore, np.ndarray], object] | None = None,
) -> tuple[CaseScore, ...]:
    """Score a set under one model, first with the report and then without.

    ``on_mask`` receives the masks that it drew with the report.
    """

    def pass_on(entry: SliceToScore, drawn: Drawn) -> None:
        if on_mask is not None:
            on_mask(entry, drawn.labels > 0)

    scores: list[CaseScore] = []
    for index, mode in enumerate(MODES):
        results = evaluate_slices(
            predictor,
            slices,
            mode=mode,
            on_progress=_share(on_progress, index, len(MODES)),
            on_drawn=pass_on if mode is TextMode.GIVEN else None,
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


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    """The gate's report, and each case's scores."""

    report: GateReport
    held_out: PairedScores
    reference: PairedScores | None

    def write(self, *, report: Path | None, scores: Path | None, candidate: Path | None) -> None:
        """Write the report and the scores as JSON files, and the report into a model's lineage.

        Parameters
        ----------
        candidate : the folder of the model that was compared

        Raises
        ------
        OutputError
            If something cannot be written.
        InputError
            If the candidate has no lineage to keep a report in.
        """
        if scores is not None:
            write_scores(scores, self.held_out, self.reference)
        if report is not None:
            write_report(self.report, report)
        if candidate is not None:
            keep_in_lineage(self.report, candidate)


def compare_models(
    active: Predictor,
    candidate: Predictor,
    *,
    held_out: Sequence[SliceToScore],
    reference: Sequence[SliceToScore],
    seed: int = 0,
    on_progress: Callable[[float], object] = lambda fraction: None,
    on_masks: OnMasks | None = None,
) -> GateResult:
    """Score both models on both sets and judge.

    Parameters
    ----------
    held_out : corrections that neither model was trained on
    reference : earlier images that neither model was trained on; may be empty
    seed : of the bootstrap
    on_progress : receives the finished fraction in [0, 1]
    on_masks : receives both masks of each held-out slice, given its report

    Raises
    ------
    InputError
        If both models have the same weights, there is no held-out slice, or one cannot be read.
    """
    check_pair(active, candidate)
    share = len(held_out) / max(1, len(held_out) + len(reference))
    on_held_out = score_both(
        active,
        candidate,
        held_out,
        on_progress=lambda done: on_progress(share * done),
        on_masks=on_masks,
    )
    on_reference = None
    if reference:
        on_reference = score_both(
            active,
            candidate,
            reference,
            on_progress=lambda done: on_progress(share + (1 - share) * done),
        )
    report = judge(
        on_held_out,
        on_reference,
        active=active.manifest.identity,
        candidate=candidate.manifest.identity,
        seed=seed,
    )
    return GateResult(report=report, held_out=on_held_out, reference=on_reference)


def check_pair(active: Predictor, candidate: Predictor) -> None:
    """Refuse two models whose comparison would show nothing, before minutes of scoring.

    Raises
    ------
    InputError
        If both have the same weights.
    """
    if active.manifest.sha256 == candidate.manifest.sha256:
        raise InputError(
            f"The candidate {candidate.manifest.name!r} has the same weights as the model it is "
            f"compared with, {active.manifest.name!r}; expected two models. Name another "
            "one as --candidate or --active, or switch back first: tgcnet models rollback."
        )


def keep_in_lineage(report: GateReport, folder: Path) -> None:
    """Write the report into the manifest of the candidate in ``folder``.

    Raises
    ------
    InputError
        If that model was not fine-tuned from another, or is not the one that was compared.
    """
    manifest = read_manifest(folder)
    if manifest.lineage is None or manifest.sha256 != report.candidate.sha256:
        raise InputError(
            f"Model {manifest.name!r} keeps no report of the gate: its manifest names no parent, "
            "or it is not the candidate that was compared. Write the report to a file instead "
            "(--out FILE)."
        )
    # As JSON has it, so that a manifest reads back equal.
    values = json.loads(json.dumps(report_to_json(report)))
    write_manifest(replace(manifest, lineage=replace(manifest.lineage, gate=values)), folder)
