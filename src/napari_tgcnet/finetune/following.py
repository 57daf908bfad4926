"""One run: started or found, followed to its end, stopped, ended at once, resumed. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import Found, News, RunOrder, Runs, Watch
from napari_tgcnet.finetune.progress import Progress, advance
from napari_tgcnet.finetune.state import FinetuneState, Phase
from napari_tgcnet.shared.store import Store, Workers
from tgcnet.finetune.events import Compared, Done, Failed, Stopped, Written
from tgcnet.finetune.run_folder import RunStatus

KILL_AFTER_S = 15.0

_Paths = tuple[Path, Path | None]


class Following:
    """Turns what a run's folder says into the panel's state.

    Parameters
    ----------
    models_came : called when the run has written a model, or what the gate says of it
    now_s : a clock that only goes forward
    """

    def __init__(
        self,
        *,
        store: Store[FinetuneState],
        workers: Workers,
        runs: Runs,
        watch: Watch,
        models_came: Callable[[], None],
        now_s: Callable[[], float],
    ) -> None:
        self._store, self._workers, self._runs, self._watch = store, workers, runs, watch
        self._models_came, self._now_s = models_came, now_s
        self._paths: dict[Path, _Paths] = {}
        self._stop_asked_s: float | None = None

    def ledger_of(self, run: Path) -> Path:
        """The corrections a run learns from; of another session's run, those chosen now."""
        return self._paths_of(run)[0]

    def pick_up(self) -> None:
        """Show the run that is under way, else the latest."""

        def found(run: Found | None) -> None:
            # Somebody may have been quicker with Start.
            if run is not None and self._store.state.phase is Phase.IDLE:
                self._follow(run)

        self._work(self._runs.pick_up, found, self._say)

    def start(self, order: RunOrder) -> None:
        self._launch(partial(self._runs.start, order), (order.ledger, order.reference))

    def resume(self) -> None:
        """Go on with the run that is shown, on the corrections and the reference it began with."""
        run = self._store.state.run
        if run is None or not self._store.state.can_resume:
            return
        paths = self._paths_of(run)
        self._launch(partial(self._runs.resume, run, *paths), paths)

    def stop(self) -> None:
        """Have the run stop after the images at hand."""
        state = self._store.state
        if state.can_stop and state.run is not None:
            self._stop_asked_s = self._now_s()
            self._store.become(replace(self._store.state, phase=Phase.STOPPING))
            self._work(partial(self._runs.ask_to_stop, state.run), _ignore, self._say)

    def stop_now(self) -> None:
        """The same without a worker thread: the window closes, and nothing may run after it."""
        run = self._store.state.run
        if run is not None and self._store.state.is_busy:
            self._runs.ask_to_stop(run)

    def kill(self) -> None:
        state = self._store.state
        if state.can_kill and state.run is not None:
            self._store.become(replace(self._store.state, can_kill=False))
            self._work(partial(self._runs.kill, state.run), _ignore, self._say)

    def close(self) -> None:
        self._watch.stop()

    def _launch(self, launch: Callable[[], Found], paths: _Paths) -> None:
        before = self._store.state

        def launched(found: Found) -> None:
            if found.is_new:
                self._paths[found.run] = paths
            else:
                self._say(messages.UNDER_WAY)
            self._follow(found)

        def failed(sentence: str) -> None:
            self._store.become(replace(self._store.state, phase=before.phase, problem=sentence))

        self._store.become(replace(self._store.state, phase=Phase.STARTING, problem=""))
        self._work(launch, launched, failed)

    def _follow(self, found: Found) -> None:
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
        self._watch.follow(found.run, self._take)

    def _take(self, news: News) -> None:
        """A look at the run's folder; called on the Qt thread."""
        state = self._store.state
        if self._store.is_closed or state.run is None:
            return
        followed = replace(state, progress=advance(state.progress, news.events))
        if not news.is_alive:
            followed = _ended(followed, news)
        elif self._stop_asked_s is not None:
            waited_s = self._now_s() - self._stop_asked_s
            followed = replace(followed, can_kill=waited_s >= KILL_AFTER_S)
        self._store.become(followed)
        if any(isinstance(one.event, Written | Compared | Done) for one in news.events):
            self._models_came()

    def _paths_of(self, run: Path) -> _Paths:
        state = self._store.state
        return self._paths.get(run, (state.ledger, state.reference))

    def _say(self, sentence: str) -> None:
        self._store.become(replace(self._store.state, problem=sentence))

    def _work(
        self, work: Callable[[], Any], then: Callable[[Any], None], failed: Callable[[str], None]
    ) -> None:
        def if_open(call: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda value: None if self._store.is_closed else call(value)

        self._workers.start(work, if_open(then), if_open(failed))


def _ended(state: FinetuneState, news: News) -> FinetuneState:
    """The state once the run's process is gone: how the run ended."""
    state = replace(state, phase=Phase.ENDED, can_kill=False)
    match state.progress.end:
        case Done(model=model):
            sentence = messages.candidate_written(model)
            return replace(state, ended=RunStatus.DONE, ending=sentence, selected=model)
        case Stopped(sentence=sentence):
            return replace(state, ended=RunStatus.STOPPED, ending=sentence)
        case Failed(sentence=sentence):
            return replace(state, ended=RunStatus.FAILED, ending=sentence)
    return replace(state, ended=RunStatus.BROKEN, ending=messages.broken(news.last_words))


def _ignore(nothing: None) -> None:
    """For work that answers nothing."""
