"""Window presets of a CT as buttons, and whether the model gets the image as shown."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QGroupBox, QPushButton, QVBoxLayout, QWidget

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.actions import WindowActions
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.segment.windows import WINDOW_KEYS
from napari_tgcnet.shared.views.parts import note_label
from tgcnet.domain import NamedWindow

_IN_A_ROW = 4


class WindowView(QGroupBox):
    """Shows presets; reports the index of the chosen one, and whether the model gets it."""

    window_chosen = Signal(int)
    for_model_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.WINDOW, parent)
        self.buttons: list[QPushButton] = []
        self._shown: tuple[NamedWindow, ...] = ()
        self._grid = QGridLayout()
        self.for_model = QCheckBox(messages.WINDOW_FOR_MODEL)
        self.for_model.setToolTip(messages.WINDOW_FOR_MODEL_TIP)
        self.reason = note_label()
        layout = QVBoxLayout(self)
        layout.addLayout(self._grid)
        layout.addWidget(self.for_model)
        layout.addWidget(self.reason)
        self.for_model.clicked.connect(self.for_model_wanted)

    def connect_to(self, actions: WindowActions) -> None:
        self.window_chosen.connect(actions.show)
        self.for_model_wanted.connect(actions.use_for_model)

    def show_state(self, state: SegmentState) -> None:
        image = state.image
        self.setVisible(image is not None)
        windows = image.windows if image is not None else ()
        if windows != self._shown:
            self._build_buttons(windows)
        self.for_model.setVisible(bool(windows))
        self.for_model.setChecked(state.window_for_model)
        self.for_model.setEnabled(not state.is_busy)
        self.reason.setText(image.no_windows if image is not None else "")
        self.reason.setVisible(not windows)

    def _build_buttons(self, windows: tuple[NamedWindow, ...]) -> None:
        for button in self.buttons:
            self._grid.removeWidget(button)
            button.deleteLater()
        self._shown, self.buttons = windows, []
        for index, window in enumerate(windows):
            button = QPushButton(window.name)
            key = WINDOW_KEYS[index] if index < len(WINDOW_KEYS) else ""
            button.setToolTip(messages.window_tip(window, key))
            button.clicked.connect(partial(self._report, index))
            self._grid.addWidget(button, *divmod(index, _IN_A_ROW))
            self.buttons.append(button)

    def _report(self, index: int, _: bool = False) -> None:
        self.window_chosen.emit(index)
