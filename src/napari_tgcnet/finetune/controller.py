"""Puts the parts of the controller together; imports neither Qt nor torch."""

from __future__ import annotations

import time
from collections.abc import Callable

from napari_tgcnet.finetune.model_switching import ModelSwitching
from napari_tgcnet.finetune.ports import (
    ComparedCaseLoader,
    ComparisonLayers,
    Estimator,
    Models,
    Runs,
    RunWatcher,
)
from napari_tgcnet.finetune.run_control import RunControl
from napari_tgcnet.finetune.run_setup import RunSetup
from napari_tgcnet.finetune.slice_comparison import SliceComparison
from napari_tgcnet.finetune.state import FinetuneState
from napari_tgcnet.segment.ports import View, Workers
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store


class FinetuneController:
    """Holds the panel's state, which its parts replace; the views act on these directly.

    Attributes
    ----------
    setup : what the next run learns from, and how
    run : the run that is started or found
    comparison : the held-out slices compared by that run
    models : the registered models
    """

    def __init__(
        self,
        *,
        view: View[FinetuneState],
        session: Session,
        workers: Workers,
        runs: Runs,
        watcher: RunWatcher,
        models: Models,
        estimator: Estimator,
        load_case: ComparedCaseLoader,
        layers: ComparisonLayers,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = Store(view, FinetuneState(ledger=session.ledger))
        self._session = session
        self.setup = RunSetup(self._store, session=session, workers=workers, estimator=estimator)
        self.run = RunControl(
            self._store,
            setup=self.setup,
            workers=workers,
            runs=runs,
            watcher=watcher,
            on_models_changed=session.models_changed.emit,
            now_s=now_s,
        )
        self.comparison = SliceComparison(
            self._store,
            ledger_of=self.run.ledger_of,
            workers=workers,
            load_case=load_case,
            layers=layers,
        )
        self.models = ModelSwitching(
            self._store,
            workers=workers,
            models=models,
            on_changed=session.models_changed.emit,
            on_listed=self.setup.refresh,
        )
        session.ledger_chosen.connect(self.setup.use_ledger)
        session.corrections_changed.connect(self.setup.refresh)
        session.models_changed.connect(self.models.refresh)

    @property
    def state(self) -> FinetuneState:
        """What the panel shows now."""
        return self._store.state

    def open_panel(self) -> None:
        """Read the models, the corrections and the current run; returns at once."""
        self.models.refresh()
        self.run.show_current()

    def close(self) -> None:
        """Stop updating the panel; a run goes on without it."""
        if not self._store.is_closed:
            self._store.is_closed = True
            self.run.close()
            self._session.ledger_chosen.disconnect(self.setup.use_ledger)
            self._session.corrections_changed.disconnect(self.setup.refresh)
            self._session.models_changed.disconnect(self.models.refresh)
