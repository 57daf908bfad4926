"""The linter's report: findings, each with the rows it is about, and the figures of the set."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tgcnet.data.check.sides import SideCount
from tgcnet.data.rows import Row


class Severity(StrEnum):
    """Whether a data set can be used with a finding."""

    ERROR = "error"
    """Training or scoring would be wrong, or stop."""
    WARNING = "warning"
    """Probably not meant."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One thing that a finding is about.

    Attributes
    ----------
    place : by number, as sentences name a row
    name : the file's, which may name a patient; shown only where asked for
    """

    place: str
    name: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something found.

    Attributes
    ----------
    kind : the same for the same thing in every version, for readers of the JSON
    groups : what it is about; several together are each other's duplicates or one subject's
    """

    kind: str
    severity: Severity
    sentence: str
    groups: tuple[tuple[Found, ...], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """A data set and everything found in it.

    Attributes
    ----------
    splits : name -> number of rows; empty where the set is not divided
    captions_sha256 : of all rows, and of each split, see ``tgcnet.data.rows``
    sides : what captions and masks say of left and right; None where no mask was read
    """

    name: str
    layout: str
    classes: tuple[str, ...]
    num_rows: int
    num_subjects: int
    num_captions: int
    splits: dict[str, int]
    captions_sha256: str
    captions_sha256_of_split: dict[str, str]
    sides: SideCount | None
    findings: tuple[Finding, ...]

    @property
    def num_errors(self) -> int:
        """The number of findings that are errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


def found(row: Row) -> Found:
    """A row, as a finding names it."""
    return Found(place=row.where, name=row.name)


def each(rows: Sequence[Row]) -> tuple[tuple[Found, ...], ...]:
    """Rows that have nothing to do with each other."""
    return tuple((found(row),) for row in rows)


def counted(number: int, noun: str) -> str:
    """A number with its noun, whose plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
