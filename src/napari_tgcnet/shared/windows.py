"""Intensity windows: the presets of a CT, and whether the model is to see what is shown. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.ports import Layers
from napari_tgcnet.segment.state import PanelState
from napari_tgcnet.shared.store import Store
from tgcnet.domain import Modality, NamedWindow, Volume

_FULL_8_BIT = (0.0, 255.0)


def named_window(name: str, *, centre: float, width: float) -> NamedWindow:
    """A window as radiologists write it, by centre and width in Hounsfield units."""
    return NamedWindow(name=name, low=centre - width / 2, high=centre + width / 2)


LUNG = named_window(messages.LUNG, centre=-600, width=1500)
PRESETS = (
    LUNG,
    named_window(messages.MEDIASTINUM, centre=40, width=400),
    named_window(messages.BONE, centre=480, width=2500),
    named_window(messages.SOFT_TISSUE, centre=50, width=350),
)


def offered_windows(
    modality: Modality, *, is_windowed: bool, from_file: Sequence[NamedWindow]
) -> tuple[tuple[NamedWindow, ...], str]:
    """The presets of an image, or none and a sentence why.

    ``is_windowed``: its pixels have 8 bits, so that they are no Hounsfield units.
    """
    if is_windowed:
        return (), messages.NO_WINDOWS_8_BIT
    if modality is Modality.CT:
        return (*PRESETS, *from_file), ""
    return (), messages.NO_WINDOWS[modality]


def first_limits(volume: Volume) -> tuple[float, float] | None:
    """What a volume is shown with at first; None: as napari shows what it knows nothing of.

    The file's own window goes before the preset for a lung. Only where there is neither, one
    slice of a volume that lies on a disk is looked at.
    """
    if volume.is_display_ready:
        return _FULL_8_BIT
    if volume.windows:
        return volume.windows[0].low, volume.windows[0].high
    if volume.modality is Modality.CT:
        return LUNG.low, LUNG.high
    if isinstance(volume.array, np.ndarray):
        return None
    middle = np.asarray(volume.array[len(volume.array) // 2])
    low, high = float(middle.min()), float(middle.max())
    return (low, high) if low < high else (low, low + 1.0)


class Windows:
    """Shows presets on the chosen image; tells a run which window the model is to see."""

    def __init__(self, store: Store[PanelState], layers: Layers) -> None:
        self._store, self._layers = store, layers

    def show(self, index: int) -> None:
        """Show the chosen image in one of its presets; nothing where it has no such one."""
        image = self._store.state.image
        if image is not None and index < len(image.windows):
            window = image.windows[index]
            self._layers.show_window(image.id, window.low, window.high)

    def use_for_model(self, is_wanted: bool) -> None:
        """Let the model see a CT as it is shown, or in its own window again."""
        self._store.become(replace(self._store.state, window_for_model=is_wanted))

    def for_model(self, image_id: str) -> tuple[float, float] | None:
        """Centre and width of what is shown, None where the model is to take its own."""
        image = self._store.state.image
        if image is None or not image.windows or not self._store.state.window_for_model:
            return None
        shown = self._layers.shown_window(image_id)
        return None if shown is None else ((shown[0] + shown[1]) / 2, shown[1] - shown[0])
