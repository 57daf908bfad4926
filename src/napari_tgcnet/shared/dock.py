"""A panel in napari's dock: its view, its window, and how it notices that it was closed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QMainWindow, QSizePolicy, QVBoxLayout, QWidget

_PANEL_WIDTH_PX = 400


class DockedPanel(QWidget):
    """Shows one view in all of the dock's height, and cleans up when the dock is closed.

    Parameters
    ----------
    view : what the panel shows
    """

    _clean_up: Callable[[], None] | None = None

    def __init__(self, view: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(view)
        self.setMinimumWidth(_PANEL_WIDTH_PX)
        # Else napari puts a stretch below, which leaves the panel half of the dock's height.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def clean_up_with(self, clean_up: Callable[[], None]) -> None:
        """Call this when the dock is closed or the panel destroyed; it may be called twice.

        It must not be a method of the panel, which is half deleted when it is destroyed.
        """
        self._clean_up = clean_up
        self.destroyed.connect(partial(_call, clean_up))

    def event(self, event: QEvent) -> bool:
        """Leave when the dock is closed: napari then takes the panel out, and deletes nothing."""
        if event.type() == QEvent.Type.ParentChange and self.parentWidget() is None:
            self.leave()
        return bool(super().event(event))

    def leave(self) -> None:
        """Clean up; the dock is being closed."""
        if self._clean_up is not None:
            self._clean_up()

    def main_window(self) -> QMainWindow | None:
        """The window that the panel is docked in; None where it is in none."""
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QMainWindow):
            parent = parent.parentWidget()
        return parent


def _call(function: Callable[[], None], destroyed: Any = None) -> None:
    function()
