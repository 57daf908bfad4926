"""The advanced options and the number of epochs; an empty field means the trainer's default."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.state import FinetuneState, Options
from napari_tgcnet.shared.views.parts import build_chooser, note_label, show_choices

_REPLAY_STEP = 0.05


class OptionsView(QWidget):
    """Shows options; reports all of them whenever one is changed.

    Attributes
    ----------
    epochs : laid out by the setup view, which shows it among the basic fields
    options_set : emitted with the new options
    """

    options_set = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.epochs = _whole_number(0, 1000, messages.BY_NUMBER)
        self.learns = build_chooser()
        self.rate = QLineEdit()
        self.rate.setPlaceholderText(messages.DEFAULT)
        self.rate.setToolTip(messages.RATE_TIP)
        self.rate_problem = note_label()
        self.rate_problem.hide()
        self.replay = _fraction(-_REPLAY_STEP, 0.95, _REPLAY_STEP)
        self.replay.setSpecialValueText(messages.DEFAULT)
        self.replay.setToolTip(messages.REPLAY_TIP)
        self.batch = _whole_number(0, 1024, messages.DEFAULT)
        self.cache = _fraction(0.0, 1000.0, 1.0)
        self.cache.setDecimals(1)
        self.cache.setSuffix(" GiB")
        self.cache.setToolTip(messages.CACHE_TIP)
        self.seed = _whole_number(-1, 2**31 - 1, messages.DEFAULT)
        layout = QFormLayout(self)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        layout.addRow(messages.LEARNS, self.learns.native)
        layout.addRow(messages.RATE, self.rate)
        layout.addRow(self.rate_problem)
        layout.addRow(messages.REPLAY, self.replay)
        layout.addRow(messages.BATCH, self.batch)
        layout.addRow(messages.CACHE, self.cache)
        layout.addRow(messages.SEED, self.seed)
        show_choices(self.learns, messages.LEARNS_CHOICES, Options().learns)
        self.learns.changed.connect(self._emit)
        self.rate.editingFinished.connect(self._emit)
        for box in (self.epochs, self.replay, self.batch, self.cache, self.seed):
            box.valueChanged.connect(self._emit)

    def show_state(self, state: FinetuneState) -> None:
        options = state.options
        show_choices(self.learns, messages.LEARNS_CHOICES, options.learns)
        _show(self.epochs, options.epochs)
        _show(self.replay, options.replay_share)
        _show(self.batch, options.batch_size)
        _show(self.cache, options.cache_limit_gib)
        _show(self.seed, options.seed)
        if not self.rate.hasFocus():
            rate = options.learning_rate
            self.rate.setText("" if rate is None else f"{rate:g}")
        for widget in (self, self.epochs):
            widget.setEnabled(not state.is_busy)

    def _emit(self) -> None:
        rate = self._typed_rate()
        is_wrong = rate == 0
        if is_wrong:
            self.rate.clear()
        self.rate_problem.setText(messages.RATE_WRONG if is_wrong else "")
        self.rate_problem.setVisible(is_wrong)
        options = Options(
            epochs=self.epochs.value() or None,
            learns=self.learns.value,
            learning_rate=rate or None,
            replay_share=_value(self.replay),
            batch_size=self.batch.value() or None,
            cache_limit_gib=self.cache.value(),
            seed=None if self.seed.value() < 0 else self.seed.value(),
        )
        self.options_set.emit(options)

    def _typed_rate(self) -> float | None:
        """None if nothing is typed, 0 if it is not a valid rate."""
        text = self.rate.text().strip().replace(",", ".")
        if not text:
            return None
        try:
            rate = float(text)
        except ValueError:
            return 0.0
        return rate if 0 < rate < float("inf") else 0.0


def _whole_number(least: int, most: int, default_text: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setSpecialValueText(default_text)
    box.setKeyboardTracking(False)
    return box


def _fraction(least: float, most: float, step: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(least, most)
    box.setSingleStep(step)
    box.setValue(least)
    box.setKeyboardTracking(False)
    return box


def _value(box: QDoubleSpinBox) -> float | None:
    """None if the box shows its text for the default."""
    return None if box.value() < 0 else round(float(box.value()), 2)


def _show(box: QSpinBox | QDoubleSpinBox, value: float | None) -> None:
    shown = box.minimum() if value is None else value
    if box.value() != shown:  # else the text being typed would be lost
        blocker = QSignalBlocker(box)
        box.setValue(shown)  # type: ignore[arg-type]  # an int for a QSpinBox
        blocker.unblock()
