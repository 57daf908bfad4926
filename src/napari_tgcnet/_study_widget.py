"""The panel *TGC-Net: open study* as the manifest names it: puts its parts together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget

from napari_tgcnet.shared.dock import fill_dock, is_taken_out
from napari_tgcnet.shared.reporting import ReportingThreads
from napari_tgcnet.study.controller import StudyController
from napari_tgcnet.study.disk_studies import DiskStudies
from napari_tgcnet.study.ports import Studies
from napari_tgcnet.study.study_layers import ViewerStudies
from napari_tgcnet.study.views.panel import StudyPanelView

if TYPE_CHECKING:
    import napari


class StudyPanel(QWidget):
    """*TGC-Net: open study*, docked in one viewer.

    Parameters
    ----------
    napari_viewer : whose layers series are opened into; napari passes it by this name
    studies : where files come from; a test passes slow ones
    """

    def __init__(
        self,
        napari_viewer: napari.Viewer,
        studies: Studies | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.view = StudyPanelView()
        fill_dock(self, self.view)
        self.controller = StudyController(
            view=self.view,
            layers=ViewerStudies(napari_viewer),
            studies=DiskStudies() if studies is None else studies,
            workers=ReportingThreads(),
        )
        self.view.connect_to(self.controller)
        # No method of this widget: it is half gone when it is destroyed.
        self.destroyed.connect(partial(_leave, self.controller))
        self.view.show_state(self.controller.state)

    def event(self, event: QEvent) -> bool:
        """Leave when the dock is closed."""
        if is_taken_out(self, event):
            self.controller.close()
        return bool(super().event(event))


def _leave(controller: StudyController, panel: Any = None) -> None:
    controller.close()
