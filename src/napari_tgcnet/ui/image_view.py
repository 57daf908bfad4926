"""Which image: the layer's chooser, Open…, and how its sides are known."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_tgcnet import messages
from napari_tgcnet.state import PanelState
from napari_tgcnet.ui.parts import build_chooser, note_label, show_choices


class ImageView(QGroupBox):
    """Shows the chosen image; reports what was chosen or opened."""

    image_chosen = Signal(str)
    open_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.IMAGE, parent)
        self.chooser = build_chooser()
        self.open_button = QPushButton(messages.OPEN)
        self.open_button.setToolTip(messages.OPEN_TIP)
        self.notes = note_label()
        row = QHBoxLayout()
        row.addWidget(self.chooser.native, 1)
        row.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.notes)
        self.chooser.changed.connect(self._emit_chosen)
        self.open_button.clicked.connect(self._ask_for_file)

    def show_state(self, state: PanelState) -> None:
        choices = [(image.name, image.id) for image in state.images]
        show_choices(self.chooser, choices, state.image_id)
        self.chooser.enabled = bool(choices) and not state.is_busy
        self.open_button.setEnabled(not state.is_busy)
        image = state.image
        known = [image.sides, *image.notices] if image else [messages.NO_IMAGE]
        self.notes.setText("\n".join(sentence for sentence in known if sentence))

    def _emit_chosen(self, image_id: str | None) -> None:
        if image_id is not None:
            self.image_chosen.emit(image_id)

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, messages.OPEN, "", messages.IMAGE_FILES)
        if path:
            self.open_chosen.emit(path)
