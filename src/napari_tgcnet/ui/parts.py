"""What several views share."""

from __future__ import annotations

from collections.abc import Sequence

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy


def note_label() -> QLabel:
    """A label for sentences: wraps, can be selected, takes no room while empty."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def build_chooser() -> ComboBox:
    """An empty chooser that takes the width it gets and cuts long names short."""
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
