"""Intensity windows: the presets of a CT, and the window an image is first shown in. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_tgcnet.shared import messages
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
    """The presets of an image; where there are none, a sentence why.

    ``is_windowed``: the pixels have 8 bits, so they are no Hounsfield units.
    """
    if is_windowed:
        return (), messages.NO_WINDOWS_8_BIT
    if modality is Modality.CT:
        return (*PRESETS, *from_file), ""
    return (), messages.NO_WINDOWS[modality]


def first_limits(volume: Volume) -> tuple[float, float] | None:
    """The contrast limits a volume is first shown with; None leaves them to napari.

    The file's own window takes precedence over the preset for the lung. Where there is neither,
    one slice of a volume on disk is read.
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
