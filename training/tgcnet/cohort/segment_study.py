"""One study: read, segmented, published; an error becomes its record and stops no other study."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

import numpy as np

from tgcnet import __version__
from tgcnet.cohort.cohort_folder import MASK_NAME, CohortFolder
from tgcnet.cohort.journal import End
from tgcnet.cohort.study_problem import NoTargetError, Problem, problem_of, without_names
from tgcnet.cohort.study_record import Status, StudyRecord
from tgcnet.cohort.task import Outcome, StudyTask, Verdict
from tgcnet.domain import Report, Segmentation, Volume
from tgcnet.errors import InputError, OutputError
from tgcnet.io import load_volume, save_labels
from tgcnet.io.formats import PNG
from tgcnet.io.report_key import report_provenance
from tgcnet.report.rules import ReportReading


@runtime_checkable
class Segments(Protocol):
    """What is needed of a predictor; ``tgcnet.inference.predictor.Predictor`` has it."""

    def read_report(self, text: str) -> ReportReading:
        """What the model can make of a report."""

    def segment(
        self,
        volume: Volume,
        report: str | Report | None = None,
        *,
        slices: slice | None = None,
        threshold: float | None = None,
        keep_probability: bool = True,
        on_notice: Callable[[str], None] | None = None,
    ) -> Segmentation:
        """Segment what the report describes."""


def segment_study(task: StudyTask, predictor: Segments, folder: CohortFolder) -> Outcome:
    """Segment one study and publish its mask and record, or a record that says why not.

    May run twice for one study, even at once: the first result counts, another is discarded.

    Raises
    ------
    OutputError
        If the folder cannot be written, which concerns all other studies too.
    """
    study = task.study
    with folder.journal.attempt(study.id) as attempt:
        run = _StudyRun(task=task, folder=folder, token=attempt.token)
        try:
            run.segment(predictor)
        except OutputError:
            raise  # of the folder: no other study could be written either
        # Whatever is wrong with one study becomes its record, and the cohort goes on.
        except Exception as error:  # noqa: BLE001
            run.publish_problem(problem_of(error, study, folder))
        attempt.end = End.PUBLISHED if run.is_first else End.LATE
    if run.is_first:
        return Outcome(task=task, verdict=Verdict.RECORDED)
    there = folder.record(study.id)
    is_met = there is not None and task.is_met_by(there)
    verdict = Verdict.RECORDED if is_met else Verdict.BLOCKED
    return Outcome(task=task, verdict=verdict, is_late=True)


def blank_record(task: StudyTask, token: str) -> StudyRecord:
    """What all records of a task have in common; failed until the study is segmented."""
    return StudyRecord(
        id=task.study.id,
        status=Status.FAILED,
        fingerprint=task.fingerprint,
        row_hash=task.row_hash,
        report_hash=task.report_hash,
        attempt=token,
        model=task.terms.model,
        model_sha256=task.terms.sha256,
        threshold=task.terms.threshold,
        finished_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"tgcnet": __version__},
    )


@dataclass(kw_only=True, slots=True)
class _StudyRun:
    """One attempt at one study."""

    task: StudyTask
    folder: CohortFolder
    token: str
    is_first: bool = False
    start: float = field(default_factory=time.perf_counter)

    def segment(self, predictor: Segments) -> None:
        task, study = self.task, self.task.study
        volume = load_volume(study.image, modality=study.modality)
        _check_identity(study.identity.differing(volume.identity))
        _check_fits_format(volume, task.terms.ending)
        reading = predictor.read_report(study.report)
        if not task.runs_without_target:
            _check_target(reading)
        notices: list[str] = []
        segmentation = predictor.segment(
            volume,
            reading.report,
            slices=study.slices,
            threshold=task.terms.threshold,
            keep_probability=False,
            on_notice=notices.append,
        )
        first, stop, _ = (study.slices or slice(None)).indices(len(segmentation.labels))
        record = replace(
            _with_mask(self._record(), segmentation),
            text=_use_of_text(reading),
            slices=(first, stop),
            notices=tuple(without_names(s, study.image) for s in (*volume.notices, *notices)),
        )
        mask = f"{MASK_NAME}{task.terms.ending}"
        self.is_first = self.folder.publish(
            study.id,
            lambda digest: replace(
                record, status=Status.DONE, mask=mask, mask_sha256=digest, seconds=self._seconds()
            ),
            write_mask=lambda path: save_labels(
                segmentation.labels,
                segmentation.geometry,
                path,
                provenance={**segmentation.provenance, **report_provenance(study.report)},
            ),
            ending=task.terms.ending,
        )

    def publish_problem(self, problem: Problem) -> None:
        record = replace(
            self._record(),
            status=problem.status,
            error_class=problem.error_class,
            error=problem.sentence,
            seconds=self._seconds(),
        )
        self.is_first = self.folder.publish(self.task.study.id, lambda _: record)

    def _record(self) -> StudyRecord:
        return blank_record(self.task, self.token)

    def _seconds(self) -> float:
        return round(time.perf_counter() - self.start, 3)


def _check_identity(differing: tuple[str, ...]) -> None:
    if differing:
        what = ", ".join(name.replace("_", " ") for name in differing)
        raise InputError(
            f"the report and the image differ in {what}, expected those of one study; correct the "
            "row"
        )


def _check_fits_format(volume: Volume, ending: str) -> None:
    """Before the work; an OutputError at its end would be taken for the folder's."""
    if ending in PNG.endings and len(volume.array) > 1:
        raise InputError(
            f"The image has {len(volume.array)} slices and a PNG holds one; run the cohort with "
            "--format nifti or tiff into another folder."
        )


def _check_target(reading: ReportReading) -> None:
    """As ``tgcnet segment`` asks first, without naming the findings, which are the patient's."""
    if reading.only_absent:
        raise NoTargetError(
            "The report names findings only as absent or past, so there is nothing to segment; "
            "--yes runs the model all the same."
        )
    if reading.has_no_target:
        raise NoTargetError(
            "The report names only findings that this model was not made for; choose another "
            "model, or --yes runs this one all the same."
        )


def _use_of_text(reading: ReportReading) -> str:
    if not reading.report.text.strip():
        return "none"
    return "read" if reading.encoded.token_ids else "unread"


def _with_mask(record: StudyRecord, segmentation: Segmentation) -> StudyRecord:
    """What a record says of a segmentation."""
    labels, geometry = segmentation.labels, segmentation.geometry
    counts = np.bincount(labels.ravel(), minlength=len(segmentation.classes) + 1)[1:]
    voxels = int(counts.sum())
    z, y, x = geometry.spacing_zyx
    has_volume = geometry.unit == "mm" and len(labels) > 1
    provenance = segmentation.provenance
    return replace(
        record,
        device=provenance["device"],
        versions={name: provenance[name] for name in ("tgcnet", "torch")},
        voxels=voxels,
        voxels_by_class={
            entry.name: int(count)
            for entry, count in zip(segmentation.classes, counts, strict=True)
        },
        volume_ml=round(voxels * z * y * x / 1000.0, 6) if has_volume else None,
    )
