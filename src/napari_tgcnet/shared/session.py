"""What the panels of one napari share: the chosen ledger, and signals of changes. No Qt."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from tgcnet.corrections import user_ledger_folder


class Session:
    """The one object that every panel gets.

    Attributes
    ----------
    ledger_chosen : another folder of corrections was chosen
    corrections_changed : a case was saved, deleted or restored
    models_changed : a model was added, removed, or made active
    """

    ledger_chosen = Signal(Path)
    corrections_changed = Signal()
    models_changed = Signal()

    def __init__(self, ledger: Path | None = None) -> None:
        self._ledger = user_ledger_folder() if ledger is None else ledger

    @property
    def ledger(self) -> Path:
        """The folder of corrections; it need not exist yet."""
        return self._ledger

    def choose_ledger(self, folder: Path) -> None:
        """Have all panels use another folder for this session; the choice is not saved."""
        if folder != self._ledger:
            self._ledger = folder
            self.ledger_chosen.emit(folder)


SESSION = Session()
"""The session of this process; napari builds the panels, and cannot pass one to them."""
