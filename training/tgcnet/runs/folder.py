"""The folders of runs: where they lie, which there are, how each stands."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tgcnet.io.atomic import not_written
from tgcnet.io.user_data import user_folder
from tgcnet.runs.events import STOP_FILE, Done, Event, Failed, Stopped, read_events
from tgcnet.runs.lock import process_of

RUNS_VARIABLE = "TGCNET_RUNS"
SEEN_FILE = "seen"


class RunStatus(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    BROKEN = "broken"
    """Its process is gone and said nothing: killed, or the machine went down. Can be resumed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """One run.

    Attributes
    ----------
    is_seen : somebody was shown its end
    """

    folder: Path
    status: RunStatus
    is_seen: bool


def user_runs_folder() -> Path:
    """Where runs of the window lie: ``TGCNET_RUNS``, else the platform's data folder."""
    return user_folder("runs", RUNS_VARIABLE)


def new_run_folder(root: Path) -> Path:
    """Make an empty folder for a run, named by the time.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    try:
        (root / name).mkdir(parents=True)
    except OSError as error:
        raise not_written("The run's folder", error) from None
    return root / name


def list_runs(root: Path) -> tuple[RunInfo, ...]:
    """Every run under a folder, the latest last."""
    if not root.is_dir():
        return ()
    return tuple(run_info(path) for path in sorted(root.iterdir()) if path.is_dir())


def run_info(folder: Path) -> RunInfo:
    """How a run stands.

    Raises
    ------
    InputError
        If what it told cannot be read.
    """
    # The process first: one that ends in between has told its end before.
    if process_of(folder) is not None:
        status = RunStatus.RUNNING
    else:
        events = read_events(folder)
        status = _status_at_end(events[-1] if events else None)
    return RunInfo(folder=folder, status=status, is_seen=(folder / SEEN_FILE).exists())


def ask_to_stop(folder: Path) -> None:
    """Have a run stop after the images at hand.

    Raises
    ------
    OutputError
        If that cannot be written.
    """
    _touch(folder / STOP_FILE)


def mark_seen(folder: Path) -> None:
    """Remember that somebody was shown a run's end; errors as :func:`ask_to_stop`."""
    _touch(folder / SEEN_FILE)


def _status_at_end(last: Event | None) -> RunStatus:
    match last:
        case Done():
            return RunStatus.DONE
        case Stopped():
            return RunStatus.STOPPED
        case Failed():
            return RunStatus.FAILED
    return RunStatus.BROKEN


def _touch(path: Path) -> None:
    try:
        path.touch()
    except OSError as error:
        raise not_written(f"The file {path.name!r} of the run {path.parent.name}", error) from None
