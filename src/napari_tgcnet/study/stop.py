"""How the panel tells a worker thread that nobody waits for it any more."""

from __future__ import annotations

import threading


class Stop:
    """Set on the Qt thread, asked for in a worker's."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()
