"""Shows held-out slices with the masks of both models in the viewer. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.finetune.ports import ComparedCaseLoader, ComparisonLayers
from napari_tgcnet.finetune.state import ComparedCase, FinetuneState
from napari_tgcnet.segment.ports import Workers
from napari_tgcnet.shared.store import Store
from tgcnet.errors import TgcnetError
from tgcnet.finetune.events import SliceCompared


class SliceComparison:
    """Loads a compared case in a worker thread and shows one slice of it.

    Parameters
    ----------
    ledger_of : the folder of the corrections that a run learns from
    """

    def __init__(
        self,
        store: Store[FinetuneState],
        *,
        ledger_of: Callable[[Path], Path],
        workers: Workers,
        load_case: ComparedCaseLoader,
        layers: ComparisonLayers,
    ) -> None:
        self._store, self._ledger_of, self._workers = store, ledger_of, workers
        self._load_case, self._layers = load_case, layers

    def show(self, one: SliceCompared) -> None:
        """Show a held-out slice with both masks and their difference in the viewer."""
        state = self._store.state
        if state.run is None or state.is_loading:
            return
        self._store.become(replace(state, is_loading=True, show_problem=""))
        work = partial(
            self._load_case,
            run=state.run,
            ledger=self._ledger_of(state.run),
            case_id=one.case_id,
        )
        self._workers.start(work, partial(self._loaded, one), self._failed)

    def _loaded(self, one: SliceCompared, compared: ComparedCase) -> None:
        if self._store.is_closed:
            return
        try:
            self._layers.show(compared, one.z)
        except TgcnetError as error:
            self._failed(str(error))
        else:
            self._store.become(replace(self._store.state, is_loading=False, shown=one))

    def _failed(self, sentence: str) -> None:
        if not self._store.is_closed:
            state = self._store.state
            self._store.become(replace(state, is_loading=False, show_problem=sentence))
