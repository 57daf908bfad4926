"""The panel: its views one below the other, their wishes as signals of one object."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QAbstractSpinBox, QVBoxLayout, QWidget

from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.segment.views.correction_view import CorrectionView
from napari_tgcnet.segment.views.image_view import ImageView
from napari_tgcnet.segment.views.model_view import ModelView
from napari_tgcnet.segment.views.question_bar import QuestionBar
from napari_tgcnet.segment.views.report_view import ReportView
from napari_tgcnet.segment.views.result_view import ResultView
from napari_tgcnet.segment.views.run_view import RunView
from napari_tgcnet.segment.views.window_view import WindowView
from napari_tgcnet.shared.views.parts import research_use_label, scrolling_column


class SegmentPanelView(QWidget):
    """Hands a state to every view; passes on what they report."""

    image_chosen = Signal(str)
    open_chosen = Signal(str)
    modality_chosen = Signal(str)
    window_chosen = Signal(int)
    window_for_model_wanted = Signal(bool)
    model_chosen = Signal(str)
    device_chosen = Signal(str)
    threshold_chosen = Signal(float)
    report_edited = Signal(str)
    report_file_chosen = Signal(str)
    sample_report_wanted = Signal()
    report_confirmed = Signal()
    scope_chosen = Signal(str)
    range_chosen = Signal(int, int)
    run_requested = Signal()
    retry_requested = Signal()
    cancel_requested = Signal()
    answered = Signal(str)
    jump_requested = Signal()
    save_chosen = Signal(str, bool)
    reviewed_edited = Signal(str)
    current_marked = Signal()
    all_marked = Signal()
    patient_edited = Signal(str)
    notes_edited = Signal(str)
    ledger_chosen = Signal(str)
    correction_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image, self.report, self.model = ImageView(), ReportView(), ModelView()
        self.run, self.question, self.result = RunView(), QuestionBar(), ResultView()
        self.window_view, self.correction = WindowView(), CorrectionView()
        self.views = (
            self.image,
            self.window_view,
            self.report,
            self.model,
            self.run,
            self.question,
            self.result,
            self.correction,
        )
        self._lay_out()
        self._forward()

    def show_state(self, state: SegmentState) -> None:
        for view in self.views:
            view.show_state(state)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolling_column(self.views))
        layout.addWidget(research_use_label())

    def _forward(self) -> None:
        self.image.image_chosen.connect(self.image_chosen)
        self.image.open_chosen.connect(self.open_chosen)
        self.image.modality_chosen.connect(self.modality_chosen)
        self.window_view.window_chosen.connect(self.window_chosen)
        self.window_view.for_model_wanted.connect(self.window_for_model_wanted)
        self.model.model_chosen.connect(self.model_chosen)
        self.model.device_chosen.connect(self.device_chosen)
        self.model.threshold_chosen.connect(self.threshold_chosen)
        self.report.report_edited.connect(self.report_edited)
        self.report.report_file_chosen.connect(self.report_file_chosen)
        self.report.sample_report_wanted.connect(self.sample_report_wanted)
        self.report.report_confirmed.connect(self.report_confirmed)
        self.run.scope_chosen.connect(self.scope_chosen)
        self.run.range_chosen.connect(self.range_chosen)
        self.run.run_requested.connect(self._request_run)
        self.run.retry_requested.connect(self.retry_requested)
        self.run.cancel_requested.connect(self.cancel_requested)
        self.question.answered.connect(self.answered)
        self.result.jump_requested.connect(self.jump_requested)
        self.result.save_chosen.connect(self.save_chosen)
        self.correction.reviewed_edited.connect(self.reviewed_edited)
        self.correction.current_marked.connect(self.current_marked)
        self.correction.all_marked.connect(self.all_marked)
        self.correction.patient_edited.connect(self.patient_edited)
        self.correction.notes_edited.connect(self.notes_edited)
        self.correction.ledger_chosen.connect(self.ledger_chosen)
        self.correction.correction_wanted.connect(self.correction_wanted)

    def _request_run(self) -> None:
        """Take over numbers still being typed: not every platform's buttons take the focus."""
        for box in self.findChildren(QAbstractSpinBox):
            box.interpretText()
        self.run_requested.emit()
