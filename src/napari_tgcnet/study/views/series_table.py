"""The table of series: shows rows, reports which one is selected and which is to be opened."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_tgcnet.shared.views.tables import lay_out_headers
from napari_tgcnet.study import messages
from napari_tgcnet.study.state import SeriesRow
from napari_tgcnet.study.views.series_model import KEY_ROLE, SERIES, SeriesModel

_TEXT_PADDING_PX = 14
_WIDEST = ("AA\N{BULLET}\N{BULLET}AA", "2000-00-00", "Type", "Slices")
"""Widest texts of the columns before the description, which takes the remaining width."""


class SeriesTable(QTableView):
    """Rows of series; one that cannot be opened can still be selected, to read why."""

    selected = Signal(object)
    open_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._series = SeriesModel(self)
        self._is_showing = False
        self.setModel(self._series)
        self.setAccessibleName(messages.TABLE)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)  # else Tab never leaves the table
        self.setShowGrid(False)
        self.setWordWrap(False)  # else a long description pushes the size out of its row
        side = self.fontMetrics().lineSpacing()
        self.setIconSize(QSize(side, side))
        self._lay_out_headers()
        self.selectionModel().selectionChanged.connect(self._report_selection)
        self.doubleClicked.connect(self._request_row)

    def show_rows(self, rows: Sequence[SeriesRow], selected: int | None) -> None:
        """Show rows and the selected one, without emitting a signal."""
        self._is_showing = True
        if tuple(rows) != self._series.rows:
            self._series.show_rows(rows)
        if selected is None:
            self.clearSelection()
        elif selected != self.selected_key():
            keys = [row.key for row in rows]
            self.selectRow(keys.index(selected))
        self._is_showing = False

    def selected_key(self) -> int | None:
        for index in self.selectionModel().selectedRows():
            return int(index.data(KEY_ROLE))
        return None

    def request_open(self) -> None:
        """Emit ``open_requested`` for the selected row, if there is one."""
        key = self.selected_key()
        if key is not None:
            self.open_requested.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter opens; a shortcut would compete with napari's."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and self.selected_key() is not None:
            self.request_open()
        else:
            super().keyPressEvent(event)

    def _lay_out_headers(self) -> None:
        columns = lay_out_headers(self, 2 * self.fontMetrics().lineSpacing() + _TEXT_PADDING_PX)
        for column, text in enumerate(_WIDEST):
            width = self.fontMetrics().horizontalAdvance(text)
            columns.resizeSection(column, width + _TEXT_PADDING_PX)
        columns.setSectionResizeMode(SERIES, QHeaderView.ResizeMode.Stretch)

    def _report_selection(self, *_: object) -> None:
        if not self._is_showing:
            self.selected.emit(self.selected_key())

    def _request_row(self, index: QModelIndex) -> None:
        self.open_requested.emit(int(index.data(KEY_ROLE)))
