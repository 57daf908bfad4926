"""The panel: its parts one below the other, their wishes as signals of one object."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QAbstractSpinBox, QVBoxLayout, QWidget

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.state import FinetuneState
from napari_tgcnet.finetune.views.compare_view import CompareView
from napari_tgcnet.finetune.views.gate_view import GateView
from napari_tgcnet.finetune.views.models_view import ModelsView
from napari_tgcnet.finetune.views.run_view import RunView
from napari_tgcnet.finetune.views.section import Section
from napari_tgcnet.finetune.views.setup_view import SetupView
from napari_tgcnet.shared.views.parts import research_use_label, scrolling_column


class FinetuneView(QWidget):
    """Hands a state to every part; passes on what they report.

    What is not needed folds away: the setup while a run goes and when its result is shown, the
    curves when the comparison takes their place.
    """

    ledger_chosen = Signal(str)
    reference_chosen = Signal(str)
    parent_chosen = Signal(str)
    device_chosen = Signal(str)
    options_set = Signal(object)
    start_requested = Signal()
    stop_requested = Signal()
    kill_requested = Signal()
    resume_requested = Signal()
    show_requested = Signal(object)
    model_selected = Signal(str)
    switch_requested = Signal()
    answered = Signal(bool)
    back_requested = Signal()
    delete_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setup, self.run, self.gate = SetupView(), RunView(), GateView()
        self.compare, self.models = CompareView(), ModelsView()
        self.setup_section = Section(messages.SETUP, self.setup)
        self.run_section = Section(messages.RUN, self.run)
        self.gate_section = Section(messages.GATE, self.gate)
        self.compare_section = Section(messages.COMPARE, self.compare)
        self.models_section = Section(messages.MODELS, self.models)
        self._shown: FinetuneState | None = None
        self._lay_out()
        self._forward()

    def show_state(self, state: FinetuneState) -> None:
        for view in (self.setup, self.run, self.gate, self.compare, self.models):
            view.show_state(state)
        has_report = state.progress.report is not None
        self.gate_section.setVisible(has_report)
        self.compare_section.setVisible(bool(state.progress.slices))
        self._fold(state, has_report=has_report)
        self._shown = state

    def _fold(self, state: FinetuneState, *, has_report: bool) -> None:
        """Only when something changed: what a person opened stays open."""
        was_busy = self._shown is not None and self._shown.is_busy
        had_report = self._shown is not None and self._shown.progress.report is not None
        if state.is_busy and not was_busy:
            self.setup_section.set_open(False)
        if has_report != had_report:
            self.run.curves_section.set_open(not has_report)
            self.run.log_section.set_open(not has_report)

    def _lay_out(self) -> None:
        sections = (
            self.setup_section,
            self.run_section,
            self.gate_section,
            self.compare_section,
            self.models_section,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolling_column(sections))
        layout.addWidget(research_use_label())

    def _forward(self) -> None:
        self.setup.ledger_chosen.connect(self.ledger_chosen)
        self.setup.reference_chosen.connect(self.reference_chosen)
        self.setup.parent_chosen.connect(self.parent_chosen)
        self.setup.device_chosen.connect(self.device_chosen)
        self.setup.options_set.connect(self.options_set)
        self.run.start_requested.connect(self._request_start)
        self.run.stop_requested.connect(self.stop_requested)
        self.run.kill_requested.connect(self.kill_requested)
        self.run.resume_requested.connect(self.resume_requested)
        self.compare.show_requested.connect(self.show_requested)
        self.models.model_selected.connect(self.model_selected)
        self.models.switch_requested.connect(self.switch_requested)
        self.models.answered.connect(self.answered)
        self.models.back_requested.connect(self.back_requested)
        self.models.delete_requested.connect(self.delete_requested)

    def _request_start(self) -> None:
        """Take over numbers still being typed: not every platform's buttons take the focus."""
        for box in self.setup.findChildren(QAbstractSpinBox):
            box.interpretText()
        self.start_requested.emit()
