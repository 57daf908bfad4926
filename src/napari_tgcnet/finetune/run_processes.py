"""Starts, stops and finds runs; each is a process of its own that outlives the window."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.state import FoundRun, RunRequest
from tgcnet.errors import InputError, OutputError
from tgcnet.finetune.events import EVENTS_FILE
from tgcnet.finetune.run_folder import (
    RunStatus,
    ask_to_stop,
    lift_stop,
    list_runs,
    new_run_folder,
    user_runs_folder,
)
from tgcnet.io import write_text_atomically
from tgcnet.io.process_lock import process_of

LOG_FILE = "log.txt"
REQUEST_FILE = "order.json"

_MAX_LINE_LENGTH = 300

# Dropping the handle of a living process leaves a zombie: handles are kept here, for all windows of
# this process, until their processes have ended.
_children: dict[Path, subprocess.Popen[bytes]] = {}


class RunProcesses:
    """The :class:`napari_tgcnet.finetune.ports.Runs` of this machine.

    Parameters
    ----------
    program : the command line up to the options; a test passes its own
    root : gives the folder of all runs; called at each use
    """

    def __init__(
        self,
        program: Sequence[str] = (sys.executable, "-P", "-m", "tgcnet.cli", "finetune"),
        root: Callable[[], Path] = user_runs_folder,
    ) -> None:
        self._program, self._root = tuple(program), root

    def start(self, request: RunRequest) -> FoundRun:
        """Start a run, unless another window has started one: then that one is returned.

        Raises
        ------
        OutputError
            If its folder cannot be created or its process cannot be started.
        """
        under_way = self._running()
        if under_way is not None:
            return under_way
        run = new_run_folder(self._root())
        options = options_of(request)
        # Without the ledger and the reference set: no path of the user's is written to the disk.
        kept = {"options": options, "has_reference": request.reference is not None}
        text = json.dumps(kept, indent=1) + "\n"
        write_text_atomically(run / REQUEST_FILE, text)
        self._launch(run, request.ledger, request.reference, options)
        return FoundRun(run=run, status=RunStatus.RUNNING, is_new=True)

    def resume(self, run: Path, ledger: Path, reference: Path | None) -> FoundRun:
        """Resume a run that was stopped or broken off, with the options it began with.

        Raises
        ------
        InputError
            If those options cannot be read, or the run had a reference set and none is given.
        OutputError
            If the process cannot be started.
        """
        under_way = self._running()
        if under_way is not None:
            return under_way
        try:
            kept: dict[str, Any] = json.loads((run / REQUEST_FILE).read_text(encoding="utf-8"))
            options = [str(option) for option in kept["options"]]
            has_reference = bool(kept["has_reference"])
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(messages.OPTIONS_UNREADABLE) from None
        if has_reference and reference is None:
            raise InputError(messages.REFERENCE_NEEDED)
        lift_stop(run)
        # A run that began without a reference set is resumed without one.
        self._launch(run, ledger, reference if has_reference else None, [*options, "--resume"])
        return FoundRun(run=run, status=RunStatus.RUNNING, is_new=True)

    def find_current(self) -> FoundRun | None:
        """The run to show when a panel opens: one under way, or else the newest.

        Runs that wrote no event are left out: there is nothing to show of them.
        """
        infos = [info for info in list_runs(self._root()) if (info.folder / EVENTS_FILE).exists()]
        under_way = [info for info in infos if info.status is RunStatus.RUNNING]
        wanted = under_way or infos
        return FoundRun(run=wanted[-1].folder, status=wanted[-1].status) if wanted else None

    def ask_to_stop(self, run: Path) -> None:
        ask_to_stop(run)

    def is_alive(self, run: Path) -> bool:
        return is_alive(run)

    def kill(self, run: Path) -> None:
        """End a run's process at once; its last checkpoint stays.

        Only the process that holds the run's lock is killed, or our own child before it has taken
        the lock: any other process id may belong to an unrelated process by now.

        Raises
        ------
        OutputError
            If the system does not permit it.
        """
        process_id = process_of(run)
        try:
            if process_id is not None:
                os.kill(process_id, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            elif run in _children:
                _children[run].kill()
        except ProcessLookupError:
            return  # it has ended by itself
        except OSError as error:
            raise OutputError(messages.not_killed(error.strerror)) from None

    def _running(self) -> FoundRun | None:
        for info in reversed(list_runs(self._root())):
            if info.status is RunStatus.RUNNING or is_alive(info.folder):
                return FoundRun(run=info.folder, status=RunStatus.RUNNING)
        return None

    def _launch(
        self, run: Path, ledger: Path, reference: Path | None, options: Sequence[str]
    ) -> None:
        command = [*self._program, "--corrections", str(ledger), "--out", str(run)]
        if reference is not None:
            command += ["--reference", str(reference)]
        detached: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
            detached = {"creationflags": flags}
        try:
            with (run / LOG_FILE).open("ab") as log:
                _children[run] = subprocess.Popen(  # noqa: S603 - our own program
                    [*command, *options],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    **detached,
                )
        except OSError as error:
            raise OutputError(messages.not_started(error.strerror)) from None


def options_of(request: RunRequest) -> list[str]:
    """The command's options; those not set are left out, so that its defaults apply."""
    values = asdict(request.options)
    gib = values.pop("cache_limit_gib")
    named = {"model": request.model, "device": request.device, **values, "cache_limit": f"{gib:g}"}
    options: list[str] = []
    for name, value in named.items():
        if value is not None:
            options += [f"--{name.replace('_', '-')}", str(value)]
    return options


def is_alive(run: Path) -> bool:
    """Whether a process works on a run.

    Our own child is checked first: testing the lock could keep a starting child from taking it.
    """
    child = _children.get(run)
    if child is not None:
        if child.poll() is None:
            return True
        _children.pop(run, None)
    return process_of(run) is not None


def last_log_line(run: Path) -> str:
    """The last line of a run's log, to be shown; empty if it may hold a path."""
    try:
        text = (run / LOG_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    return "" if any(mark in line for mark in ("/", "\\", "~")) else line[:_MAX_LINE_LENGTH]
