"""The task of segmenting one study, and its answers: small values that travel between processes."""

import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from tgcnet.cohort.manifest import Study
from tgcnet.cohort.study_record import StudyRecord, Terms
from tgcnet.io.keyed_hash import KeyedHasher
from tgcnet.io.state import FileState, state_of


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyTask:
    """A study to segment. Its text travels in here alone: never in a task's name, never logged.

    Attributes
    ----------
    fingerprint, row_hash, report_hash : as the record is to have them, see :func:`make_task`
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


def make_task(
    study: Study, hasher: KeyedHasher, terms: Terms, *, runs_without_target: bool = False
) -> StudyTask:
    """A study's task, with the hashes that tell later whether its row or its image has changed.

    ``row_hash`` changes with the row's cells, the report, and the identifiers of patient and study;
    ``fingerprint`` also with the image's size or time. Both are the same where the image is not
    there or cannot be read, so that the fingerprint changes when that is mended, too.
    """
    try:
        state = state_of(study.image) if os.access(study.image, os.R_OK) else None
    except OSError:  # a file of a series is gone
        state = None
    return StudyTask(
        study=study,
        fingerprint=hasher.hash("row", _content(study, state)),
        row_hash=hasher.hash("row", _content(study, None)),
        report_hash=hasher.hash("report", study.report.encode()) if study.report.strip() else None,
        terms=terms,
        runs_without_target=runs_without_target,
    )


def _content(study: Study, state: tuple[FileState, ...] | None) -> bytes:
    window = study.slices and (study.slices.start, study.slices.stop)
    content = [study.named, state, study.report, study.modality, window]
    # Left out where nobody is named: folders made before identifiers were hashed stay as done.
    identity = {name: value for name, value in asdict(study.identity).items() if value}
    return json.dumps([*content, identity] if identity else content).encode()


class Verdict(StrEnum):
    """What came of a task."""

    RECORDED = "recorded"
    """Its record is there, written by this attempt or by another one."""
    BLOCKED = "blocked"
    """A record that does not fit lies in its place; the process that runs the cohort may remove
    it."""
    DIED = "died"
    """The process that had it is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The answer to a task; ``is_late`` where another attempt was first."""

    task: StudyTask
    verdict: Verdict
    is_late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerTask:
    """A task with all that a worker in another process needs for it.

    Attributes
    ----------
    root : the cohort's folder, under the same path everywhere
    model : registered name or folder
    version : of tgcnet in the process that asks
    """

    task: StudyTask
    root: Path = field(repr=False)
    model: str
    device: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A worker's answer where not the study but the worker, the model or the folder is at fault."""

    sentence: str
