"""The table of cases: shows rows and pictures, reports selection, opening and deleting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_tgcnet.corrections import messages
from napari_tgcnet.corrections.thumbnail import SIDE_PX
from napari_tgcnet.corrections.views.case_model import (
    CASE_ID_ROLE,
    MODEL,
    PICTURE,
    SAVED,
    CaseModel,
    SortedCases,
)
from napari_tgcnet.shared.views.tables import lay_out_headers
from tgcnet.corrections import CaseSummary

_PADDING_PX, _TEXT_PADDING_PX = 6, 14
_WIDEST = ("0.000", "000 of 000", "2000-00-00")
"""Widest texts of the columns after the picture; the last column takes the remaining width."""

_Flag = QItemSelectionModel.SelectionFlag


class CaseTable(QTableView):
    """Rows of cases, latest first until the user sorts them by another column."""

    selection_changed = Signal(tuple)
    open_requested = Signal(str)
    delete_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cases = CaseModel(self)
        self._sorted = SortedCases(self._cases, self)
        self.setModel(self._sorted)
        self.setAccessibleName(messages.TABLE)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)  # else Tab never leaves the table
        self.setShowGrid(False)
        self.setWordWrap(False)  # else a long name pushes the other lines out of its row
        self.setIconSize(QSize(SIDE_PX, SIDE_PX))
        self._lay_out_headers()
        self.setSortingEnabled(True)
        self.sortByColumn(SAVED, Qt.SortOrder.DescendingOrder)
        self._is_showing = False
        self.selectionModel().selectionChanged.connect(self._report_selection)
        self.doubleClicked.connect(self._request_row)

    def show_cases(self, cases: Sequence[CaseSummary], selected: Sequence[str]) -> None:
        """Show rows and the selected ones, without emitting a signal."""
        self._is_showing = True
        if tuple(cases) != self._cases.cases:
            position = self.verticalScrollBar().value()
            self._cases.show_cases(cases)
            self.verticalScrollBar().setValue(position)
        if set(selected) != set(self.selected_ids()):
            self._select(set(selected))
        self._is_showing = False

    def show_picture(self, case_id: str, revision: int, pixels: np.ndarray) -> None:
        self._cases.show_picture(case_id, revision, pixels)

    def selected_ids(self) -> tuple[str, ...]:
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return tuple(self._sorted.index(row, 0).data(CASE_ID_ROLE) for row in rows)

    def request_open(self) -> None:
        """Emit ``open_requested`` for the first selected row, if there is one."""
        for case_id in self.selected_ids()[:1]:
            self.open_requested.emit(case_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter opens, Delete deletes; shortcuts would compete with napari's."""
        selected = self.selected_ids()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and len(selected) == 1:
            self.request_open()
        elif event.key() == Qt.Key.Key_Delete and selected:
            self.delete_requested.emit()
        else:
            super().keyPressEvent(event)

    def _lay_out_headers(self) -> None:
        columns = lay_out_headers(self, SIDE_PX + _PADDING_PX)
        columns.resizeSection(PICTURE, SIDE_PX + _PADDING_PX)
        for column, text in enumerate(_WIDEST, start=PICTURE + 1):
            width = self.fontMetrics().horizontalAdvance(text)
            columns.resizeSection(column, width + _TEXT_PADDING_PX)
        columns.setSectionResizeMode(PICTURE, QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(MODEL, QHeaderView.ResizeMode.Stretch)

    def _select(self, case_ids: set[str]) -> None:
        chosen = QItemSelection()
        for row in range(self._sorted.rowCount()):
            index = self._sorted.index(row, 0)
            if index.data(CASE_ID_ROLE) in case_ids:
                chosen.select(index, index)
        flags = _Flag.ClearAndSelect | _Flag.Rows
        self.selectionModel().select(chosen, flags)

    def _report_selection(self, *_: object) -> None:
        if not self._is_showing:
            self.selection_changed.emit(self.selected_ids())

    def _request_row(self, index: QModelIndex) -> None:
        self.open_requested.emit(index.data(CASE_ID_ROLE))
