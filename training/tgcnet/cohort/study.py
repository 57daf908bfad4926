"""One study: read, segmented, published; whatever is wrong with it stays with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

import numpy as np

from tgcnet import __version__
from tgcnet.cohort.edge import Edge, NoTargetError, Problem, without_names
from tgcnet.cohort.folder import MASK_NAME, CohortFolder
from tgcnet.cohort.journal import End
from tgcnet.cohort.order import Order, Outcome, Verdict
from tgcnet.cohort.record import Status, StudyRecord
from tgcnet.domain import Report, Segmentation, Volume
from tgcnet.errors import InputError
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


def segment_study(order: Order, predictor: Segments, folder: CohortFolder) -> Outcome:
    """Segment one study and publish its mask and record, or a record that says why not.

    May run twice for one study, even at once: the first result counts, another is thrown away.

    Raises
    ------
    OutputError
        If the folder cannot be written, which no other study would survive either.
    """
    study = order.study
    with folder.journal.attempt(study.id) as attempt:
        work = _Work(order=order, folder=folder, token=attempt.token)
        edge = Edge(study, folder)
        with edge:
            work.run(predictor)
        if edge.problem is not None:
            work.publish_problem(edge.problem)
        attempt.end = End.PUBLISHED if work.is_first else End.LATE
    if work.is_first:
        return Outcome(order=order, verdict=Verdict.RECORDED)
    there = folder.record(study.id)
    is_met = there is not None and order.is_met_by(there)
    verdict = Verdict.RECORDED if is_met else Verdict.BLOCKED
    return Outcome(order=order, verdict=verdict, is_late=True)


def blank_record(order: Order, token: str) -> StudyRecord:
    """What every record of an order says, however it ended; as of now, failed."""
    return StudyRecord(
        id=order.study.id,
        status=Status.FAILED,
        fingerprint=order.fingerprint,
        row_hash=order.row_hash,
        report_hash=order.report_hash,
        attempt=token,
        model=order.terms.model,
        model_sha256=order.terms.sha256,
        threshold=order.terms.threshold,
        finished_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"tgcnet": __version__},
    )


@dataclass(kw_only=True, slots=True)
class _Work:
    """One try of one study."""

    order: Order
    folder: CohortFolder
    token: str
    is_first: bool = False
    start: float = field(default_factory=time.perf_counter)

    def run(self, predictor: Segments) -> None:
        order, study = self.order, self.order.study
        volume = load_volume(study.image, modality=study.modality)
        _check_is_the_images(study.whose.differing(volume.identity))
        _check_fits_format(volume, order.terms.ending)
        reading = predictor.read_report(study.report)
        if not order.runs_without_target:
            _check_target(reading)
        said: list[str] = []
        segmentation = predictor.segment(
            volume,
            reading.report,
            slices=study.slices,
            threshold=order.terms.threshold,
            keep_probability=False,
            on_notice=said.append,
        )
        first, stop, _ = (study.slices or slice(None)).indices(len(segmentation.labels))
        record = replace(
            _with_mask(self._record(), segmentation),
            text=_text_was(reading),
            slices=(first, stop),
            notices=tuple(without_names(s, study.image) for s in (*volume.notices, *said)),
        )
        mask = f"{MASK_NAME}{order.terms.ending}"
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
            ending=order.terms.ending,
        )

    def publish_problem(self, problem: Problem) -> None:
        record = replace(
            self._record(),
            status=problem.status,
            error_class=problem.error_class,
            error=problem.sentence,
            seconds=self._seconds(),
        )
        self.is_first = self.folder.publish(self.order.study.id, lambda _: record)

    def _record(self) -> StudyRecord:
        return blank_record(self.order, self.token)

    def _seconds(self) -> float:
        return round(time.perf_counter() - self.start, 3)


def _check_is_the_images(differing: tuple[str, ...]) -> None:
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


def _text_was(reading: ReportReading) -> str:
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
