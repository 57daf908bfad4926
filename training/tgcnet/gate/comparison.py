"""The whole comparison: two models and two sets in, a verdict with all that led to it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tgcnet.data.slices_to_score import SliceToScore
from tgcnet.domain import GateReport
from tgcnet.errors import InputError
from tgcnet.gate.case_scores import PairedScores, write_scores
from tgcnet.gate.scoring import OnMasks, score_both
from tgcnet.gate.summary import keep_in_lineage, write_report
from tgcnet.gate.verdict import judge
from tgcnet.inference.predictor import Predictor


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    """The verdict, and each case's figures."""

    report: GateReport
    held_out: PairedScores
    reference: PairedScores | None

    def write(self, *, report: Path | None, scores: Path | None, candidate: Path | None) -> None:
        """Keep it: the report and the scores as JSON files, the report in a model's lineage.

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
    on_masks : receives both masks of each held-out slice, told its report

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
    """Refuse before minutes of scoring what could say nothing.

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
