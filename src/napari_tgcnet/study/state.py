"""What the panel *open study* shows, frozen; its controller is the only one to replace it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tgcnet.io.dicom.series import Skipped


class Activity(StrEnum):
    """What was asked for and is under way; everything but NONE keeps the buttons disabled."""

    NONE = "none"
    LISTING = "listing"
    OPENING = "opening"


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesRow:
    """A series, as far as the table tells it.

    Attributes
    ----------
    key : index in the listing
    patient : shortened, never whole
    date : of the study, ISO 8601; empty where unknown
    num_bytes : in memory, once all slices are there
    refusals : why it cannot be opened, a sentence each; none where it can
    remarks : what to know of it all the same
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
    is_listed : ``rows`` and ``skipped`` are what that holds
    fraction : of the listing that is done, in [0, 1]; 0 while nobody knows
    selected : key of the chosen row
    num_loaded, num_to_load : slices of opened series that are in memory, of those still coming
    problem : why the latest wish was not fulfilled
    notices : what to know of the series that was opened
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
        """The chosen row, None where there is none."""
        return next((row for row in self.rows if row.key == self.selected), None)

    @property
    def is_busy(self) -> bool:
        return self.activity is not Activity.NONE

    @property
    def is_loading(self) -> bool:
        """Whether slices of an opened series are still on their way."""
        return self.num_to_load > 0

    @property
    def can_open(self) -> bool:
        return not self.is_busy and self.row is not None and self.row.can_open

    @property
    def can_cancel(self) -> bool:
        return self.is_busy or self.is_loading
