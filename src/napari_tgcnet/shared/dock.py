"""How a panel sits in napari's dock, and how it notices that it was taken out."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QMainWindow, QSizePolicy, QVBoxLayout, QWidget

_PANEL_WIDTH_PX = 400


def fill_dock(panel: QWidget, view: QWidget) -> None:
    """Give a panel its view and all of the dock's height."""
    layout = QVBoxLayout(panel)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(view)
    panel.setMinimumWidth(_PANEL_WIDTH_PX)
    # Else napari puts a stretch below, which leaves the panel half of the dock's height.
    panel.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)


def main_window_of(panel: QWidget) -> QMainWindow | None:
    """The window a panel is docked in; None where it is in none."""
    parent = panel.parentWidget()
    while parent is not None and not isinstance(parent, QMainWindow):
        parent = parent.parentWidget()
    return parent


def is_taken_out(panel: QWidget, event: QEvent) -> bool:
    """Whether the dock is being closed: napari takes the panel out of it and deletes nothing."""
    return event.type() == QEvent.Type.ParentChange and panel.parentWidget() is None
