"""The panel *TGC-Net: segment* as the manifest names it: puts its parts together."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_tgcnet.segment.controller import SegmentController
from napari_tgcnet.segment.files import DiskFiles
from napari_tgcnet.segment.viewer_layers import ViewerLayers
from napari_tgcnet.segment.views.panel import SegmentPanelView
from napari_tgcnet.segment.windows import WindowKeys
from napari_tgcnet.shared.dock import fill_dock, is_taken_out, main_window_of
from napari_tgcnet.shared.jobs import EngineJobs, WorkerThreads
from napari_tgcnet.shared.session import SESSION, Session

if TYPE_CHECKING:
    import napari


class SegmentPanel(QWidget):
    """*TGC-Net: segment*, docked in one viewer.

    Parameters
    ----------
    napari_viewer : whose layers the panel works on; napari passes it by this name
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
        super().__init__(parent)
        self._viewer = napari_viewer
        self.view = SegmentPanelView()
        fill_dock(self, self.view)
        workers = WorkerThreads()
        self.engine = build_engine(workers)
        bridge = ViewerLayers(napari_viewer)
        self.controller = SegmentController(
            view=self.view,
            layers=bridge,
            engine=self.engine,
            workers=workers,
            files=DiskFiles(),
            session=session,
        )
        self.engine.listen(self.controller.handle_event)
        keys = WindowKeys(napari_viewer, self.controller.windows.show)
        self._wire_view()
        self._watch_layers()
        self._places: list[weakref.ref[QWidget]] = []
        # No method of this widget: it is half gone when it is destroyed.
        self._leave = partial(_leave, self.controller, bridge, keys, self._places)
        self.destroyed.connect(self._leave)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.engine.close)
        self.view.show_state(self.controller.state)
        self.controller.open_panel()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Remember the window: when the panel goes, it tells whether the viewer goes too."""
        super().showEvent(event)
        window = main_window_of(self)
        self._places[:] = [weakref.ref(window)] if window is not None else []

    def event(self, event: QEvent) -> bool:
        """Leave when the dock is closed."""
        if is_taken_out(self, event):
            self._leave()
        return bool(super().event(event))

    def _wire_view(self) -> None:
        view, controller = self.view, self.controller
        view.image_chosen.connect(controller.choose_image)
        view.open_chosen.connect(controller.open_image)
        view.modality_chosen.connect(controller.choose_modality)
        view.window_chosen.connect(controller.windows.show)
        view.window_for_model_wanted.connect(controller.windows.use_for_model)
        view.model_chosen.connect(controller.choose_model)
        view.device_chosen.connect(controller.choose_device)
        view.threshold_chosen.connect(controller.set_threshold)
        view.report_edited.connect(controller.reports.edit)
        view.report_file_chosen.connect(controller.reports.open)
        view.sample_report_wanted.connect(controller.reports.use_sample)
        view.report_confirmed.connect(controller.reports.confirm)
        view.scope_chosen.connect(controller.choose_scope)
        view.range_chosen.connect(controller.set_range)
        view.run_requested.connect(controller.run)
        view.retry_requested.connect(controller.retry_engine)
        view.cancel_requested.connect(controller.cancel)
        view.answered.connect(controller.answer)
        view.jump_requested.connect(controller.jump_to_largest)
        view.save_chosen.connect(controller.save_mask)
        corrections = controller.corrections
        view.reviewed_edited.connect(corrections.edit_reviewed)
        view.current_marked.connect(corrections.mark_current)
        view.all_marked.connect(corrections.mark_all)
        view.patient_edited.connect(corrections.edit_patient)
        view.notes_edited.connect(corrections.edit_notes)
        view.ledger_chosen.connect(corrections.choose_ledger)
        view.correction_wanted.connect(corrections.save)

    def _watch_layers(self) -> None:
        events = self._viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.connect(self._layers_changed)
        events.renamed.connect(self._layers_changed)
        self._viewer.layers.selection.events.active.connect(self._active_changed)

    def _layers_changed(self, event: Any = None) -> None:
        self.controller.refresh_images()

    def _active_changed(self, event: Any = None) -> None:
        self.controller.follow_active()


def _leave(
    controller: SegmentController,
    bridge: ViewerLayers,
    keys: WindowKeys,
    places: Sequence[weakref.ref[QWidget]],
    panel: Any = None,
) -> None:
    """End what the panel started; the canvas is touched only where its window stays open."""
    controller.close()
    keys.close()
    window = places[0]() if places else None
    is_alive = window is not None and isalive(window)  # type: ignore[no-untyped-call]  # qtpy's
    if window is not None and is_alive and window.isVisible():
        bridge.clean_up()
