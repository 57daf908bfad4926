"""What a run would be: corrections, reference set, parent, options, and what they amount to."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.finetune.ports import Estimator, RunOrder
from napari_tgcnet.finetune.state import Estimate, FinetuneState, Options
from napari_tgcnet.shared.store import Store, Workers


class Setup:
    """Takes what a person sets, and has it looked at in a worker thread after each change."""

    def __init__(self, store: Store[FinetuneState], workers: Workers, estimator: Estimator) -> None:
        self._store, self._workers, self._estimator = store, workers, estimator
        self._is_outdated = False

    @property
    def order(self) -> RunOrder | None:
        """The run as it is set up now; None where there is no model to start from."""
        state = self._store.state
        if state.parent is None:
            return None
        return RunOrder(
            ledger=state.ledger,
            reference=state.reference,
            model=state.parent,
            device=state.device,
            options=state.options,
        )

    def take_ledger(self, folder: Path) -> None:
        self._store.become(replace(self._store.state, ledger=folder))
        self.refresh()

    def choose_reference(self, folder: Path | None) -> None:
        self._store.become(replace(self._store.state, reference=folder))
        self.refresh()

    def choose_parent(self, name: str) -> None:
        # The active one is followed: where another is switched on, a run starts from that.
        is_active = name == self._store.state.models.active
        self._store.become(replace(self._store.state, chosen_parent=None if is_active else name))
        self.refresh()

    def choose_device(self, name: str) -> None:
        self._store.become(replace(self._store.state, device=name))

    def set_options(self, options: Options) -> None:
        is_other = options.learns != self._store.state.options.learns
        self._store.become(replace(self._store.state, options=options))
        if is_other:  # nothing else changes what is read and kept
            self.refresh()

    def refresh(self) -> None:
        """Estimate anew; where that is under way already, once more after it."""
        if self._store.is_closed:
            return
        order = self.order
        if order is None:
            self._store.become(replace(self._store.state, estimate=None))
        elif self._store.state.is_estimating:
            self._is_outdated = True
        else:
            self._is_outdated = False
            self._store.become(replace(self._store.state, is_estimating=True))
            work = partial(
                self._estimator,
                ledger=order.ledger,
                reference=order.reference,
                model=order.model,
                options=order.options,
            )
            self._workers.start(work, self._take, self._fail)

    def _take(self, estimate: Estimate) -> None:
        if self._store.is_closed:
            return
        self._store.become(replace(self._store.state, is_estimating=False))
        if self._is_outdated:
            self.refresh()
        else:
            self._store.become(replace(self._store.state, estimate=estimate))

    def _fail(self, sentence: str) -> None:
        self._take(Estimate(missing=sentence))
