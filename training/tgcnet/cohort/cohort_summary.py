"""How a cohort stands, read from its records: the table of all studies, and the counts."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tgcnet.cohort.cohort_folder import TABLE_FILE, CohortFolder
from tgcnet.cohort.study_record import Status, StudyRecord, Terms
from tgcnet.cohort.task import StudyTask
from tgcnet.io import write_text_atomically

_COLUMNS = (
    "row", "id", "status", "mask", "mask_sha256", "text", "voxels", "volume_ml", "device",
    "seconds", "error_class", "error",
)  # fmt: skip
OPEN = "open"


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


def write_table(folder: CohortFolder, tasks: Sequence[StudyTask]) -> list[StudyRecord | None]:
    """Write ``cohort.csv``; the record of every task, None where the study is not settled yet.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    records = [_record_of(task, folder) for task in tasks]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for task, record in zip(tasks, records, strict=True):
        writer.writerow(_row(task, record))
    write_text_atomically(folder.root / TABLE_FILE, text.getvalue())
    return records


def summarise(
    folder: CohortFolder,
    terms: Terms,
    tasks: Sequence[StudyTask],
    records: Sequence[StudyRecord | None],
    num_now: int,
    seconds: float,
) -> CohortSummary:
    """Count what the records say."""
    counts = Counter(record.status for record in records if record is not None)
    return CohortSummary(
        table=folder.root / TABLE_FILE,
        model=terms.model,
        sha256=terms.sha256,
        num_studies=len(tasks),
        num_done=counts[Status.DONE],
        num_skipped=counts[Status.SKIPPED],
        num_now=num_now,
        seconds=round(seconds, 3),
        failures=tuple(
            Failure(
                row=task.study.row,
                id=task.study.id,
                error_class=record.error_class or "",
                sentence=record.error or "",
            )
            for task, record in zip(tasks, records, strict=True)
            if record is not None and record.status is Status.FAILED
        ),
    )


def _record_of(task: StudyTask, folder: CohortFolder) -> StudyRecord | None:
    record = folder.record(task.study.id)
    return record if record is not None and task.is_met_by(record) else None


def _row(task: StudyTask, record: StudyRecord | None) -> list[object]:
    if record is None:
        return [task.study.row, task.study.id, OPEN, *[""] * (len(_COLUMNS) - 3)]
    mask = f"studies/{record.id}/{record.mask}" if record.mask else ""
    values = [
        task.study.row, record.id, record.status, mask, record.mask_sha256, record.text,
        record.voxels, record.volume_ml, record.device, record.seconds, record.error_class,
        record.error,
    ]  # fmt: skip
    return ["" if value is None else value for value in values]
