"""The Qt table model of the cases, a row each, and how the rows are sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from qtpy.QtGui import QIcon, QImage, QPixmap

from napari_tgcnet.corrections import messages
from napari_tgcnet.shared.views.tables import heading
from tgcnet.corrections import CaseSummary

_Index = QModelIndex | QPersistentModelIndex

CASE_ID_ROLE = int(Qt.ItemDataRole.UserRole)
SORT_ROLE = CASE_ID_ROLE + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column: its text and tooltip for a case, and its sort key; None is sorted last."""

    title: str
    tip: str
    text: Callable[[CaseSummary], str]
    case_tip: Callable[[CaseSummary], str]
    sort_key: Callable[[CaseSummary], float | str | None]


def _no_text(case: CaseSummary) -> str:
    return ""


COLUMNS = (
    Column(
        title=messages.PICTURE_COLUMN,
        tip=messages.PICTURE_COLUMN_TIP,
        text=_no_text,
        case_tip=messages.picture_text,
        sort_key=lambda case: case.created_utc,
    ),
    Column(
        title=messages.DICE_COLUMN,
        tip=messages.DICE_COLUMN_TIP,
        text=messages.dice,
        case_tip=messages.dice_tip,
        sort_key=lambda case: case.dice_pooled,
    ),
    Column(
        title=messages.REVIEWED_COLUMN,
        tip=messages.REVIEWED_COLUMN_TIP,
        text=messages.reviewed,
        case_tip=messages.reviewed,
        sort_key=lambda case: float(len(case.reviewed_slices)),
    ),
    Column(
        title=messages.SAVED_COLUMN,
        tip=messages.SAVED_COLUMN_TIP,
        text=messages.saved,
        case_tip=messages.saved_tip,
        sort_key=lambda case: case.saved_utc,
    ),
    Column(
        title=messages.MODEL_COLUMN,
        tip=messages.MODEL_COLUMN_TIP,
        text=messages.model_and_use,
        case_tip=messages.model_and_use_tip,
        sort_key=lambda case: case.model,
    ),
)
PICTURE, DICE, REVIEWED, SAVED, MODEL = range(len(COLUMNS))


class CaseModel(QAbstractTableModel):
    """Rows from a listing; pictures arrive later and are kept until the panel is closed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cases: tuple[CaseSummary, ...] = ()
        self._pictures: dict[tuple[str, int], QIcon] = {}

    @property
    def cases(self) -> tuple[CaseSummary, ...]:
        return self._cases

    def show_cases(self, cases: Sequence[CaseSummary]) -> None:
        self.beginResetModel()
        self._cases = tuple(cases)
        self.endResetModel()

    def show_picture(self, case_id: str, revision: int, pixels: np.ndarray) -> None:
        """Keep a picture, (side, side, 3) uint8, for the row of a case's revision."""
        height, width, _ = pixels.shape
        pixels = np.ascontiguousarray(pixels)
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        picture = QPixmap.fromImage(image)  # a copy
        icon = QIcon(picture)
        icon.addPixmap(picture, QIcon.Mode.Selected)  # else a selected image is tinted
        self._pictures[case_id, revision] = icon
        for row, case in enumerate(self._cases):
            if case.case_id == case_id:
                index = self.index(row, PICTURE)
                self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's
        return 0 if parent.isValid() else len(self._cases)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 - Qt's
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        case, column = self._cases[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(case)
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.case_tip(case)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return column.text(case) or column.case_tip(case)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == PICTURE:
            return self._pictures.get((case.case_id, case.num_revisions))
        if role == CASE_ID_ROLE:
            return case.case_id
        if role == SORT_ROLE:
            return column.sort_key(case)
        return None

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        return heading(COLUMNS, section, orientation, role)


class SortedCases(QSortFilterProxyModel):
    """Sorts by the columns' keys; a missing value comes last in either direction."""

    def __init__(self, source: CaseModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(source)

    def lessThan(self, left: _Index, right: _Index) -> bool:  # noqa: N802 - Qt's name
        first, second = left.data(SORT_ROLE), right.data(SORT_ROLE)
        if first is None or second is None:
            is_descending = self.sortOrder() == Qt.SortOrder.DescendingOrder
            is_first_missing, is_second_missing = first is None, second is None
            if is_first_missing == is_second_missing:
                return False
            return is_first_missing if is_descending else is_second_missing
        return bool(first < second)
