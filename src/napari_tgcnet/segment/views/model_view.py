"""Which model, on which device, with which threshold."""

from __future__ import annotations

from magicgui.widgets import FloatSpinBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QGroupBox, QHBoxLayout, QLabel, QSizePolicy, QWidget

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.actions import ModelActions
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.views.parts import build_chooser, note_label, show_choices

_DECIMALS = 3
_SHORTEST = 4  # letters: device and threshold share a row of a panel 400 pixels wide


class ModelView(QGroupBox):
    """Shows models, devices and the threshold; reports what was chosen."""

    model_chosen = Signal(str)
    device_chosen = Signal(str)
    threshold_chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.MODEL, parent)
        self.model = build_chooser()
        self.device = build_chooser()
        self.threshold = FloatSpinBox(min=0.01, max=0.99, step=0.05, value=0.5)
        self.threshold.native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.threshold.native.setDecimals(_DECIMALS)
        # Else typing "0.25" reports 0.2 first, and the rest is lost.
        self.threshold.native.setKeyboardTracking(False)
        self.threshold.tooltip = messages.THRESHOLD_TIP
        self.findings = note_label()
        layout = QFormLayout(self)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        layout.addRow(messages.MODEL, self.model.native)
        self.device.native.setMinimumContentsLength(_SHORTEST)
        row = QHBoxLayout()
        row.addWidget(self.device.native, 2)
        row.addWidget(QLabel(messages.THRESHOLD))
        row.addWidget(self.threshold.native, 1)
        layout.addRow(messages.DEVICE, row)
        layout.addRow(self.findings)
        self.model.changed.connect(self._emit_model)
        self.device.changed.connect(self._emit_device)
        self.threshold.changed.connect(self._emit_threshold)

    def connect_to(self, actions: ModelActions) -> None:
        self.model_chosen.connect(actions.choose_model)
        self.device_chosen.connect(actions.choose_device)
        self.threshold_chosen.connect(actions.set_threshold)

    def show_state(self, state: SegmentState) -> None:
        show_choices(self.model, [(one.label, one.name) for one in state.models], state.model)
        show_choices(self.device, [(one.label, one.name) for one in state.devices], state.device)
        for chooser in (self.model, self.device, self.threshold):
            chooser.enabled = not state.is_busy
        # Setting the same value again would erase what is being typed.
        if round(state.threshold, _DECIMALS) != round(self.threshold.value, _DECIMALS):
            with self.threshold.changed.blocked():
                self.threshold.value = state.threshold
        known = next((one.findings for one in state.models if one.name == state.model), ())
        self.findings.setText(messages.model_findings(known) if known else "")
        self.findings.setVisible(bool(known))

    def _emit_model(self, name: str | None) -> None:
        if name is not None:
            self.model_chosen.emit(name)

    def _emit_device(self, name: str | None) -> None:
        if name is not None:
            self.device_chosen.emit(name)

    def _emit_threshold(self, value: float) -> None:
        self.threshold_chosen.emit(float(value))
