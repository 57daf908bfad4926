"""``tgcnet segment``: an image and its report in, a mask out."""

import argparse
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from tgcnet.cli.output import (
    Commands,
    add_command,
    add_model_options,
    progress_bar,
    say,
    say_json,
    stated_modality,
    warn,
)
from tgcnet.cli.target import check_target
from tgcnet.domain import EncodedText, Segmentation, Volume
from tgcnet.errors import InputError
from tgcnet.io.formats import DICOM_SEG, MASKS, format_of
from tgcnet.report.rules import ReportReading

WITH_PATIENT = (
    "{} carries the patient's and the study's attributes of its DICOM source (name, ID, birth "
    "date, accession number); --deidentify leaves them out."
)
WITHOUT_PATIENT = (
    "{} names no patient; the identifiers of the study and of its images stay, since they say "
    "which image the mask belongs to."
)


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "segment", "Segment what a report describes.", run)
    parser.add_argument("image", metavar="IMAGE", type=Path, help="PNG, JPEG, TIFF, NIfTI or DICOM")
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--report", metavar="TEXT", help="the report itself")
    text.add_argument(
        "--report-file", metavar="FILE", type=Path, help="text, Structured Report, FHIR or CSV"
    )
    add_model_options(parser)
    parser.add_argument(
        "--volume", metavar="K", type=int, help="of a 4D NIfTI file, counted from 0"
    )
    parser.add_argument(
        "--slices",
        metavar="A:B",
        type=parse_slices,
        help="slices along Z, counted from 0: A is the first, B comes after the last (all)",
    )
    parser.add_argument(
        "--threshold", metavar="T", type=float, help="probability, in (0, 1) (the model's own)"
    )
    parser.add_argument(
        "--window",
        metavar="CENTRE/WIDTH",
        type=parse_window,
        help="what of a CT the model sees, in Hounsfield units, as -600/1500 (the model's own)",
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=True, help=".nii.gz, .nii, .tif, .png or .dcm"
    )
    parser.add_argument(
        "--deidentify",
        action="store_true",
        help="leave patient and study out of a .dcm, which otherwise carries the source's; the "
        "identifiers of the images stay",
    )
    parser.add_argument(
        "--yes",
        action="store_true",
        help="run although the report names nothing that this model segments, or is of another "
        "patient or study than the image",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def parse_slices(text: str) -> slice:
    """``A:B`` as a slice; either end may be left out."""
    first, colon, last = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return slice(int(first) if first else None, int(last) if last else None)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of slices; expected A:B with whole numbers, such as 10:20"
        ) from None


def parse_window(text: str) -> tuple[float, float]:
    """``CENTRE/WIDTH`` in Hounsfield units; the predictor knows which of them can be used."""
    centre, _, width = text.partition("/")
    try:
        return float(centre), float(width)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no intensity window; expected CENTRE/WIDTH in Hounsfield units, such as "
            "-600/1500"
        ) from None


def run(arguments: argparse.Namespace) -> int:
    """Segment; what can be refused without the model is refused before it is loaded."""
    from tgcnet.cli.report_input import asked_report
    from tgcnet.io import load_volume
    from tgcnet.io.report_key import report_provenance

    volume = load_volume(
        arguments.image, modality=stated_modality(arguments), volume=arguments.volume
    )
    check_target(arguments.out, volume, source=arguments.image, report=arguments.report_file)
    report = asked_report(arguments, volume)
    about_report = report_provenance(report.text)

    from tgcnet.inference.predictor import load_predictor

    predictor = load_predictor(arguments.model, arguments.device)
    reading = predictor.read_report(report.text)
    if not arguments.yes:
        refuse_without_target(reading, predictor.manifest.name, predictor.manifest.findings)
    start = time.perf_counter()
    with progress_bar("Segmenting", is_quiet=arguments.json) as show:
        segmentation = predictor.segment(
            volume,
            reading.report,
            slices=arguments.slices,
            threshold=arguments.threshold,
            window_hu=arguments.window,
            keep_probability=False,
            on_progress=show,
            on_notice=warn,
        )
    seconds = time.perf_counter() - start
    _save(segmentation, volume, arguments, about_report)
    # Only now: a run that is refused says one sentence, why.
    for notice in (*volume.notices, *report.notices):
        warn(notice)
    _name_what_is_left_out(reading, predictor.manifest.name)
    summary = _summary(volume, segmentation, reading, arguments, seconds)
    if arguments.json:
        say_json(summary)
    else:
        say(_in_words(summary))
    return 0


def _save(
    segmentation: Segmentation,
    volume: Volume,
    arguments: argparse.Namespace,
    about_report: Mapping[str, str],
) -> None:
    from tgcnet.io import save_labels

    if format_of(arguments.out, MASKS) is DICOM_SEG:
        name = arguments.out.name
        warn(WITHOUT_PATIENT.format(name) if arguments.deidentify else WITH_PATIENT.format(name))
    save_labels(
        segmentation.labels,
        segmentation.geometry,
        arguments.out,
        provenance={**segmentation.provenance, **about_report},
        classes=segmentation.classes,
        source=volume.source,
        deidentify=arguments.deidentify,
    )


def refuse_without_target(reading: ReportReading, model: str, findings: tuple[str, ...]) -> None:
    """Stop where a mask would be taken for something the report does not say.

    Raises
    ------
    InputError
        If findings are named, and all are denied or none is one the model was made for.
    """
    if reading.only_absent:
        raise InputError(
            "The report names findings only as absent or past, so there is nothing to segment and "
            "nothing was run. Pass --yes to run the model all the same."
        )
    if reading.has_no_target:
        raise InputError(
            f"The report names {', '.join(reading.not_segmentable)}, which model {model!r} cannot "
            f"segment; it was made for {', '.join(findings) or 'no finding at all'}. Choose "
            "another model, or pass --yes to run this one all the same."
        )


def _name_what_is_left_out(reading: ReportReading, model: str) -> None:
    if not reading.report.text.strip():
        warn("No report was given: the model runs without a text.")
    elif not reading.encoded.token_ids:
        warn("The model reads nothing of this report, so it runs without a text.")
    if reading.not_segmentable:
        warn(
            f"Reported but not segmented, since model {model!r} was not made for it: "
            f"{', '.join(reading.not_segmentable)}."
        )
    for notice in _unread(reading.encoded):
        warn(notice)


def _unread(encoded: EncodedText) -> Iterator[str]:
    """What the encoder does not read of a report, a sentence for each reason."""
    past_end = encoded.sentences_past_end
    unreadable = [s for s in encoded.sentences_left_out if s not in past_end]
    if unreadable:
        yield (
            "They tell only of the past, or what it can read of their words would not say the "
            f"same, so the model does not read these sentences of the report: {_quoted(unreadable)}"
        )
    if past_end:
        yield (
            "The report is longer than the model reads, so these sentences are not read: "
            f"{_quoted(past_end)}"
        )
    if encoded.words_left_out:
        yield f"The model never learned these words: {', '.join(encoded.words_left_out)}."
    if encoded.words_past_end:
        yield (
            "A sentence is longer than the model reads, so these words are not read: "
            f"{', '.join(encoded.words_past_end)}."
        )


def _quoted(sentences: Iterable[str]) -> str:
    return " ".join(f"“{sentence}”" for sentence in sentences)


def _summary(
    volume: Volume,
    segmentation: Segmentation,
    reading: ReportReading,
    arguments: argparse.Namespace,
    seconds: float,
) -> dict[str, object]:
    with_finding = np.flatnonzero(segmentation.labels.any(axis=(1, 2)))
    asked = arguments.slices or slice(None)
    first, stop, _ = asked.indices(len(segmentation.labels))
    return {
        "out": str(arguments.out),
        "model": segmentation.provenance["model"],
        "device": segmentation.provenance["device"],
        "seconds": round(seconds, 3),
        "slices": [first, stop],
        "slices_with_findings": [int(z) for z in with_finding],
        "voxels": int(np.count_nonzero(segmentation.labels)),
        **_extent(volume, segmentation.labels),
        "not_segmentable": list(reading.not_segmentable),
        "sentences_left_out": list(reading.encoded.sentences_left_out),
        "sentences_past_end": list(reading.encoded.sentences_past_end),
        "words_left_out": list(reading.encoded.words_left_out),
        "words_past_end": list(reading.encoded.words_past_end),
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


def _in_words(summary: dict[str, object]) -> str:
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
