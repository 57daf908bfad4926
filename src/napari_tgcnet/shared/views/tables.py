"""What tables share: the headings of their columns, and how their headers look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableView


class Titled(Protocol):
    """A column, as far as its heading goes."""

    @property
    def title(self) -> str: ...
    @property
    def tip(self) -> str: ...


def heading(
    columns: Sequence[Titled], section: int, orientation: Qt.Orientation, role: int
) -> str | None:
    """What a model's ``headerData`` answers: titles, and tips on them; rows have none."""
    if orientation == Qt.Orientation.Horizontal:
        if role == Qt.ItemDataRole.DisplayRole:
            return columns[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return columns[section].tip
    return None


def lay_out_headers(table: QTableView, row_px: int) -> QHeaderView:
    """Rows of one height without a header; gives the columns' header, to size its sections."""
    rows, columns = table.verticalHeader(), table.horizontalHeader()
    rows.setVisible(False)
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setDefaultSectionSize(row_px)
    columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    columns.setHighlightSections(False)
    return columns
