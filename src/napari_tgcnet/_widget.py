"""The four panels that the manifest names; the only place that puts their parts together."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtWidgets import QApplication, QWidget

from napari_tgcnet.corrections.case_layers import ViewerCases
from napari_tgcnet.corrections.controller import CorrectionsController
from napari_tgcnet.corrections.ledger_store import DiskLedgerStore
from napari_tgcnet.corrections.views.panel import CorrectionsPanelView
from napari_tgcnet.finetune.comparison_layers import ViewerComparison, load_compared_case
from napari_tgcnet.finetune.controller import FinetuneController
from napari_tgcnet.finetune.estimate import estimate
from napari_tgcnet.finetune.ports import Models, Runs
from napari_tgcnet.finetune.registered_models import RegisteredModels
from napari_tgcnet.finetune.run_processes import RunProcesses
from napari_tgcnet.finetune.run_watcher import RunFolderWatcher
from napari_tgcnet.finetune.views.close_guard import CloseGuard
from napari_tgcnet.finetune.views.panel import FinetuneView
from napari_tgcnet.segment.controller import SegmentController
from napari_tgcnet.segment.files import DiskFiles
from napari_tgcnet.segment.viewer_layers import ViewerLayers
from napari_tgcnet.segment.views.panel import SegmentPanelView
from napari_tgcnet.segment.windows import WindowKeys
from napari_tgcnet.shared.dock import DockedPanel
from napari_tgcnet.shared.jobs import EngineJobs, ReportingThreads, WorkerThreads
from napari_tgcnet.shared.session import SESSION, Session
from napari_tgcnet.study.controller import StudyController
from napari_tgcnet.study.disk_studies import DiskStudies
from napari_tgcnet.study.ports import Studies
from napari_tgcnet.study.study_layers import ViewerStudies
from napari_tgcnet.study.views.panel import StudyPanelView

if TYPE_CHECKING:
    import napari


class StudyPanel(DockedPanel):
    """*TGC-Net: open study*, docked in one viewer.

    Parameters
    ----------
    napari_viewer : the viewer that series are opened in; napari passes it by this name
    studies : where files come from; a test passes slow ones
    """

    def __init__(
        self,
        napari_viewer: napari.Viewer,
        studies: Studies | None = None,
        parent: QWidget | None = None,
    ) -> None:
        view = StudyPanelView()
        super().__init__(view, parent)
        self.view = view
        self.controller = StudyController(
            view=view,
            layers=ViewerStudies(napari_viewer),
            studies=DiskStudies() if studies is None else studies,
            workers=ReportingThreads(),
        )
        view.connect_to(self.controller)
        self.clean_up_with(self.controller.close)
        view.show_state(self.controller.state)


class SegmentPanel(DockedPanel):
    """*TGC-Net: segment*, docked in one viewer.

    Parameters
    ----------
    napari_viewer : the viewer whose layers the panel works on; napari passes it by this name
    build_engine : makes the engine's jobs; a test passes one with a fake child
    session : what all panels share
    """

    def __init__(
        self,
        napari_viewer: napari.Viewer,
        build_engine: Callable[[WorkerThreads], EngineJobs] = EngineJobs,
        session: Session = SESSION,
        parent: QWidget | None = None,
    ) -> None:
        view = SegmentPanelView()
        super().__init__(view, parent)
        self.view = view
        self._viewer = napari_viewer
        workers = WorkerThreads()
        self.engine = build_engine(workers)
        layers = ViewerLayers(napari_viewer)
        self.controller = SegmentController(
            view=view,
            layers=layers,
            engine=self.engine,
            workers=workers,
            files=DiskFiles(),
            session=session,
        )
        self.engine.listen(self.controller.handle_event)
        keys = WindowKeys(napari_viewer, self.controller.windows.show)
        view.connect_to(self.controller)
        self._follow_layers()
        self._in_window = _SegmentInWindow(self.controller, layers, keys)
        self.clean_up_with(self._in_window.close)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.engine.close)
        view.show_state(self.controller.state)
        self.controller.open_panel()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Remember the window, which may be closed together with the panel, or stay open."""
        super().showEvent(event)
        window = self.main_window()
        self._in_window.window = None if window is None else weakref.ref(window)

    def _follow_layers(self) -> None:
        events = self._viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered, events.renamed):
            emitter.connect(self._layers_changed)
        self._viewer.layers.selection.events.active.connect(self._active_changed)

    def _layers_changed(self, event: Any = None) -> None:
        self.controller.refresh_images()

    def _active_changed(self, event: Any = None) -> None:
        self.controller.follow_active()


class _SegmentInWindow:
    """What the panel added to its window, and has to remove.

    Attributes
    ----------
    window : the window that the panel was last shown in
    """

    def __init__(
        self, controller: SegmentController, layers: ViewerLayers, keys: WindowKeys
    ) -> None:
        self._controller, self._layers, self._keys = controller, layers, keys
        self.window: weakref.ref[QWidget] | None = None

    def close(self) -> None:
        """End what the panel started; the canvas is touched only where its window stays open."""
        self._controller.close()
        self._keys.close()
        window = None if self.window is None else self.window()
        is_alive = window is not None and isalive(window)  # type: ignore[no-untyped-call]  # qtpy's
        if window is not None and is_alive and window.isVisible():
            self._layers.clean_up()


class CorrectionsPanel(DockedPanel):
    """*TGC-Net: corrections*, docked in one viewer.

    Parameters
    ----------
    napari_viewer : the viewer that cases are opened in; napari passes it by this name
    session : names the ledger and announces every change; a test passes its own
    """

    def __init__(
        self,
        napari_viewer: napari.Viewer,
        session: Session = SESSION,
        parent: QWidget | None = None,
    ) -> None:
        view = CorrectionsPanelView()
        super().__init__(view, parent)
        self.view = view
        self.controller = CorrectionsController(
            view=view,
            layers=ViewerCases(napari_viewer),
            ledger_store=DiskLedgerStore(),
            workers=WorkerThreads(),
            session=session,
        )
        view.connect_to(self.controller)
        self.clean_up_with(self.controller.close)
        view.show_state(self.controller.state)
        self.controller.open_panel()


class FinetunePanel(DockedPanel):
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
        view = FinetuneView()
        super().__init__(view, parent)
        self.view = view
        self._runs = runs or RunProcesses()
        workers = WorkerThreads()
        self.watcher = RunFolderWatcher(workers)
        self.controller = FinetuneController(
            view=view,
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
        view.connect_to(self.controller)
        # Not the guard: it is a child of this widget, and deleted before the widget is.
        self.clean_up_with(self.controller.close)
        view.show_state(self.controller.state)
        self.controller.open_panel()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Watch the window: closing it during a run needs a question first."""
        super().showEvent(event)
        self.guard.watch(self.main_window())

    def leave(self) -> None:
        """Follow nothing more; a run goes on by itself, and is asked about when napari closes."""
        state = self.controller.state
        if state.run is not None and state.is_busy:
            self.guard.outlive_panel(
                partial(self._runs.is_alive, state.run), partial(self._runs.ask_to_stop, state.run)
            )
        else:
            self.guard.watch(None)
        super().leave()


def _is_running(controller: FinetuneController) -> bool:
    return controller.state.is_busy
