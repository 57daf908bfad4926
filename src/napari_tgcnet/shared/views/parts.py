"""Widgets that several views share."""

from __future__ import annotations

from collections.abc import Sequence

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.shared.messages import RESEARCH_USE


def note_label() -> QLabel:
    """A label for sentences: it wraps, can be selected, and needs no room while empty."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def research_use_label() -> QLabel:
    """What stands at the bottom of every panel."""
    label = QLabel(RESEARCH_USE)
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    label.setWordWrap(True)
    return label


def scrolling_column(widgets: Sequence[QWidget]) -> QScrollArea:
    """Widgets one below the other; a small laptop's screen still reaches every button."""
    column = QWidget()
    inner = QVBoxLayout(column)
    inner.setContentsMargins(4, 4, 4, 4)
    for widget in widgets:
        inner.addWidget(widget)
    inner.addStretch()
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(column)
    return area


def build_chooser() -> ComboBox:
    """An empty chooser that uses the available width and shortens long names."""
    chooser = ComboBox(choices=(), nullable=False)
    native: QComboBox = chooser.native
    native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    native.setMinimumContentsLength(12)
    native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return chooser


def show_choices(chooser: ComboBox, choices: Sequence[tuple[str, str]], chosen: str | None) -> None:
    """Show choices (label, value) and the chosen one without reporting a change."""
    with chooser.changed.blocked():
        chooser.choices = _with_distinct_labels(choices)
        if chosen in chooser.choices and chooser.value != chosen:
            chooser.value = chosen


def _with_distinct_labels(choices: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Number labels that come again: magicgui keeps one choice per label."""
    seen: dict[str, int] = {}
    distinct = []
    for label, value in choices:
        seen[label] = seen.get(label, 0) + 1
        distinct.append((label if seen[label] == 1 else f"{label} ({seen[label]})", value))
    return distinct


BODY_MARGINS = (10, 2, 6, 6)
"""Left, top, right and bottom margin of a section's content, in pixels."""


class Section(QWidget):
    """A heading with an arrow that shows and hides the widget below it."""

    def __init__(
        self, title: str, body: QWidget, *, is_open: bool = True, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.body = body
        self.heading = QToolButton()
        self.heading.setText(title)
        self.heading.setCheckable(True)
        self.heading.setAutoRaise(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.heading)
        layout.addWidget(body)
        self.heading.toggled.connect(self._show_body)
        self.heading.setChecked(is_open)
        self._show_body(is_open)

    @property
    def is_open(self) -> bool:
        return bool(self.heading.isChecked())

    def set_open(self, is_open: bool) -> None:
        self.heading.setChecked(is_open)

    def _show_body(self, is_open: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.heading.setArrowType(arrow)
        self.body.setVisible(is_open)
