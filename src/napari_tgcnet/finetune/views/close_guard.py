"""Asks what to do with a run when napari's window is closed."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMainWindow, QMessageBox

from napari_tgcnet.finetune import messages


class CloseGuard(QObject):
    """Asks for a decision when its window is closed while a run is under way.

    Parameters
    ----------
    is_running : whether a run is under way
    stop : asks the run to stop
    """

    def __init__(
        self,
        is_running: Callable[[], bool],
        stop: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._is_running, self._stop = is_running, stop
        self._window: weakref.ref[QMainWindow] | None = None

    def outlive_panel(self, is_running: Callable[[], bool], stop: Callable[[], None]) -> None:
        """Stay with the window for a run whose panel was closed."""
        window = self._window() if self._window is not None else None
        if window is not None:
            self._is_running, self._stop = is_running, stop
            self.setParent(window)

    def watch(self, window: QMainWindow | None) -> None:
        """Watch this window and no other; None watches none.

        A guard that outlived an earlier panel of the window is removed: this guard's panel follows
        the same run.
        """
        watched = self._window() if self._window is not None else None
        if window is watched:
            return
        if watched is not None and isalive(watched):  # type: ignore[no-untyped-call]  # qtpy's
            watched.removeEventFilter(self)
        self._window = None
        if window is not None:
            # A weak reference: the window owns the panel and so this object.
            self._window = weakref.ref(window)
            for earlier in window.findChildren(CloseGuard):
                if earlier.parent() is window:
                    earlier.watch(None)
                    earlier.deleteLater()
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Ask before the window closes, and keep it open if the answer is *Cancel*."""
        if event.type() != QEvent.Type.Close or self._window is None:
            return False
        window = self._window()
        if watched is not window or not self._is_running():
            return False
        answer = ask(window)
        if answer == messages.CANCEL:
            event.ignore()
            return True
        if answer == messages.STOP_IT:
            self._stop()
        return False


def ask(window: QMainWindow | None) -> str:
    """Return :data:`messages.LET_FINISH`, ``STOP_IT`` or ``CANCEL``."""
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(messages.CLOSE_TITLE)
    box.setText(messages.CLOSE_QUESTION)
    finish = box.addButton(messages.LET_FINISH, QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton(messages.STOP_IT, QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(messages.CANCEL, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(finish)
    box.setEscapeButton(cancel)
    box.exec_()
    clicked = box.clickedButton()
    box.deleteLater()
    if clicked is stop:
        return messages.STOP_IT
    return messages.LET_FINISH if clicked is finish else messages.CANCEL
