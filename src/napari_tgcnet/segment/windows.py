"""The window an image is shown in: presets, their keys, and what the model sees. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_tgcnet.segment.ports import Layers
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.store import Store

if TYPE_CHECKING:
    from napari.components import ViewerModel

WINDOW_KEYS = ("F5", "F6", "F7", "F8", "F9")
"""For presets in their order; of the function keys, napari itself uses only F11."""


class Windows:
    """Shows presets on the chosen image, and knows which window a run gives to the model."""

    def __init__(self, store: Store[SegmentState], layers: Layers) -> None:
        self._store, self._layers = store, layers

    def show(self, index: int) -> None:
        """Show the chosen image in one of its presets; does nothing where it has fewer."""
        image = self._store.state.image
        if image is not None and index < len(image.windows):
            window = image.windows[index]
            self._layers.show_window(image.id, window.low, window.high)

    def use_for_model(self, is_wanted: bool) -> None:
        """Give the model a CT as it is shown, or in the model's own window again."""
        self._store.become(replace(self._store.state, window_for_model=is_wanted))

    def for_model(self, image_id: str) -> tuple[float, float] | None:
        """Centre and width of the shown window; None where the model uses its own."""
        image = self._store.state.image
        if image is None or not image.windows or not self._store.state.window_for_model:
            return None
        shown = self._layers.shown_window(image_id)
        return None if shown is None else ((shown[0] + shown[1]) / 2, shown[1] - shown[0])


class WindowKeys:
    """Function keys for presets, added to a viewer while the panel is open.

    Parameters
    ----------
    show : called with the index of a preset
    """

    def __init__(self, viewer: ViewerModel, show: Callable[[int], None]) -> None:
        self._viewer = viewer
        self._bound: list[str] = []
        for index, key in enumerate(WINDOW_KEYS):
            try:
                viewer.bind_key(key, _key_action(show, index))
            except ValueError:  # bound by the user or another plugin: left alone
                continue
            self._bound.append(key)

    def close(self) -> None:
        """Remove the keys."""
        for key in self._bound:
            self._viewer.bind_key(key, None)
        self._bound.clear()


def _key_action(show: Callable[[int], None], index: int) -> Callable[[Any], None]:
    """What a key does; a plain function, since napari needs its ``__name__``."""

    def show_window(viewer: Any) -> None:
        show(index)

    return show_window
