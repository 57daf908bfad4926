"""What the panel of corrections shows, frozen; its controller is the only one to replace it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tgcnet.corrections import CaseSummary


class Activity(StrEnum):
    """What was asked for and is under way; everything but NONE keeps the buttons disabled."""

    NONE = "none"
    CHOOSING = "choosing"
    OPENING = "opening"
    MOVING = "moving"


class LedgerStatus(StrEnum):
    """What lies where the ledger is expected."""

    UNKNOWN = "unknown"
    """It is being read for the first time, or cannot be read."""
    MISSING = "missing"
    PRESENT = "present"


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionsState:
    """Everything the views may show but the thumbnails, which come one by one.

    Attributes
    ----------
    folder : of the ledger; it need not be there yet
    shows_bin : the cases are those in the bin
    is_reading : a listing is under way; the one before it stands meanwhile
    cases : a row each
    selected : ids of chosen rows; each is one of ``cases``
    broken : sentences on cases that cannot be used, all of them
    problem : why the latest wish was not fulfilled
    notice : what came of it
    """

    folder: Path
    shows_bin: bool = False
    is_reading: bool = False
    ledger_status: LedgerStatus = LedgerStatus.UNKNOWN
    activity: Activity = Activity.NONE
    cases: tuple[CaseSummary, ...] = ()
    selected: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    problem: str = ""
    notice: str = ""

    @property
    def is_busy(self) -> bool:
        return self.activity is not Activity.NONE

    @property
    def can_open(self) -> bool:
        return len(self.selected) == 1 and not self.shows_bin and not self.is_busy

    @property
    def can_delete(self) -> bool:
        return bool(self.selected) and not self.shows_bin and not self.is_busy

    @property
    def can_restore(self) -> bool:
        return bool(self.selected) and self.shows_bin and not self.is_busy
