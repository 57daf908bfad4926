"""The panel *TGC-Net: corrections* as the manifest names it: puts its parts together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_tgcnet.corrections.controller import CorrectionsController
from napari_tgcnet.corrections.layers import ViewerCases
from napari_tgcnet.corrections.shelf import DiskShelf
from napari_tgcnet.jobs import WorkerThreads
from napari_tgcnet.session import SESSION, Session
from napari_tgcnet.ui.corrections.panel import CorrectionsPanelView

if TYPE_CHECKING:
    import napari

_PANEL_WIDTH_PX = 400


class CorrectionsPanel(QWidget):
    """*TGC-Net: corrections*, docked in one viewer.

    Parameters
    ----------
    napari_viewer : whose layers cases are opened into; napari passes it by this name
    session : names the ledger, and is told of every change; a test passes its own
    """

    def __init__(
        self,
        napari_viewer: napari.Viewer,
        session: Session = SESSION,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.view = CorrectionsPanelView()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.setMinimumWidth(_PANEL_WIDTH_PX)
        # Else napari puts a stretch below, which leaves the panel half of the dock's height.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.controller = CorrectionsController(
            view=self.view,
            layers=ViewerCases(napari_viewer),
            shelf=DiskShelf(),
            workers=WorkerThreads(),
            session=session,
        )
        self._wire_view()
        # No method of this widget: it is half gone when it is destroyed.
        self.destroyed.connect(partial(_leave, self.controller))
        self.view.show_state(self.controller.state)
        self.controller.open_panel()

    def event(self, event: QEvent) -> bool:
        """Leave when the dock is closed: napari takes the panel out of it and deletes nothing."""
        if event.type() == QEvent.Type.ParentChange and self.parentWidget() is None:
            self.controller.close()
        return bool(super().event(event))

    def _wire_view(self) -> None:
        view, controller = self.view, self.controller
        view.ledger_chosen.connect(controller.choose_ledger)
        view.bin_wanted.connect(controller.show_bin)
        view.selection_changed.connect(controller.select)
        view.open_requested.connect(controller.open_case)
        view.delete_requested.connect(controller.delete)
        view.restore_requested.connect(controller.restore)


def _leave(controller: CorrectionsController, panel: Any = None) -> None:
    controller.close()
