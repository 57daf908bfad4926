"""A panel's one state: replaced whole, shown at each change. No Qt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Generic, TypeVar

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

    def become(self, **changes: object) -> None:
        """Replace parts of the state; the view is told where that made a difference."""
        state: Any = self.state  # the dataclass checks its own fields
        changed: S = replace(state, **changes)
        if changed != self.state:
            self.state = changed
            self._view.show_state(changed)
