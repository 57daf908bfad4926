"""The panel of fine-tuning: its views one below the other."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import FinetuneActions
from napari_tgcnet.finetune.state import FinetuneState
from napari_tgcnet.finetune.views.compare_view import CompareView
from napari_tgcnet.finetune.views.gate_view import GateView
from napari_tgcnet.finetune.views.models_view import ModelsView
from napari_tgcnet.finetune.views.run_view import RunView
from napari_tgcnet.finetune.views.setup_view import SetupView
from napari_tgcnet.shared.views.parts import Section, research_use_label, scrolling_column


class FinetuneView(QWidget):
    """Hands each state to all views.

    Sections fold automatically: the setup when a run starts, curves and log once the comparison
    is there.
    """

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
        # Connected first, so that a start reads what was typed last.
        self.run.start_button.clicked.connect(self.setup.finish_typing)

    def connect_to(self, controller: FinetuneActions) -> None:
        """Connect each view to its part of the controller."""
        self.setup.connect_to(controller.setup)
        self.run.connect_to(controller.run)
        self.compare.connect_to(controller.comparison)
        self.models.connect_to(controller.models)

    def show_state(self, state: FinetuneState) -> None:
        for view in (self.setup, self.run, self.gate, self.compare, self.models):
            view.show_state(state)
        has_report = state.progress.report is not None
        self.gate_section.setVisible(has_report)
        self.compare_section.setVisible(bool(state.progress.slices))
        self._fold(state, has_report=has_report)
        self._shown = state

    def _fold(self, state: FinetuneState, *, has_report: bool) -> None:
        """Fold only when a run starts or its report arrives: what the user opened stays open."""
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
