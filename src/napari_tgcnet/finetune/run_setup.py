"""What the next run learns from, and how; estimated in the background. No Qt."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.finetune.ports import Estimator
from napari_tgcnet.finetune.state import Estimate, FinetuneState, Options, RunRequest
from napari_tgcnet.segment.ports import Workers
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store


class RunSetup:
    """Keeps what the user sets up; after each change estimates the run in a worker thread."""

    def __init__(
        self,
        store: Store[FinetuneState],
        *,
        session: Session,
        workers: Workers,
        estimator: Estimator,
    ) -> None:
        self._store, self._session = store, session
        self._workers, self._estimator = workers, estimator
        self._is_outdated = False

    @property
    def request(self) -> RunRequest | None:
        """The run as it is set up now; None if there is no model to start from."""
        state = self._store.state
        if state.parent is None:
            return None
        return RunRequest(
            ledger=state.ledger,
            reference=state.reference,
            model=state.parent,
            device=state.device,
            options=state.options,
        )

    def choose_ledger(self, path: str) -> None:
        """Make all panels use another folder of corrections."""
        self._session.choose_ledger(Path(path))

    def use_ledger(self, folder: Path) -> None:
        """Use the folder of corrections that was chosen in any panel."""
        self._store.become(replace(self._store.state, ledger=folder))
        self.refresh()

    def choose_reference(self, path: str) -> None:
        """Use a folder as the reference set; an empty path means none."""
        reference = Path(path) if path else None
        self._store.become(replace(self._store.state, reference=reference))
        self.refresh()

    def choose_parent(self, name: str) -> None:
        """Choose the model to start from."""
        state = self._store.state
        # If that is the active model, the run starts from whichever model is active then.
        chosen = None if name == state.models.active else name
        self._store.become(replace(state, chosen_parent=chosen))
        self.refresh()

    def choose_device(self, name: str) -> None:
        self._store.become(replace(self._store.state, device=name))

    def set_options(self, options: Options) -> None:
        state = self._store.state
        self._store.become(replace(state, options=options))
        if options.learns != state.options.learns:  # no other option changes the estimate
            self.refresh()

    def refresh(self) -> None:
        """Estimate again; if an estimate is under way, once more afterwards."""
        if self._store.is_closed:
            return
        state, request = self._store.state, self.request
        if request is None:
            self._store.become(replace(state, estimate=None))
        elif state.is_estimating:
            self._is_outdated = True
        else:
            self._is_outdated = False
            self._store.become(replace(state, is_estimating=True))
            work = partial(
                self._estimator,
                ledger=request.ledger,
                reference=request.reference,
                model=request.model,
                options=request.options,
            )
            self._workers.start(work, self._estimated, self._failed)

    def _estimated(self, estimate: Estimate) -> None:
        if self._store.is_closed:
            return
        self._store.become(replace(self._store.state, is_estimating=False))
        if self._is_outdated:
            self.refresh()
        else:
            self._store.become(replace(self._store.state, estimate=estimate))

    def _failed(self, sentence: str) -> None:
        self._estimated(Estimate(missing=sentence))
