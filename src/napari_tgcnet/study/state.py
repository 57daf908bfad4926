"""What the panel *open study* shows, frozen, and a series as it is opened.

Only the controller replaces the state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tgcnet.domain import Volume
from tgcnet.io.dicom.series import Skipped
from tgcnet.io.dicom.stack import LazyStack


class Activity(StrEnum):
    """What the user asked for and is under way; anything but NONE disables the buttons."""

    NONE = "none"
    LISTING = "listing"
    OPENING = "opening"


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesRow:
    """A series as the table shows it.

    Attributes
    ----------
    key : index in the listing
    patient : the shortened identifier, never the whole
    date : of the study, ISO 8601; empty if unknown
    num_bytes : memory that all slices take
    refusals : why the series cannot be opened, a sentence each; empty if it can
    remarks : warnings and notices about it, a sentence each
    """

    key: int
    patient: str = field(repr=False)
    date: str
    modality: str
    description: str = field(repr=False)
    num_slices: int
    rows: int
    columns: int
    num_bytes: int
    refusals: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def can_open(self) -> bool:
        return not self.refusals


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyState:
    """Everything the views may show.

    Attributes
    ----------
    source : name of the file or folder that was listed, without the folders above it
    is_listed : whether ``rows`` and ``skipped`` are the content of ``source``
    fraction : how much of the listing is done, in [0, 1]; 0 while unknown
    selected : key of the selected row
    num_loaded, num_to_load : slices in memory, and all slices, of the series still being loaded
    problem : why the latest action failed
    notices : remarks on the series that was opened
    """

    source: str = field(default="", repr=False)
    is_listed: bool = False
    activity: Activity = Activity.NONE
    fraction: float = 0.0
    rows: tuple[SeriesRow, ...] = ()
    skipped: tuple[Skipped, ...] = field(default=(), repr=False)
    shows_skipped: bool = False
    selected: int | None = None
    num_loaded: int = 0
    num_to_load: int = 0
    problem: str = ""
    notices: tuple[str, ...] = ()

    @property
    def row(self) -> SeriesRow | None:
        """The selected row; None if no row is selected."""
        return next((row for row in self.rows if row.key == self.selected), None)

    @property
    def is_busy(self) -> bool:
        return self.activity is not Activity.NONE

    @property
    def is_loading(self) -> bool:
        """Whether slices of an opened series are still being loaded."""
        return self.num_to_load > 0

    @property
    def can_open(self) -> bool:
        return not self.is_busy and self.row is not None and self.row.can_open

    @property
    def can_cancel(self) -> bool:
        return self.is_busy or self.is_loading


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedSeries:
    """A series of which one slice is in memory; the others are decoded when they are needed.

    Attributes
    ----------
    name : for the layer
    first_slice : index along Z of the slice to show first
    stack : the slices as stored in the files; the array of ``volume`` reads them from here
    """

    name: str = field(repr=False)
    volume: Volume
    first_slice: int
    stack: LazyStack
