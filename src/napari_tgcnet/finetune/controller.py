"""Wishes of the user and news of a run -> one frozen state; imports neither Qt nor torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.finetune.following import Following
from napari_tgcnet.finetune.ports import (
    ComparisonLayers,
    Estimator,
    HeldOut,
    HeldOutCase,
    Models,
    Runs,
    Watch,
)
from napari_tgcnet.finetune.setup import Setup
from napari_tgcnet.finetune.state import FinetuneState, Options
from napari_tgcnet.finetune.switching import Switching
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store, View, Workers
from tgcnet.errors import TgcnetError
from tgcnet.finetune.events import SliceCompared


class FinetuneController:
    """Replaces the panel's state, with its parts for setup, run and models."""

    def __init__(
        self,
        *,
        view: View[FinetuneState],
        session: Session,
        workers: Workers,
        runs: Runs,
        watch: Watch,
        models: Models,
        estimator: Estimator,
        held_out: HeldOut,
        layers: ComparisonLayers,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = Store(view, FinetuneState(ledger=session.ledger))
        self._session, self._workers = session, workers
        self._held_out, self._layers = held_out, layers
        self._setup = Setup(self._store, workers, estimator)
        self._switching = Switching(
            store=self._store,
            workers=workers,
            models=models,
            models_changed=session.models_changed.emit,
            listed=self._setup.refresh,
        )
        self._following = Following(
            store=self._store,
            workers=workers,
            runs=runs,
            watch=watch,
            models_came=session.models_changed.emit,
            now_s=now_s,
        )
        session.ledger_chosen.connect(self._setup.take_ledger)
        session.corrections_changed.connect(self._setup.refresh)
        session.models_changed.connect(self._switching.refresh)

    @property
    def state(self) -> FinetuneState:
        """What the panel shows now."""
        return self._store.state

    def open_panel(self) -> None:
        """Look at the models, the corrections and the runs; returns at once."""
        self._switching.refresh()
        self._following.pick_up()

    def choose_ledger(self, path: str) -> None:
        """Have every panel use another folder of corrections."""
        self._session.choose_ledger(Path(path))

    def choose_reference(self, path: str) -> None:
        """Take a folder as the reference set; an empty path goes without."""
        self._setup.choose_reference(Path(path) if path else None)

    def choose_parent(self, name: str) -> None:
        self._setup.choose_parent(name)

    def choose_device(self, name: str) -> None:
        self._setup.choose_device(name)

    def set_options(self, options: Options) -> None:
        self._setup.set_options(options)

    def start(self) -> None:
        order = self._setup.order
        if self.state.can_start and order is not None:
            self._following.start(order)

    def stop(self) -> None:
        self._following.stop()

    def stop_now(self) -> None:
        """Ask the run to stop while the window closes."""
        self._following.stop_now()

    def kill(self) -> None:
        self._following.kill()

    def resume(self) -> None:
        self._following.resume()

    def select_model(self, name: str) -> None:
        self._switching.select(name)

    def switch(self) -> None:
        self._switching.switch()

    def answer(self, is_yes: bool) -> None:
        self._switching.answer(is_yes)

    def go_back(self) -> None:
        self._switching.go_back()

    def delete_model(self) -> None:
        self._switching.delete()

    def show_slice(self, one: SliceCompared) -> None:
        """Bring a held-out slice with both masks and their difference into the viewer."""
        run = self.state.run
        if run is None or self.state.is_loading:
            return

        def loaded(held_out: HeldOutCase) -> None:
            if self._store.is_closed:
                return
            try:
                self._layers.show(held_out, one.z)
            except TgcnetError as error:
                self._store.become(
                    replace(self._store.state, is_loading=False, show_problem=str(error))
                )
            else:
                self._store.become(replace(self._store.state, is_loading=False, shown=one))

        def failed(sentence: str) -> None:
            if not self._store.is_closed:
                self._store.become(
                    replace(self._store.state, is_loading=False, show_problem=sentence)
                )

        self._store.become(replace(self._store.state, is_loading=True, show_problem=""))
        ledger = self._following.ledger_of(run)
        work = partial(self._held_out, run=run, ledger=ledger, case_id=one.case_id)
        self._workers.start(work, loaded, failed)

    def close(self) -> None:
        """Show nothing any more; a run goes on without the panel."""
        if not self._store.is_closed:
            self._store.is_closed = True
            self._following.close()
            self._session.ledger_chosen.disconnect(self._setup.take_ledger)
            self._session.corrections_changed.disconnect(self._setup.refresh)
            self._session.models_changed.disconnect(self._switching.refresh)
