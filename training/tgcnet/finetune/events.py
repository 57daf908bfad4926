"""The events of a fine-tuning run: a file in its folder with one JSON object a line.

A file, not a pipe: the window may close and find the run again at its next start. It holds numbers
and our own sentences only, no text, name or path of a patient.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, get_args

from tgcnet.domain import GateReport
from tgcnet.errors import InputError
from tgcnet.gate.report_json import report_from_json, report_to_json
from tgcnet.io.atomic import not_written

EVENTS_FILE = "events.jsonl"
STOP_FILE = "stop"


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """What the run works with.

    Attributes
    ----------
    num_new, num_earlier, num_held_out : slices of corrections
    num_reference, num_measured : images of the reference set, replayed and kept for the gate
    cache_bytes : an estimate, 0 where nothing is kept
    """

    parent: str
    num_new: int
    num_earlier: int
    num_reference: int
    num_held_out: int
    total_steps: int
    cache_bytes: int
    device: str
    process_id: int
    num_measured: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """Features done of those to keep."""

    done: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stepped:
    """A finished step."""

    step: int
    total: int
    loss: float
    seconds_left: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """The held-out corrections after an epoch, on the network's grid; epoch 0 is the parent."""

    epoch: int
    step: int
    dice_pooled: float
    dice_mean: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A sentence about what the run does, for the log in the panel."""

    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The candidate is among the user's models; ``model`` is its name. The gate comes next."""

    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparing:
    """Progress of the gate, in [0, 1]."""

    fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceCompared:
    """A held-out slice under both models, given its report; its masks are in ``compared/``."""

    case_id: str
    z: int
    dice_before: float
    dice_after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The gate's report, and its figures slice by slice."""

    report: GateReport
    slices: tuple[SliceCompared, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """All is done: ``model`` is among the user's models, and compared."""

    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """Stopped on request; can be resumed."""

    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Ended by a fault; a candidate that was installed by then is named in the sentence."""

    sentence: str


Event = (
    Begun
    | Prepared
    | Stepped
    | Scored
    | Message
    | Written
    | Comparing
    | Compared
    | Done
    | Stopped
    | Failed
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedEvent:
    """An event and when it was written, in seconds since 1970."""

    time_s: float
    event: Event


ENDS = (Done, Stopped, Failed)
_KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)} | {
    "Told": Message  # what earlier versions wrote
}


def in_words(event: Event) -> str | None:
    """An event as a line of a log; None for one of many that a progress bar shows better."""
    match event:
        case Begun():
            return (
                f"Fine-tuning {event.parent} on {event.device}: {event.num_new} new and "
                f"{event.num_earlier} earlier slices, {event.num_reference} reference images "
                f"replayed and {event.num_measured} measured, {event.num_held_out} slices held "
                f"out; {event.total_steps} steps, features take "
                f"{event.cache_bytes / 2**20:.0f} MiB."
            )
        case Prepared():
            return f"Features: {event.done} of {event.total}."
        case Stepped() if event.step % 10 == 0 or event.step == event.total:
            minutes = event.seconds_left / 60
            where = f"Step {event.step} of {event.total}"
            return f"{where}: loss {event.loss:.3f}, {minutes:.1f} min left."
        case Scored():
            return (
                f"After epoch {event.epoch}: held-out Dice {event.dice_pooled:.3f} pooled, "
                f"{event.dice_mean:.3f} mean."
            )
        case Message() | Stopped() | Failed():
            return event.sentence
        case Written():
            return f"Candidate {event.model} is written; comparing it with the active model."
        case Compared(report=report):
            verdict = "recommends" if report.recommended else "does not recommend"
            return " ".join([f"The gate {verdict} the candidate.", *report.reasons])
        case Done():
            return f"Done. Nothing was switched; {event.model} can be."
    return None


class EventLog:
    """Appends events to a run's file; a line is written at once and whole.

    A line that cannot be written ends the run: the disk is full or gone, so no checkpoint could be
    kept either, and the window would wait for a run that writes no events.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS_FILE

    def __call__(self, event: Event) -> None:
        """Append an event.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        line = json.dumps({"time": time.time(), **to_values(event)}) + "\n"
        try:
            with self._path.open("ab+") as file:
                # A process that was killed, or a disk that was full, left half a line.
                file.write((b"\n" if _ends_torn(file) else b"") + line.encode())
        except OSError as error:
            raise not_written("An event of the run", error) from None


def _ends_torn(file: BinaryIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return False
    file.seek(size - 1)
    return file.read(1) != b"\n"


def to_values(event: Event) -> dict[str, Any]:
    """An event as JSON values, its kind among them."""
    values = asdict(event)
    if isinstance(event, Compared):
        values["report"] = report_to_json(event.report)
    return {"event": type(event).__name__, **values}


def read_events(folder: Path) -> list[Event]:
    """Every event of a run; errors as of :func:`read_timed`."""
    return [timed.event for timed in read_timed(folder)[0]]


def read_timed(folder: Path, offset: int = 0) -> tuple[list[TimedEvent], int]:
    """The events from ``offset`` (in bytes) on, and where the next ones will begin.

    A line that is not finished yet is left for the next time. A line that cannot be read is
    skipped: another version wrote it, or a process that was killed left a half of it.

    Raises
    ------
    InputError
        If the file is there and cannot be read.
    """
    path = folder / EVENTS_FILE
    try:
        with path.open("rb") as file:
            file.seek(offset)
            text = file.read()
    except FileNotFoundError:
        return [], offset
    except OSError as error:
        raise InputError(
            f"The events of the run {folder.name} cannot be read ({error.strerror or 'refused'}); "
            "check who may read its folder."
        ) from None
    whole = text[: text.rfind(b"\n") + 1]
    events = (_parse(line) for line in whole.split(b"\n"))
    return [event for event in events if event is not None], offset + len(whole)


def _parse(line: bytes) -> TimedEvent | None:
    try:
        values: dict[str, Any] = json.loads(line)
        kind, time_s = _KINDS[values.pop("event")], float(values.pop("time"))
        if kind is Compared:
            values["slices"] = tuple(SliceCompared(**entry) for entry in values["slices"])
            values["report"] = report_from_json(values["report"])
        return TimedEvent(time_s=time_s, event=kind(**values))
    # No JSON, or JSON of something else.
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, InputError):
        return None
