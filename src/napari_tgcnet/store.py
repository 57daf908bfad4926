"""The panel's one state: replaced whole, shown at each change. No Qt."""

from __future__ import annotations

from dataclasses import replace

from napari_tgcnet.ports import View
from napari_tgcnet.state import PanelState


class Store:
    """Holds the state for the controller and its parts.

    Attributes
    ----------
    is_closed : the panel is gone; nothing is shown any more
    """

    def __init__(self, view: View, state: PanelState) -> None:
        self.state = state
        self.is_closed = False
        self._view = view

    def become(self, **changes: object) -> None:
        """Replace parts of the state; the view is told where that made a difference."""
        changed = replace(self.state, **changes)  # type: ignore[arg-type]  # checked by the dataclass
        if changed != self.state:
            self.state = changed
            self._view.show_state(changed)
