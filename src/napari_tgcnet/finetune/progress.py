"""A run's progress, curves, log and end, accumulated from its events by pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tgcnet.domain import GateReport
from tgcnet.finetune.events import (
    Begun,
    Compared,
    Comparing,
    Done,
    Event,
    Failed,
    Prepared,
    Scored,
    SliceCompared,
    Stepped,
    Stopped,
    TimedEvent,
    Written,
    in_words,
)

LOG_LINES = 500


class Stage(StrEnum):
    """What a run is doing."""

    STARTING = "starting"
    PREPARING = "preparing"
    TRAINING = "training"
    COMPARING = "comparing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What is known of a run so far.

    Attributes
    ----------
    fraction : how much of the stage is done, in [0, 1]; None while unknown
    stage_began : time in seconds and fraction at the stage's first event
    losses : step and loss, ascending by step
    scores : on the held-out corrections, ascending by step
    candidate : name of the model it wrote; empty before
    """

    stage: Stage = Stage.STARTING
    fraction: float | None = None
    stage_began: tuple[float, float] = (0.0, 0.0)
    seconds_left: float | None = None
    step: int = 0
    total_steps: int = 0
    losses: tuple[tuple[int, float], ...] = ()
    scores: tuple[Scored, ...] = ()
    log: tuple[str, ...] = ()
    candidate: str = ""
    report: GateReport | None = None
    slices: tuple[SliceCompared, ...] = ()
    end: Done | Stopped | Failed | None = None


def advance(progress: Progress, events: Iterable[TimedEvent]) -> Progress:
    """The progress after further events, given in order."""
    losses, lines = list(progress.losses), list(progress.log)
    for timed in events:
        event = timed.event
        if isinstance(event, Stepped):
            # A resumed run repeats the steps after its last checkpoint.
            while losses and losses[-1][0] >= event.step:
                losses.pop()
            losses.append((event.step, event.loss))
        progress = _apply(progress, event, timed.time_s)
        sentence = in_words(event)
        if sentence is not None:
            lines.append(f"{datetime.fromtimestamp(timed.time_s):%H:%M}  {sentence}")
    return replace(progress, losses=tuple(losses), log=tuple(lines[-LOG_LINES:]))


def _apply(progress: Progress, event: Event, time_s: float) -> Progress:
    match event:
        case Begun(total_steps=total):
            return replace(
                progress, stage=Stage.STARTING, fraction=None, seconds_left=None, end=None,
                total_steps=total,
            )  # fmt: skip
        case Prepared(done=done, total=total):
            return _advance_stage(progress, Stage.PREPARING, done / max(total, 1), time_s)
        case Stepped(step=step, total=total, seconds_left=left):
            advanced = _advance_stage(progress, Stage.TRAINING, step / max(total, 1), time_s)
            return replace(advanced, step=step, total_steps=total, seconds_left=left)
        case Scored(step=step):
            earlier = tuple(score for score in progress.scores if score.step < step)
            return replace(progress, scores=(*earlier, event))
        case Written(model=model):
            advanced = _advance_stage(progress, Stage.COMPARING, 0.0, time_s)
            return replace(advanced, candidate=model)
        case Comparing(fraction=fraction):
            return _advance_stage(progress, Stage.COMPARING, fraction, time_s)
        case Compared(report=report, slices=slices):
            advanced = _advance_stage(progress, Stage.COMPARING, 1.0, time_s)
            return replace(advanced, report=report, slices=slices)
        case Done() | Stopped() | Failed():
            return replace(progress, end=event, seconds_left=None)
    return progress


def _advance_stage(progress: Progress, stage: Stage, fraction: float, time_s: float) -> Progress:
    """Advance a stage; the time left is estimated from its pace since its first event."""
    began = progress.stage_began if progress.stage is stage else (time_s, fraction)
    gained = fraction - began[1]
    left = (time_s - began[0]) * (1 - fraction) / gained if gained > 0 else None
    return replace(progress, stage=stage, fraction=fraction, stage_began=began, seconds_left=left)
