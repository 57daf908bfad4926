"""``tgcnet segment``: an image and its report in, a mask out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from tgcnet.cli.options import (
    DeviceOption,
    JsonOption,
    ModalityOption,
    ModelOption,
    ThresholdOption,
    check_one_of,
    modality_of,
    whole_number,
)
from tgcnet.cli.output import progress_bar, say, say_json, warn
from tgcnet.domain import EncodedText, Segmentation, Volume

WITH_PATIENT = (
    "{} carries the patient's and the study's attributes of its DICOM source (name, ID, birth "
    "date, accession number); --deidentify leaves them out."
)
WITHOUT_PATIENT = (
    "{} names no patient; the identifiers of the study and of its images stay, since they say "
    "which image the mask belongs to."
)


def parse_slices(text: str) -> slice:
    """``A:B`` as a slice; either end may be left out."""
    first, colon, last = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return slice(int(first) if first else None, int(last) if last else None)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no range of slices; expected A:B with whole numbers, such as 10:20"
        ) from None


class Window(NamedTuple):
    """An intensity window in Hounsfield units; the predictor knows which of them can be used."""

    centre: float
    width: float


def parse_window(text: str) -> Window:
    """``CENTRE/WIDTH`` as a window."""
    centre, _, width = text.partition("/")
    try:
        return Window(float(centre), float(width))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no intensity window; expected CENTRE/WIDTH in Hounsfield units, such as "
            "-600/1500"
        ) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentCommand:
    """Segment what a report describes."""

    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="PNG, JPEG, TIFF, NIfTI or DICOM")]
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="TEXT", help="the report itself; not with --report-file"),
    ] = None
    report_file: Annotated[
        Path | None,
        typer.Option("--report-file", metavar="FILE", help="text, Structured Report, FHIR or CSV"),
    ] = None
    model: ModelOption = None
    device: DeviceOption = "auto"
    modality: ModalityOption = "auto"
    volume: Annotated[
        int | None,
        typer.Option(
            "--volume",
            metavar="K",
            parser=whole_number,
            help="which volume of a 4D NIfTI file, counted from 0",
        ),
    ] = None
    slices: Annotated[
        slice | None,
        typer.Option(
            "--slices",
            metavar="A:B",
            parser=parse_slices,
            help="slices along Z, counted from 0: A is the first, B comes after the last (all)",
        ),
    ] = None
    threshold: ThresholdOption = None
    window: Annotated[
        Window | None,
        typer.Option(
            "--window",
            metavar="CENTRE/WIDTH",
            parser=parse_window,
            help="what of a CT the model sees, in Hounsfield units, as -600/1500 (the model's own)",
        ),
    ] = None
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="where the mask is written: .nii.gz, .nii, .tif, .png or .dcm",
        ),
    ]
    deidentify: Annotated[
        bool,
        typer.Option(
            "--deidentify",
            help="leave patient and study out of a .dcm, which otherwise carries the source's; "
            "the identifiers of the images stay",
        ),
    ] = False
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="run although the report names nothing that this model segments, or is of "
            "another patient or study than the image",
        ),
    ] = False
    as_json: JsonOption = False

    def __post_init__(self) -> None:
        check_one_of(("--report", self.report), ("--report-file", self.report_file), required=False)

    def run(self) -> int:
        """Segment; what can be refused without the model is refused before it is loaded."""
        from tgcnet.cli import segment_report
        from tgcnet.cli.targets import check_target
        from tgcnet.io import load_volume
        from tgcnet.io.report_key import report_provenance

        volume = load_volume(self.image, modality=modality_of(self.modality), volume=self.volume)
        check_target(self.out, volume, source=self.image, report=self.report_file)
        report = segment_report.given_report(
            self.report_file or self.report or "",
            image=self.image,
            identity=volume.identity,
            is_confirmed=self.yes,
        )
        about_report = report_provenance(report.text)

        from tgcnet.inference.predictor import load_predictor

        predictor = load_predictor(self.model, self.device)
        reading = predictor.read_report(report.text)
        if not self.yes:
            segment_report.refuse_without_target(reading, predictor.manifest)
        start = time.perf_counter()
        with progress_bar("Segmenting", is_quiet=self.as_json) as show:
            segmentation = predictor.segment(
                volume,
                reading.report,
                slices=self.slices,
                threshold=self.threshold,
                window_hu=self.window,
                keep_probability=False,
                on_progress=show,
                on_notice=warn,
            )
        seconds = time.perf_counter() - start
        self._save(segmentation, volume, about_report)
        # Only now: a run that is refused says one sentence, why.
        for notice in (*volume.notices, *report.notices):
            warn(notice)
        segment_report.warn_of_unread_text(reading, predictor.manifest.name)
        summary = self._summary(
            volume, segmentation, reading.encoded, reading.not_segmentable, seconds
        )
        if self.as_json:
            say_json(summary)
        else:
            say(_summary_sentence(summary))
        return 0

    def _save(
        self, segmentation: Segmentation, volume: Volume, about_report: Mapping[str, str]
    ) -> None:
        from tgcnet.io import save_labels
        from tgcnet.io.formats import DICOM_SEG, MASKS, format_of

        if format_of(self.out, MASKS) is DICOM_SEG:
            message = WITHOUT_PATIENT if self.deidentify else WITH_PATIENT
            warn(message.format(self.out.name))
        save_labels(
            segmentation.labels,
            segmentation.geometry,
            self.out,
            provenance={**segmentation.provenance, **about_report},
            classes=segmentation.classes,
            source=volume.source,
            deidentify=self.deidentify,
        )

    def _summary(
        self,
        volume: Volume,
        segmentation: Segmentation,
        encoded: EncodedText,
        not_segmentable: Sequence[str],
        seconds: float,
    ) -> dict[str, object]:
        """What ``--json`` prints."""
        with_finding = np.flatnonzero(segmentation.labels.any(axis=(1, 2)))
        first, stop, _ = (self.slices or slice(None)).indices(len(segmentation.labels))
        return {
            "out": str(self.out),
            "model": segmentation.provenance["model"],
            "device": segmentation.provenance["device"],
            "seconds": round(seconds, 3),
            "slices": [first, stop],
            "slices_with_findings": [int(z) for z in with_finding],
            "voxels": int(np.count_nonzero(segmentation.labels)),
            **_extent(volume, segmentation.labels),
            "not_segmentable": list(not_segmentable),
            "sentences_left_out": list(encoded.sentences_left_out),
            "sentences_past_end": list(encoded.sentences_past_end),
            "words_left_out": list(encoded.words_left_out),
            "words_past_end": list(encoded.words_past_end),
            "notice": segmentation.provenance["notice"],
        }


def _extent(volume: Volume, labels: np.ndarray) -> dict[str, int | float]:
    """A stack has a volume where its spacing is known, a single slice an area."""
    voxels = int(np.count_nonzero(labels))
    z, y, x = volume.geometry.spacing_zyx
    if volume.geometry.unit != "mm":
        return {"area_px": voxels} if len(labels) == 1 else {}
    if len(labels) == 1:
        return {"area_mm2": round(voxels * y * x, 3)}
    return {"volume_ml": round(voxels * z * y * x / 1000.0, 6)}


def _summary_sentence(summary: dict[str, object]) -> str:
    """The same for people."""
    with_finding = summary["slices_with_findings"]
    count = len(with_finding) if isinstance(with_finding, list) else 0
    units = {"area_px": "px", "area_mm2": "mm²", "volume_ml": "ml"}
    extent = [f"{summary[key]} {unit}" for key, unit in units.items() if key in summary]
    size = extent[0] if extent else f"{summary['voxels']} voxels"
    return (
        f"{summary['out']}: {size} in {count} slice{'' if count == 1 else 's'}, "
        f"{summary['seconds']} s with model {summary['model']!r} on {summary['device']}. "
        f"{summary['notice']}"
    )
