"""A panel's one state: replaced whole, shown at each change. No Qt."""

from __future__ import annotations

from typing import Generic, TypeVar

from napari_tgcnet.segment.ports import View

S = TypeVar("S")


class Store(Generic[S]):
    """Holds the state, a frozen dataclass, for a controller and its parts.

    Attributes
    ----------
    is_closed : the panel is gone; nothing is shown any more
    """

    def __init__(self, view: View[S], state: S) -> None:
        self.state = state
        self.is_closed = False
        self._view = view

    def become(self, state: S) -> None:
        """Replace the state; the view shows it where it differs from the last one."""
        if state != self.state:
            self.state = state
            self._view.show_state(state)
