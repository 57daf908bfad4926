"""The panel *TGC-Net: corrections* as the manifest names it: puts its parts together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget

from napari_tgcnet.corrections.case_layers import ViewerCases
from napari_tgcnet.corrections.controller import CorrectionsController
from napari_tgcnet.corrections.ledger_store import DiskLedgerStore
from napari_tgcnet.corrections.views.panel import CorrectionsPanelView
from napari_tgcnet.shared.dock import fill_dock, is_taken_out
from napari_tgcnet.shared.jobs import WorkerThreads
from napari_tgcnet.shared.session import SESSION, Session

if TYPE_CHECKING:
    import napari


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
        fill_dock(self, self.view)
        self.controller = CorrectionsController(
            view=self.view,
            layers=ViewerCases(napari_viewer),
            ledger_store=DiskLedgerStore(),
            workers=WorkerThreads(),
            session=session,
        )
        self.view.connect_to(self.controller)
        # No method of this widget: it is half gone when it is destroyed.
        self.destroyed.connect(partial(_leave, self.controller))
        self.view.show_state(self.controller.state)
        self.controller.open_panel()

    def event(self, event: QEvent) -> bool:
        """Leave when the dock is closed."""
        if is_taken_out(self, event):
            self.controller.close()
        return bool(super().event(event))


def _leave(controller: CorrectionsController, panel: Any = None) -> None:
    controller.close()
