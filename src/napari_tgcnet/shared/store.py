"""What every controller is built on: a view, worker threads, and the state in its store. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

S = TypeVar("S")
T = TypeVar("T")
Shown = TypeVar("Shown", contravariant=True)


class View(Protocol[Shown]):
    """Shows a panel's state; decides nothing."""

    def show_state(self, state: Shown) -> None: ...


class Workers(Protocol):
    """Runs work off the Qt thread; calls ``then`` or ``failed`` (with a sentence) on it."""

    def start(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None: ...


class Store(Generic[S]):
    """Holds the state, a frozen dataclass, for a controller and its parts.

    Attributes
    ----------
    is_closed : the panel was closed; nothing is shown any more
    """

    def __init__(self, view: View[S], state: S) -> None:
        self.state = state
        self.is_closed = False
        self._view = view

    def become(self, state: S) -> None:
        """Replace the state, and show it where it differs from the last one."""
        if state != self.state:
            self.state = state
            self._view.show_state(state)
