"""The folders of runs: where they lie, which there are, how each stands."""

import logging
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.finetune.events import STOP_FILE, Done, Event, Failed, Stopped, read_events
from tgcnet.io.atomic import not_written
from tgcnet.io.process_lock import process_of
from tgcnet.io.user_data import user_folder

RUNS_VARIABLE = "TGCNET_RUNS"
_LOG = logging.getLogger(__name__)


class RunStatus(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    BROKEN = "broken"
    """Its process ended without a last event: killed, or the machine went down. Can be resumed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """One run."""

    folder: Path
    status: RunStatus


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
    """Every run under a folder, the latest last; one that cannot be read is left out and logged."""
    if not root.is_dir():
        return ()
    runs: list[RunInfo] = []
    for path in sorted(root.iterdir()):
        if not path.is_dir():
            continue
        try:
            runs.append(run_info(path))
        except InputError as error:
            _LOG.warning("%s", error)
    return tuple(runs)


def run_info(folder: Path) -> RunInfo:
    """How a run stands.

    Raises
    ------
    InputError
        If its events cannot be read.
    """
    # The process first: one that ends in between has written its last event before.
    if process_of(folder) is not None:
        status = RunStatus.RUNNING
    else:
        events = read_events(folder)
        status = _status_at_end(events[-1] if events else None)
    return RunInfo(folder=folder, status=status)


def ask_to_stop(folder: Path) -> None:
    """Have a run stop after the images at hand.

    Raises
    ------
    OutputError
        If that cannot be written.
    """
    try:
        (folder / STOP_FILE).touch()
    except OSError as error:
        raise not_written(f"The request to stop the run {folder.name}", error) from None


def lift_stop(folder: Path, *, older_than_s: float = 0.0) -> None:
    """Take back a request to stop; a younger one than ``older_than_s`` stands.

    A run that stops takes it back, and so does the process that resumes one. A run that is just
    starting does not: its user may have changed their mind in the meantime.

    Raises
    ------
    OutputError
        If it cannot be taken back.
    """
    path = folder / STOP_FILE
    try:
        if time.time() - path.stat().st_mtime >= older_than_s:
            path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise not_written(f"The request to stop the run {folder.name}", error) from None


def _status_at_end(last: Event | None) -> RunStatus:
    match last:
        case Done():
            return RunStatus.DONE
        case Stopped():
            return RunStatus.STOPPED
        case Failed():
            return RunStatus.FAILED
    return RunStatus.BROKEN
