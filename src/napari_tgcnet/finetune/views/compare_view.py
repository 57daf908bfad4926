"""A table of held-out slices with the Dice of both models; one can be shown in the viewer."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import ComparisonActions
from napari_tgcnet.finetune.state import FinetuneState
from napari_tgcnet.shared.views.parts import BODY_MARGINS, note_label
from tgcnet.finetune.events import SliceCompared

_ROWS = 7
_COLUMNS = (
    messages.CASE, messages.SLICE, messages.BEFORE, messages.AFTER, messages.DIFFERENCE,
)  # fmt: skip


class CompareView(QWidget):
    """Shows slices ordered by the change of their Dice, the worst first.

    Attributes
    ----------
    show_requested : emitted with the slice to show in the viewer
    """

    show_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = _build_table()
        self.show_button = QPushButton(messages.SHOW)
        self.show_button.setToolTip(messages.SHOW_TIP)
        self.status, self.colours = note_label(), note_label()
        self.colours.setText(messages.COLOURS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*BODY_MARGINS)
        for widget in (self.table, self.show_button, self.status, self.colours):
            layout.addWidget(widget)
        self._slices: tuple[SliceCompared, ...] = ()
        self._rows: list[SliceCompared] = []
        self.show_button.clicked.connect(self._request_row)
        self.table.doubleClicked.connect(self._request_row)

    def connect_to(self, actions: ComparisonActions) -> None:
        """Report every action to this part of the controller."""
        self.show_requested.connect(actions.show)

    def show_state(self, state: FinetuneState) -> None:
        if state.progress.slices != self._slices:
            self._slices = state.progress.slices
            self._rows = sorted(self._slices, key=lambda one: one.dice_after - one.dice_before)
            self._fill()
        self.show_button.setEnabled(bool(self._rows) and not state.is_loading)
        status = messages.READING_CASE if state.is_loading else state.show_problem
        self.status.setText(status)
        self.status.setVisible(bool(status))
        self.colours.setVisible(state.shown is not None)

    def _fill(self) -> None:
        self.table.setRowCount(len(self._rows))
        for row, one in enumerate(self._rows):
            texts = (
                one.case_id,
                str(one.z),
                f"{one.dice_before:.3f}",
                f"{one.dice_after:.3f}",
                f"{one.dice_after - one.dice_before:+.3f}",
            )
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if column:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.table.setItem(row, column, item)
        if self._rows:
            self.table.selectRow(0)

    def _request_row(self) -> None:
        row = self.table.currentRow()
        if self.show_button.isEnabled() and 0 <= row < len(self._rows):
            self.show_requested.emit(self._rows[row])


def _build_table() -> QTableWidget:
    table = QTableWidget(0, len(_COLUMNS))
    table.setHorizontalHeaderLabels(_COLUMNS)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    table.setTabKeyNavigation(False)  # Tab moves to the next widget, the arrow keys along the rows
    table.verticalHeader().hide()
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    table.setFixedHeight(table.verticalHeader().defaultSectionSize() * _ROWS)
    return table
