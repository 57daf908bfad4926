"""What a folder, an archive or a file holds: series of frames, in order, and what is amiss."""

from dataclasses import dataclass
from enum import StrEnum

from tgcnet.io.dicom.header import FrameHeader

EXPORT_ALONE = "export that series alone and whole."
"""How many a sentence ends."""


class Severity(StrEnum):
    """Whether a series can be used all the same."""

    REFUSED = "refused"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something amiss with a series.

    Attributes
    ----------
    code : a short word for tests and programs, such as "missing-slice"
    sentence : what was found, what was expected, what to do; names no patient
    """

    severity: Severity
    code: str
    sentence: str


def refused(code: str, sentence: str) -> Remark:
    """Make a remark that keeps the series from being read."""
    return Remark(severity=Severity.REFUSED, code=code, sentence=sentence)


def warning(code: str, sentence: str) -> Remark:
    """Make a remark that the person should know of."""
    return Remark(severity=Severity.WARNING, code=code, sentence=sentence)


def notice(code: str, sentence: str) -> Remark:
    """Make a remark on what was done."""
    return Remark(severity=Severity.NOTICE, code=code, sentence=sentence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Frames that belong together.

    Attributes
    ----------
    frames : in stacking order: along the normal of their plane, rows x columns; what was merged or
        set aside (identical duplicates, localisers) is not among them, and a remark says so
    remarks : one REFUSED among them, and the series is not read
    """

    frames: tuple[FrameHeader, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def first(self) -> FrameHeader:
        """Any frame: what they have in common can be asked of it."""
        return self.frames[0]

    @property
    def is_readable(self) -> bool:
        return all(remark.severity is not Severity.REFUSED for remark in self.remarks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A file that is no image to segment, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What was found: series by study, then number; and the files that are in none."""

    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...] = ()
