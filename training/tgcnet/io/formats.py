"""Which file formats there are, and the endings of their names.

What a file is, its content decides wherever it is read. Its name decides which files a dialog or a
folder offers, as what a new file is written, and what stands in a sentence.
"""

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    endings : of its names, in small letters, with the dot; the usual one first
    """

    name: str
    endings: tuple[str, ...]


PNG = Format(name="PNG", endings=(".png",))
JPEG = Format(name="JPEG", endings=(".jpg", ".jpeg"))
TIFF = Format(name="TIFF", endings=(".tif", ".tiff"))
NIFTI = Format(name="NIfTI", endings=(".nii.gz", ".nii"))
NIFTI_PAIR = Format(name="NIfTI, header and voxels apart", endings=(".hdr", ".img"))
DICOM = Format(name="DICOM", endings=(".dcm", ".dicom", ".ima"))
DICOM_SEG = Format(name="DICOM segmentation", endings=(".dcm",))
ZIP = Format(name="Zip archive", endings=(".zip",))

TEXT = Format(name="Text", endings=(".txt",))
STRUCTURED_REPORT = Format(name="DICOM Structured Report", endings=(".dcm",))
FHIR = Format(name="FHIR DiagnosticReport", endings=(".json",))
CSV = Format(name="CSV", endings=(".csv",))
MARKDOWN = Format(name="Markdown", endings=(".md",))

PICTURES = (PNG, JPEG)
IMAGES = (*PICTURES, TIFF, NIFTI)
"""One file is one image; a DICOM image may be many files, or one of many in a file."""

STUDIES = (DICOM, ZIP)
DICOMDIR = "DICOMDIR"
"""The whole name of the file that lists what lies on a disc."""

GRID_MASKS = (NIFTI, PNG, TIFF)
"""Masks that need nothing but a grid; a DICOM segmentation belongs to DICOM images."""

MASKS = (NIFTI, TIFF, PNG, DICOM_SEG)
REPORTS = (TEXT, STRUCTURED_REPORT, FHIR, CSV)


def endings_of(*formats: Format) -> tuple[str, ...]:
    """All endings of these formats, in their order."""
    return tuple(ending for one in formats for ending in one.endings)


def format_of(path: PurePath | str, among: tuple[Format, ...]) -> Format | None:
    """Which of these formats a file's name says; None where its ending is another."""
    name = PurePath(path).name.lower()
    return next((one for one in among if name.endswith(one.endings)), None)


def name_without_ending(path: PurePath | str, among: tuple[Format, ...] = IMAGES) -> str:
    """A file's name without its ending, where it is one of these formats'; never empty."""
    name = PurePath(path).name
    found = [ending for ending in endings_of(*among) if name.lower().endswith(ending)]
    return name[: -len(max(found, key=len))] or name if found else name


def ending_of(path: PurePath | str) -> str:
    """A file's ending of whatever format, ``.nii.gz`` as one; empty where it has none."""
    path = PurePath(path)
    return path.name[-7:] if path.name.lower().endswith(".nii.gz") else path.suffix


def one_of(endings: tuple[str, ...]) -> str:
    """Endings as a sentence lists them: ``.png, .tif or .tiff``."""
    *most, last = endings
    return f"{', '.join(most)} or {last}" if most else last


def dialog_filter(title: str, *formats: Format) -> str:
    """A filter of Qt's file dialogs: ``NIfTI (*.nii.gz *.nii)``."""
    return f"{title} ({' '.join(f'*{ending}' for ending in endings_of(*formats))})"
