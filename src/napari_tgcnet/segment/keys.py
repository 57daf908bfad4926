"""Keys that a panel adds to its viewer while it is open, and none that somebody else has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel

WINDOW_KEYS = ("F5", "F6", "F7", "F8", "F9")
"""For presets in their order; napari itself has no function key but F11."""


class WindowKeys:
    """Function keys for presets.

    Parameters
    ----------
    show : called with the index of a preset
    """

    def __init__(self, viewer: ViewerModel, show: Callable[[int], None]) -> None:
        self._viewer = viewer
        self._bound: list[str] = []
        for index, key in enumerate(WINDOW_KEYS):
            try:
                viewer.bind_key(key, _shower(show, index))
            except ValueError:  # the user's own, or another plugin's: theirs it stays
                continue
            self._bound.append(key)

    def close(self) -> None:
        """Give the keys back."""
        for key in self._bound:
            self._viewer.bind_key(key, None)
        self._bound.clear()


def _shower(show: Callable[[int], None], index: int) -> Callable[[Any], None]:
    """What a key does. A function, since napari asks whatever is bound for its name."""

    def show_window(viewer: Any) -> None:
        show(index)

    return show_window
