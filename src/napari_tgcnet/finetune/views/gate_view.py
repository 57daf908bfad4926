"""The gate's report: its verdict, reasons and figures."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QStyle, QVBoxLayout, QWidget

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.state import FinetuneState
from napari_tgcnet.shared.views.parts import BODY_MARGINS, note_label
from tgcnet.domain import Change, Comparison, GateReport

_ROWS_OF_A_SET, _LAST_COLUMN = 3, 2
_GOOD, _BAD = QStyle.StandardPixmap.SP_DialogApplyButton, QStyle.StandardPixmap.SP_MessageBoxWarning


class GateView(QWidget):
    """Shows a report; there is nothing to act on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.icon, self.verdict, self.models = QLabel(), QLabel(), note_label()
        font = self.verdict.font()
        font.setBold(True)
        self.verdict.setFont(font)
        self.reasons = note_label()
        self.table = QWidget()
        self.grid = QGridLayout(self.table)
        self.grid.setContentsMargins(0, 4, 0, 0)
        self.grid.setColumnStretch(_LAST_COLUMN, 1)
        self.grid.setHorizontalSpacing(10)
        heading = QHBoxLayout()
        heading.addWidget(self.icon)
        heading.addWidget(self.verdict)
        heading.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*BODY_MARGINS)
        layout.addLayout(heading)
        for widget in (self.models, self.reasons, self.table):
            layout.addWidget(widget)
        self._labels: list[QLabel] = []
        self._shown: GateReport | None = None

    def show_state(self, state: FinetuneState) -> None:
        report = state.progress.report
        if report is None or report == self._shown:
            return
        self._shown = report
        side = self.fontMetrics().lineSpacing()
        mark = _GOOD if report.recommended else _BAD
        self.icon.setPixmap(self.style().standardIcon(mark).pixmap(side, side))
        verdict = messages.RECOMMENDED if report.recommended else messages.NOT_RECOMMENDED
        self.verdict.setText(verdict)
        self.models.setText(messages.models_compared(report.candidate.name, report.active.name))
        self.reasons.setText("\n".join(f"• {reason}" for reason in report.reasons))
        self._fill(report)

    def _fill(self, report: GateReport) -> None:
        for label in self._labels:
            self.grid.removeWidget(label)
            label.hide()  # it is deleted only when the event loop runs again
            label.deleteLater()
        self._labels = []
        headings = (messages.MEASURE, messages.BEFORE_AFTER, messages.CHANGE)
        for column, text in enumerate(headings):
            self._put(text, 0, column)
        sets = [(messages.HELD_OUT_SET, one) for one in report.held_out]
        sets += [(messages.REFERENCE_SET, one) for one in report.reference]
        for index, (set_name, comparison) in enumerate(sets):
            self._add(set_name, comparison, row=1 + _ROWS_OF_A_SET * index)

    def _add(self, set_name: str, one: Comparison, *, row: int) -> None:
        title = note_label()
        self._labels.append(title)
        title.setText(
            messages.comparison_title(set_name, one.text, one.num_cases, one.num_patients)
        )
        font = title.font()
        font.setItalic(True)
        title.setFont(font)
        self.grid.addWidget(title, row, 0, 1, 3)
        measures = ((messages.MEAN, one.dice_mean), (messages.POOLED, one.dice_pooled))
        for offset, (name, change) in enumerate(measures, start=1):
            self._put(name, row + offset, 0)
            self._put(f"{change.before:.3f} → {change.after:.3f}", row + offset, 1)
            self._put(_points(change), row + offset, 2)

    def _put(self, text: str, row: int, column: int) -> None:
        # The last column takes the remaining width, on two lines if that is narrow.
        label = note_label() if column == _LAST_COLUMN else QLabel()
        label.setText(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.grid.addWidget(label, row, column)
        self._labels.append(label)


def _points(change: Change) -> str:
    values = (100 * value for value in (change.difference, change.low, change.high))
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*values)
