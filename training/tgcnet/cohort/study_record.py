"""What is kept of a study: no text, no path, no name of a file or a patient."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from tgcnet.io import RESEARCH_NOTICE

SCHEMA_VERSION = 1
RECORD_FILE = "record.json"


class Status(StrEnum):
    """How a study ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Its report names nothing that the model segments, so nothing was run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What holds for all masks of a folder: one model, one threshold, one format.

    Attributes
    ----------
    model, sha256 : name of the model, hash of its weights
    threshold : probability, in (0, 1)
    ending : of the masks' names; decides their format
    """

    model: str
    sha256: str
    threshold: float
    ending: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyRecord:
    """One study, as ``record.json`` has it.

    Attributes
    ----------
    fingerprint : keyed hash of image state, report, identifiers and options; tells whether the row
        has changed
    row_hash : keyed hash of the same without the image's state
    report_hash : keyed hash of the report's text; None without one
    attempt : which attempt it was, as the journal has it
    text : "read", "none", or "unread" where the model reads nothing of the report
    mask, mask_sha256 : name of the file beside the record, and its hash; None unless done
    slices : first and one past the last that were segmented
    voxels : of all classes; by class in ``voxels_by_class``
    volume_ml : None where the spacing is unknown or there is a single slice
    notices : sentences about what was assumed, or went differently
    error_class, error : why there is no mask
    """

    id: str
    status: Status
    fingerprint: str
    report_hash: str | None
    attempt: str
    model: str
    model_sha256: str
    threshold: float
    finished_utc: str
    row_hash: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    mask: str | None = None
    mask_sha256: str | None = None
    device: str | None = None
    seconds: float | None = None
    slices: tuple[int, int] | None = None
    voxels: int | None = None
    voxels_by_class: Mapping[str, int] = field(default_factory=dict)
    volume_ml: float | None = None
    notices: tuple[str, ...] = ()
    error_class: str | None = None
    error: str | None = None

    @property
    def has_result(self) -> bool:
        """Whether the study was done or, with reason, skipped."""
        return self.status is not Status.FAILED


def to_text(record: StudyRecord) -> str:
    """A record as JSON."""
    values = {
        "schema_version": SCHEMA_VERSION,
        **asdict(record),
        "notice": RESEARCH_NOTICE,
    }
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_text(text: str) -> StudyRecord | None:
    """The inverse of :func:`to_text`; None for a text that it did not write.

    A study whose record is damaged is segmented again.
    """
    try:
        values = json.loads(text)
        if values.pop("schema_version") != SCHEMA_VERSION:
            return None
        return StudyRecord(**_checked(values))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values, of the types that their readers need; others raise one of the errors above."""
    known = {entry.name for entry in fields(StudyRecord)}
    values = {name: value for name, value in values.items() if name in known}
    values["status"] = Status(values["status"])
    values["threshold"] = float(values["threshold"])
    texts = ("id", "fingerprint", "attempt", "model", "model_sha256", "finished_utc")
    if not all(isinstance(values[name], str) for name in texts):
        raise TypeError
    for name in ("row_hash", "mask", "mask_sha256", "error", "error_class"):
        if not isinstance(values.get(name), str | None):
            raise TypeError
    values["notices"] = tuple(values.get("notices", ()))
    if values.get("slices") is not None:
        first, stop = values["slices"]
        values["slices"] = (int(first), int(stop))
    return values
