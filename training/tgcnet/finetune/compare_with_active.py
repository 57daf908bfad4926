"""The last part of a run: the gate compares the candidate with the active model."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from tgcnet.corrections import Ledger, Problem
from tgcnet.data.rows import Row
from tgcnet.data.slices_to_score import (
    SliceToScore,
    held_out_place,
    held_out_slices,
    nameless_slices,
)
from tgcnet.errors import Cancelled, TgcnetError
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.finetune.compared_masks import ComparedMasks, write_compared
from tgcnet.finetune.config import FinetuneJob
from tgcnet.finetune.events import Compared, Comparing, Event, SliceCompared
from tgcnet.finetune.prepare_folder import is_asked_to_stop
from tgcnet.gate.case_scores import PairedScores, pair
from tgcnet.gate.compare_models import compare_models
from tgcnet.inference.predictor import load_predictor
from tgcnet.weights.registry import find_model

REPORT_FILE = "gate.json"
SCORES_FILE = "scores.json"
_SECONDS_APART = 1.0


def compare_with_active(
    candidate: str,
    job: FinetuneJob,
    ledger: Ledger,
    device: torch.device,
    *,
    measured: Sequence[Row],
    on_event: Callable[[Event], None],
    on_problem: Callable[[Problem], object],
) -> None:
    """Compare an installed candidate with the active model and keep what comes of it.

    The report and the scores go into the run's folder, the report into the candidate's lineage
    too, and both models' masks of the held-out slices into ``compared/``.

    Parameters
    ----------
    candidate : its registered name
    measured : of the reference set, what was kept apart from training
    on_problem : receives the cases of the ledger that are left out

    Raises
    ------
    Cancelled
        If the run was asked to stop.
    TgcnetError
        If the comparison cannot be made or kept: in the class of what failed, with the candidate's
        name and what to do.
    """
    try:
        _compare(candidate, job, ledger, device, measured, on_event, on_problem)
    except Cancelled:
        raise Cancelled(
            f"Stopped while comparing. The candidate {candidate} is among your models; it is "
            "compared when the run is resumed."
        ) from None
    except TgcnetError as error:
        reference = "" if job.reference is None else " --reference FOLDER"
        raise type(error)(
            f"The candidate {candidate} is among your models, but it was not compared with the "
            f"active model: {error} Nothing is lost: mend that and resume the run, or compare "
            f"with tgcnet gate --candidate {candidate} --corrections LEDGER{reference}."
        ) from error


def _compare(
    name: str,
    job: FinetuneJob,
    ledger: Ledger,
    device: torch.device,
    measured: Sequence[Row],
    on_event: Callable[[Event], None],
    on_problem: Callable[[Problem], object],
) -> None:
    held_out = held_out_slices(ledger, on_problem)
    masks = _MaskKeeper(job.out)
    result = compare_models(
        load_predictor(None, str(device)),
        load_predictor(name, str(device)),
        held_out=held_out,
        reference=nameless_slices(measured, "reference"),
        on_progress=_Progress(job.out, on_event),
        on_masks=masks,
    )
    masks.finish()
    result.write(
        report=job.out / REPORT_FILE, scores=job.out / SCORES_FILE, candidate=find_model(name)
    )
    on_event(Compared(report=result.report, slices=_each_slice(held_out, result.held_out)))


class _MaskKeeper:
    """Writes the masks of a case as soon as the next one begins; its slices follow each other."""

    def __init__(self, out: Path) -> None:
        self._out, self._case_id = out, ""
        self._masks: dict[int, ComparedMasks] = {}

    def __call__(self, entry: SliceToScore, before: np.ndarray, after: np.ndarray) -> None:
        case_id, z = held_out_place(entry)
        if case_id != self._case_id:
            self.finish()
            self._case_id = case_id
        self._masks[z] = ComparedMasks(before=before, after=after)

    def finish(self) -> None:
        """Write the case at hand."""
        if self._masks:
            write_compared(self._out, self._case_id, self._masks)
        self._masks = {}


class _Progress:
    """Reports how far the gate is, once a second at most, and ends it on request."""

    def __init__(self, out: Path, on_event: Callable[[Event], None]) -> None:
        self._out, self._on_event = out, on_event
        self._reported_at = -_SECONDS_APART

    def __call__(self, fraction: float) -> None:
        if is_asked_to_stop(self._out):
            raise Cancelled("Stopped.")
        if (now := time.monotonic()) - self._reported_at >= _SECONDS_APART:
            self._reported_at = now
            self._on_event(Comparing(fraction=fraction))


def _each_slice(
    held_out: tuple[SliceToScore, ...], scores: PairedScores
) -> tuple[SliceCompared, ...]:
    given = scores.with_text(str(TextMode.GIVEN))
    figures = {
        before.case: (before, after) for before, after in pair(given.active, given.candidate)
    }
    compared = []
    for entry in held_out:
        (case_id, z), (before, after) = held_out_place(entry), figures[entry.name]
        compared.append(
            SliceCompared(case_id=case_id, z=z, dice_before=before.dice, dice_after=after.dice)
        )
    return tuple(compared)
