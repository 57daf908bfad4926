"""The panel *TGC-Net: fine-tune* as the manifest names it: puts its parts together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget

from napari_tgcnet.finetune.comparison_layers import ViewerComparison, load_compared_case
from napari_tgcnet.finetune.controller import FinetuneController
from napari_tgcnet.finetune.estimate import estimate
from napari_tgcnet.finetune.ports import Models, Runs
from napari_tgcnet.finetune.registered_models import RegisteredModels
from napari_tgcnet.finetune.run_processes import RunProcesses
from napari_tgcnet.finetune.run_watcher import RunFolderWatcher
from napari_tgcnet.finetune.views.close_guard import CloseGuard
from napari_tgcnet.finetune.views.panel import FinetuneView
from napari_tgcnet.shared.dock import fill_dock, is_taken_out, main_window_of
from napari_tgcnet.shared.jobs import WorkerThreads
from napari_tgcnet.shared.session import SESSION, Session

if TYPE_CHECKING:
    import napari


class FinetunePanel(QWidget):
    """*TGC-Net: fine-tune*, docked in one viewer.

    Parameters
    ----------
    napari_viewer : where before and after are shown; napari passes it by this name
    session : what the panels share
    runs, models : a test passes doubles
    """

    def __init__(
        self,
        napari_viewer: napari.Viewer,
        session: Session = SESSION,
        parent: QWidget | None = None,
        runs: Runs | None = None,
        models: Models | None = None,
    ) -> None:
        super().__init__(parent)
        self.view = FinetuneView()
        fill_dock(self, self.view)
        self._runs = runs or RunProcesses()
        workers = WorkerThreads()
        self.watcher = RunFolderWatcher(workers)
        self.controller = FinetuneController(
            view=self.view,
            session=session,
            workers=workers,
            runs=self._runs,
            watcher=self.watcher,
            models=models or RegisteredModels(),
            estimator=estimate,
            load_case=load_compared_case,
            layers=ViewerComparison(napari_viewer),
        )
        self.guard = CloseGuard(
            partial(_is_running, self.controller), self.controller.run.stop_now, self
        )
        self.view.connect_to(self.controller)
        # No method of this widget: it is half gone when it is destroyed, and its guard is too.
        self.destroyed.connect(partial(_close, self.controller))
        self.view.show_state(self.controller.state)
        self.controller.open_panel()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Watch the window: where it is closed in mid-run, somebody has to be asked."""
        super().showEvent(event)
        window = main_window_of(self)
        self.guard.watch(window)

    def event(self, event: QEvent) -> bool:
        """Leave when the dock is closed."""
        if is_taken_out(self, event):
            self.leave()
        return bool(super().event(event))

    def leave(self) -> None:
        """Follow nothing more; a run goes on by itself, and is asked about when napari closes."""
        run = self.controller.state.run
        if run is not None and self.controller.state.is_busy:
            self.guard.outlive_panel(
                partial(self._runs.is_alive, run), partial(self._runs.ask_to_stop, run)
            )
        else:
            self.guard.watch(None)
        self.controller.close()


def _is_running(controller: FinetuneController) -> bool:
    return controller.state.is_busy


def _close(controller: FinetuneController, panel: Any = None) -> None:
    controller.close()
