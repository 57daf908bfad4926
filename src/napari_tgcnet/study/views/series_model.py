"""The Qt table model of the listed series, a row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from qtpy.QtWidgets import QApplication, QStyle

from napari_tgcnet.shared.views.tables import heading
from napari_tgcnet.study import messages
from napari_tgcnet.study.state import SeriesRow

_Index = QModelIndex | QPersistentModelIndex

KEY_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of the table, with its text for a series."""

    title: str
    tip: str
    text: Callable[[SeriesRow], str]


COLUMNS = (
    Column(title=messages.PATIENT, tip=messages.PATIENT_TIP, text=lambda row: row.patient),
    Column(title=messages.DATE, tip=messages.DATE_TIP, text=lambda row: row.date),
    Column(title=messages.MODALITY, tip=messages.MODALITY_TIP, text=lambda row: row.modality),
    Column(title=messages.SLICES, tip=messages.SLICES_TIP, text=lambda row: str(row.num_slices)),
    Column(title=messages.SERIES, tip=messages.SERIES_TIP, text=messages.series_and_size),
)
PATIENT, DATE, MODALITY, SLICES, SERIES = range(len(COLUMNS))


class SeriesModel(QAbstractTableModel):
    """Rows in the listing's order: by study, then by number."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[SeriesRow, ...] = ()

    @property
    def rows(self) -> tuple[SeriesRow, ...]:
        return self._rows

    def show_rows(self, rows: Sequence[SeriesRow]) -> None:
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.text(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return messages.row_tip(row)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == SERIES:
            return _icon(row)
        if role == KEY_ROLE:
            return row.key
        return None

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        return heading(COLUMNS, section, orientation, role)


def _icon(row: SeriesRow) -> Any:
    """A mark on a series that cannot be opened or has remarks; colour alone would not do."""
    if not row.can_open:
        mark = QStyle.StandardPixmap.SP_MessageBoxCritical
    elif row.remarks:
        mark = QStyle.StandardPixmap.SP_MessageBoxWarning
    else:
        return None
    return QApplication.style().standardIcon(mark)
