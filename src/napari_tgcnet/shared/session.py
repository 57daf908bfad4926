"""What the panels of one napari share: the ledger that is chosen, and news. No Qt."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from tgcnet.corrections import user_ledger_folder


class Session:
    """Passed to every panel.

    Attributes
    ----------
    ledger_chosen : the folder of corrections is another one now
    corrections_changed : a case was saved, deleted or restored
    models_changed : a model came, went, or was switched on
    """

    ledger_chosen = Signal(Path)
    corrections_changed = Signal()
    models_changed = Signal()

    def __init__(self, ledger: Path | None = None) -> None:
        self._ledger = user_ledger_folder() if ledger is None else ledger

    @property
    def ledger(self) -> Path:
        """The folder of corrections; it need not be there yet."""
        return self._ledger

    def choose_ledger(self, folder: Path) -> None:
        """Have all panels use another folder; kept for this session only, and nowhere written."""
        if folder != self._ledger:
            self._ledger = folder
            self.ledger_chosen.emit(folder)


SESSION = Session()
"""The one of this process: its panels are built by napari, which passes no argument of ours."""
