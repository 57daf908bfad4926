"""The panel: its views one below the other."""

from __future__ import annotations

from qtpy.QtWidgets import QAbstractSpinBox, QVBoxLayout, QWidget

from napari_tgcnet.segment.actions import SegmentActions
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
    """Shows a state in every view, and connects them to what carries out their actions."""

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
        # Connected before the controller, so it is called before the run starts.
        self.run.run_requested.connect(self._finish_typing)

    def connect_to(self, actions: SegmentActions) -> None:
        """Have everything that a person does in the panel carried out by ``actions``."""
        self.image.connect_to(actions)
        self.window_view.connect_to(actions.windows)
        self.report.connect_to(actions.reports)
        self.model.connect_to(actions)
        self.run.connect_to(actions.run)
        self.question.connect_to(actions.run)
        self.result.connect_to(actions)
        self.correction.connect_to(actions.corrections)

    def show_state(self, state: SegmentState) -> None:
        for view in self.views:
            view.show_state(state)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolling_column(self.views))
        layout.addWidget(research_use_label())

    def _finish_typing(self) -> None:
        """Apply numbers that are still being typed: on some platforms a click moves no focus."""
        for box in self.findChildren(QAbstractSpinBox):
            box.interpretText()
