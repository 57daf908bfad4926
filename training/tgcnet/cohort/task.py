"""What is asked of whoever segments a study, and what is answered: small things that travel."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tgcnet.cohort.manifest import Study
from tgcnet.cohort.study_record import StudyRecord, Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A study to segment. Its text travels in here alone: never in a task's name, never logged.

    Attributes
    ----------
    fingerprint, row_hash, report_hash : as the record is to have them; the first two are the same
        where the image is not there or not to be read
    runs_without_target : segment although the report names nothing that the model segments
    """

    study: Study = field(repr=False)
    fingerprint: str
    row_hash: str
    report_hash: str | None
    terms: Terms
    runs_without_target: bool = False

    def is_met_by(self, record: StudyRecord) -> bool:
        """Whether a record is of this row and image as they are now, under these terms.

        A result whose image has gone since stays: a disk that is away for a day must not cost the
        masks that were made from it.
        """
        if (record.model_sha256, record.threshold) != (self.terms.sha256, self.terms.threshold):
            return False
        if record.fingerprint == self.fingerprint:
            return True
        is_image_gone = self.fingerprint == self.row_hash
        return is_image_gone and record.row_hash == self.row_hash and record.has_result


class Verdict(StrEnum):
    """What came of an order."""

    RECORDED = "recorded"
    """Its record is there, written by this try or by another one."""
    BLOCKED = "blocked"
    """A record that does not fit lies in its place; whoever runs the cohort may remove it."""
    DIED = "died"
    """The process that had it is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The answer to an order; ``is_late`` where another try was first."""

    order: Order
    verdict: Verdict
    is_late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """An order with all that a worker elsewhere needs for it.

    Attributes
    ----------
    root : the cohort's folder, under the same path everywhere
    model : registered name or folder
    version : of tgcnet, on the side that asks
    """

    order: Order
    root: Path = field(repr=False)
    model: str
    device: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A worker's answer where not the study but the worker, the model or the folder is at fault."""

    sentence: str
