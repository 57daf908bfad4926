"""Starts, finds, follows, stops, kills and resumes a run. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import Runs, RunWatcher
from napari_tgcnet.finetune.progress import Progress, advance
from napari_tgcnet.finetune.run_setup import RunSetup
from napari_tgcnet.finetune.state import FinetuneState, FoundRun, Phase, RunUpdate
from napari_tgcnet.segment.ports import T, Workers
from napari_tgcnet.shared.store import Store
from tgcnet.finetune.events import Compared, Done, Failed, Stopped, Written
from tgcnet.finetune.run_folder import RunStatus

KILL_AFTER_S = 15.0
"""How long a run may take to stop before the user may kill it."""

_LedgerAndReference = tuple[Path, Path | None]


class RunControl:
    """Controls one run and turns what is found in its folder into the panel's state.

    Parameters
    ----------
    on_models_changed : called when the run has written a model or the gate's report on it
    now_s : a monotonic clock
    """

    def __init__(
        self,
        store: Store[FinetuneState],
        *,
        setup: RunSetup,
        workers: Workers,
        runs: Runs,
        watcher: RunWatcher,
        on_models_changed: Callable[[], None],
        now_s: Callable[[], float],
    ) -> None:
        self._store, self._setup, self._workers = store, setup, workers
        self._runs, self._watcher = runs, watcher
        self._on_models_changed, self._now_s = on_models_changed, now_s
        self._paths: dict[Path, _LedgerAndReference] = {}
        self._stop_asked_s: float | None = None

    def ledger_of(self, run: Path) -> Path:
        """The corrections a run learns from; for a run of another session, those chosen now."""
        return self._paths_of(run)[0]

    def show_current(self) -> None:
        """Show the run that is under way, or else the latest."""

        def found(run: FoundRun | None) -> None:
            # The user may have started a run in the meantime.
            if run is not None and self._store.state.phase is Phase.IDLE:
                self._follow(run)

        self._work(self._runs.find_current, found, self._show_problem)

    def start(self) -> None:
        """Start a run as it is set up."""
        request = self._setup.request
        if self._store.state.can_start and request is not None:
            paths = (request.ledger, request.reference)
            self._launch(partial(self._runs.start, request), paths)

    def resume(self) -> None:
        """Resume the run that is shown, with the corrections and reference set it began with."""
        run = self._store.state.run
        if run is None or not self._store.state.can_resume:
            return
        paths = self._paths_of(run)
        self._launch(partial(self._runs.resume, run, *paths), paths)

    def stop(self) -> None:
        """Ask the run to stop after the current images."""
        state = self._store.state
        if state.can_stop and state.run is not None:
            self._stop_asked_s = self._now_s()
            self._store.become(replace(state, phase=Phase.STOPPING))
            self._work(partial(self._runs.ask_to_stop, state.run), _ignore, self._show_problem)

    def stop_now(self) -> None:
        """Ask the run to stop without a worker thread, which could not outlive a closing window."""
        run = self._store.state.run
        if run is not None and self._store.state.is_busy:
            self._runs.ask_to_stop(run)

    def kill(self) -> None:
        """End the run's process at once."""
        state = self._store.state
        if state.can_kill and state.run is not None:
            self._store.become(replace(state, can_kill=False))
            self._work(partial(self._runs.kill, state.run), _ignore, self._show_problem)

    def close(self) -> None:
        """Stop following the run, which goes on."""
        self._watcher.stop()

    def _launch(self, launch: Callable[[], FoundRun], paths: _LedgerAndReference) -> None:
        phase_before = self._store.state.phase

        def launched(found: FoundRun) -> None:
            if found.is_new:
                self._paths[found.run] = paths
            else:
                self._show_problem(messages.UNDER_WAY)
            self._follow(found)

        def failed(sentence: str) -> None:
            self._store.become(replace(self._store.state, phase=phase_before, problem=sentence))

        self._store.become(replace(self._store.state, phase=Phase.STARTING, problem=""))
        self._work(launch, launched, failed)

    def _follow(self, found: FoundRun) -> None:
        self._stop_asked_s = None
        self._store.become(
            replace(
                self._store.state,
                phase=Phase.RUNNING,
                run=found.run,
                progress=Progress(),
                ended=None,
                ending="",
                can_kill=False,
                shown=None,
            )
        )
        self._watcher.follow(found.run, self._update)

    def _update(self, update: RunUpdate) -> None:
        """Show what was found in the run's folder; called on the Qt thread."""
        state = self._store.state
        if self._store.is_closed or state.run is None:
            return
        state = replace(state, progress=advance(state.progress, update.events))
        if not update.is_alive:
            state = _ended(state, update)
        elif self._stop_asked_s is not None:
            can_kill = self._now_s() - self._stop_asked_s >= KILL_AFTER_S
            state = replace(state, can_kill=can_kill)
        self._store.become(state)
        if any(isinstance(one.event, Written | Compared | Done) for one in update.events):
            self._on_models_changed()

    def _paths_of(self, run: Path) -> _LedgerAndReference:
        state = self._store.state
        return self._paths.get(run, (state.ledger, state.reference))

    def _show_problem(self, sentence: str) -> None:
        self._store.become(replace(self._store.state, problem=sentence))

    def _work(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """Work off the Qt thread; results that arrive after the panel was closed are dropped."""

        def then_if_open(result: T) -> None:
            if not self._store.is_closed:
                then(result)

        def failed_if_open(sentence: str) -> None:
            if not self._store.is_closed:
                failed(sentence)

        self._workers.start(work, then_if_open, failed_if_open)


def _ended(state: FinetuneState, update: RunUpdate) -> FinetuneState:
    """The state once the run's process is gone."""
    state = replace(state, phase=Phase.ENDED, can_kill=False)
    match state.progress.end:
        case Done(model=model):
            ending = messages.candidate_written(model)
            return replace(state, ended=RunStatus.DONE, ending=ending, selected=model)
        case Stopped(sentence=sentence):
            return replace(state, ended=RunStatus.STOPPED, ending=sentence)
        case Failed(sentence=sentence):
            return replace(state, ended=RunStatus.FAILED, ending=sentence)
    ending = messages.broken(update.last_log_line)
    return replace(state, ended=RunStatus.BROKEN, ending=ending)


def _ignore(_: None) -> None:
    """For work without a result."""
