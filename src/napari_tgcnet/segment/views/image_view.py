"""Which image: a chooser of layers, Open…, its modality, and how its sides are known."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.actions import ImageActions
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.case import AUTOMATIC
from napari_tgcnet.shared.views.parts import build_chooser, note_label, show_choices
from tgcnet.domain import Modality

_MODALITIES = (
    (messages.AUTO_MODALITY, AUTOMATIC),
    (messages.IS_CT, Modality.CT.value),
    (messages.IS_XRAY, Modality.XRAY.value),
)


class ImageView(QGroupBox):
    """Shows the chosen image; reports what was chosen or opened."""

    image_chosen = Signal(str)
    open_chosen = Signal(str)
    modality_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.IMAGE, parent)
        self.chooser = build_chooser()
        self.modality = build_chooser()
        self.modality.tooltip = messages.MODALITY_TIP
        self.open_button = QPushButton(messages.OPEN)
        self.open_button.setToolTip(messages.OPEN_TIP)
        self.notes = note_label()
        row = QHBoxLayout()
        row.addWidget(self.chooser.native, 1)
        row.addWidget(self.open_button)
        modality_row = QHBoxLayout()
        modality_row.addWidget(QLabel(messages.MODALITY))
        modality_row.addWidget(self.modality.native, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addLayout(modality_row)
        layout.addWidget(self.notes)
        self.chooser.changed.connect(self._emit_chosen)
        self.modality.changed.connect(self._emit_modality)
        self.open_button.clicked.connect(self._ask_for_file)

    def connect_to(self, actions: ImageActions) -> None:
        self.image_chosen.connect(actions.choose_image)
        self.open_chosen.connect(actions.open_image)
        self.modality_chosen.connect(actions.choose_modality)

    def show_state(self, state: SegmentState) -> None:
        choices = [(image.name, image.id) for image in state.images]
        show_choices(self.chooser, choices, state.image_id)
        self.chooser.enabled = bool(choices) and not state.is_busy
        self.open_button.setEnabled(not state.is_busy)
        image = state.image
        show_choices(self.modality, _MODALITIES, image.modality_choice if image else AUTOMATIC)
        self.modality.enabled = image is not None and not state.is_busy
        known = [image.sides, *image.notices] if image else [messages.NO_IMAGE]
        self.notes.setText("\n".join(sentence for sentence in known if sentence))

    def _emit_chosen(self, image_id: str | None) -> None:
        if image_id is not None:
            self.image_chosen.emit(image_id)

    def _emit_modality(self, modality: str | None) -> None:
        if modality is not None:
            self.modality_chosen.emit(modality)

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, messages.OPEN, "", messages.IMAGE_FILES)
        if path:
            self.open_chosen.emit(path)
