"""How a cohort stands after a run: what Python and the command line are told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A study without a mask, by its row in the table and its id."""

    row: int
    id: str
    error_class: str
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CohortSummary:
    """How a cohort stands after a run.

    Attributes
    ----------
    table : ``cohort.csv`` in the cohort's folder
    num_studies : rows of the manifest; each is done, skipped or failed
    num_now : studies that this run settled; the others were settled before
    failures : in the table's order
    """

    table: Path
    model: str
    sha256: str
    num_studies: int
    num_done: int
    num_skipped: int
    num_now: int
    seconds: float
    failures: tuple[Failure, ...]

    @property
    def num_failed(self) -> int:
        """Studies that failed."""
        return len(self.failures)
