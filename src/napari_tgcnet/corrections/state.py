"""What the panel of corrections shows, frozen, and what its work on a ledger yields.

Only the controller replaces the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_tgcnet.segment.ports import ModelMask
from tgcnet.corrections import CaseSummary
from tgcnet.domain import Case


class Activity(StrEnum):
    """What the user asked for and is under way; anything but NONE disables the buttons."""

    NONE = "none"
    CHOOSING = "choosing"
    OPENING = "opening"
    MOVING = "moving"


class LedgerStatus(StrEnum):
    """Whether there is a ledger in the chosen folder."""

    UNKNOWN = "unknown"
    """The folder is being read for the first time, or cannot be read."""
    MISSING = "missing"
    PRESENT = "present"


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionsState:
    """Everything the views may show except the thumbnails, which are drawn one by one.

    Attributes
    ----------
    folder : of the ledger; it need not exist yet
    shows_bin : whether ``cases`` are those in the bin
    is_reading : whether the list is being read; the previous one is shown meanwhile
    cases : a row each
    selected : ids of the selected rows; each is one of ``cases``
    broken : a sentence for each case that cannot be used
    problem : why the latest action failed
    notice : the result of the latest action
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


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedCase:
    """A case of a ledger, with arrays that nothing else refers to.

    Attributes
    ----------
    model_mask : the model's mask as a mask layer's metadata keep it, with its own copy of the
        array, so that painting on ``case.model_labels`` does not change it; None if no model ran
    """

    ledger: Path
    case: Case
    model_mask: ModelMask | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveResult:
    """How many cases were moved into or out of the bin, and why the others were not."""

    num_moved: int
    problems: tuple[str, ...] = ()
