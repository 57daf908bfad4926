"""A DICOM file's header, one :class:`FrameHeader` a frame; pixels are never read."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydicom.config import IGNORE
from pydicom.dataset import Dataset
from pydicom.uid import UID

from tgcnet.errors import InputError
from tgcnet.io.decoded import check_size, quiet
from tgcnet.io.dicom import elements
from tgcnet.io.dicom.elements import PARSER_ERRORS
from tgcnet.io.dicom.frame_fields import KEYWORDS as PLANE_KEYWORDS
from tgcnet.io.dicom.frame_fields import group_fields, plane_fields
from tgcnet.io.dicom.open_header import DEFLATED, NATIVE_SYNTAXES, OpenedHeader, open_header
from tgcnet.io.dicom.series import FrameHeader

MAX_FRAMES = 2**14
"""Four times the largest CT; more is a damaged number or a microscope's tiles."""

_VIDEO_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 110))
# Modalities of objects about an image; some hold pixels, but none that a radiologist reads.
_NO_IMAGES = frozenset({
    "AU", "DOC", "ECG", "FID", "HD", "KO", "M3D", "PLAN", "PR", "REG", "RTDOSE", "RTINTENT",
    "RTPLAN", "RTRAD", "RTRECORD", "RTSEGANN", "RTSTRUCT", "RWV", "SEG", "SMR", "SR", "STAIN",
    "TEXTUREMAP",
})  # fmt: skip

_GENERAL_KEYWORDS = (
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate",
    "Modality", "AccessionNumber", "SeriesDescription", "PatientName", "PatientID",
    "PatientBirthDate", "ViewPosition", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber",
    "AcquisitionNumber", "InstanceNumber", "PatientOrientation", "FrameOfReferenceUID",
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "PatientPosition", "ConvolutionKernel", "ModalityLUTSequence",
    "VOILUTSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "ConcatenationUID", "InConcatenationNumber", "InConcatenationTotalNumber",
)  # fmt: skip


class NoImageError(InputError):
    """The file is whole, but it is nothing to segment."""


def read_headers(file: Path) -> tuple[FrameHeader, ...]:
    """Read what a file says of each of its frames.

    A value that is absent, broken or of another type than the standard's is read as the default
    of its field.

    Raises
    ------
    NoImageError
        If the file is DICOM but holds no image.
    InputError
        If it is no DICOM, damaged, or absurdly large. The message names the file, never its
        folder and nothing that stands in it.
    """
    opened = open_header(file, _GENERAL_KEYWORDS + PLANE_KEYWORDS)
    with quiet("pydicom"):
        try:
            return _to_frames(opened, file)
        except PARSER_ERRORS:
            # "from None": the library's own message may quote what the file holds.
            raise InputError(
                f"{file.name} is damaged: its DICOM header cannot be understood; export it again."
            ) from None


def _to_frames(opened: OpenedHeader, file: Path) -> tuple[FrameHeader, ...]:
    dataset = opened.dataset
    common = _common_fields(dataset)
    _check_is_image(opened, common, file.name)
    num_frames = max(elements.integer(dataset, "NumberOfFrames", 1), 1)
    if num_frames > MAX_FRAMES:
        raise InputError(
            f"{file.name} says it holds {num_frames:,} frames, expected at most {MAX_FRAMES:,}; "
            "export it again, or choose a radiological image."
        )
    check_size((num_frames, common["rows"], common["columns"]), file.name)
    pixel_bytes = _frame_bytes(common, file.name)
    common |= {
        "file": str(file),
        "num_frames": num_frames,
        "transfer_syntax": opened.transfer_syntax,
        "pixel_bytes": pixel_bytes,
        "file_bytes": opened.file_bytes,
        "is_truncated": _is_truncated(opened, num_frames, pixel_bytes),
        "has_surplus": _has_surplus(opened, num_frames, pixel_bytes),
    }
    common |= plane_fields(dataset, common["modality"])
    shared, per_frame = _functional_groups(dataset, num_frames, file.name)
    if shared is not None:
        common |= group_fields(shared)
    if not per_frame:
        return tuple(FrameHeader(**common, frame=index) for index in range(num_frames))
    return tuple(
        FrameHeader(**(common | group_fields(group)), frame=index)
        for index, group in enumerate(per_frame)
    )


def _common_fields(dataset: Dataset) -> dict[str, Any]:
    """Fields that all frames of the file share."""
    is_signed = elements.integer(dataset, "PixelRepresentation", 0) == 1
    meta = dataset.file_meta
    date = elements.text(dataset, "StudyDate").replace(".", "")  # with points before 1993
    return {
        "sop_class": elements.text(dataset, "SOPClassUID")
        or elements.text(meta, "MediaStorageSOPClassUID"),
        "sop_uid": elements.text(dataset, "SOPInstanceUID")
        or elements.text(meta, "MediaStorageSOPInstanceUID"),
        "series_uid": elements.text(dataset, "SeriesInstanceUID"),
        "study_uid": elements.text(dataset, "StudyInstanceUID"),
        "frame_of_reference": elements.text(dataset, "FrameOfReferenceUID"),
        "patient_id": elements.text(dataset, "PatientID"),
        "patient_key": _patient_key(dataset),
        "accession_number": elements.text(dataset, "AccessionNumber"),
        "study_date": date if len(date) == 8 and date.isdecimal() else "",
        "modality": elements.text(dataset, "Modality").upper(),
        "series_description": elements.text(dataset, "SeriesDescription"),
        "series_number": elements.integer(dataset, "SeriesNumber", -1),
        "instance_number": elements.integer(dataset, "InstanceNumber", -1),
        "acquisition_number": elements.integer(dataset, "AcquisitionNumber", -1),
        "image_type": tuple(one.upper() for one in elements.texts(dataset, "ImageType")),
        "rows": elements.integer(dataset, "Rows", 0),
        "columns": elements.integer(dataset, "Columns", 0),
        "samples_per_pixel": max(elements.integer(dataset, "SamplesPerPixel", 1), 1),
        "bits_allocated": elements.integer(dataset, "BitsAllocated", 0),
        "bits_stored": elements.integer(dataset, "BitsStored", 0),
        "high_bit": elements.integer(dataset, "HighBit", -1),
        "is_signed": is_signed,
        "photometric": elements.text(dataset, "PhotometricInterpretation").upper(),
        "padding": _padding(dataset, is_signed),
        "has_modality_lut": bool(elements.items(dataset, "ModalityLUTSequence")),
        "has_voi_lut": bool(elements.items(dataset, "VOILUTSequence")),
        "patient_position": elements.text(dataset, "PatientPosition").upper(),
        "kernels": elements.texts(dataset, "ConvolutionKernel"),
        "patient_orientation": elements.texts(dataset, "PatientOrientation"),
        "part": elements.integer(
            dataset,
            "InConcatenationNumber",
            0 if elements.has(dataset, "ConcatenationUID") else -1,
        ),
        "num_parts": elements.integer(dataset, "InConcatenationTotalNumber", -1),
        "view_position": elements.text(dataset, "ViewPosition"),
    }


def _patient_key(dataset: Dataset) -> str:
    """Hash of what distinguishes patients; "" where the file says nothing of that."""
    # A name's trailing separators and padding are no part of it (PS3.5, 6.2).
    name = elements.text(dataset, "PatientName").rstrip("^= ")
    parts = (
        elements.text(dataset, "PatientID"),
        name,
        elements.text(dataset, "PatientBirthDate").replace(".", ""),
    )
    if not any(parts):
        return ""
    return hashlib.sha256("\n".join(part.casefold() for part in parts).encode()).hexdigest()


def _padding(dataset: Dataset, is_signed: bool) -> tuple[int, ...]:
    first = elements.shorts(dataset, "PixelPaddingValue", is_signed=is_signed)
    if not first:
        return ()
    last = elements.shorts(dataset, "PixelPaddingRangeLimit", is_signed=is_signed) or first
    return (min(first[0], last[0]), max(first[0], last[0]))


def _check_is_image(opened: OpenedHeader, common: Mapping[str, Any], name: str) -> None:
    advice = "choose a CT or a radiograph."
    if opened.transfer_syntax in _VIDEO_SYNTAXES:
        raise NoImageError(f"{name} is a video, expected an image; {advice}")
    # Only a name of the dictionary is shown: anything may stand in a damaged file.
    kind = UID(common["sop_class"], validation_mode=IGNORE)
    kind_name = f" ({kind.name})" if kind.name != kind else ""
    is_of_image = opened.has_pixels or common["rows"] or "Image" in kind_name
    if common["modality"] in _NO_IMAGES or not is_of_image:
        # Nothing says what it is: it may have been a slice.
        if not common["modality"] and not kind_name:
            raise InputError(
                f"{name} is damaged: its DICOM header ends before it says what it is; export it "
                "again."
            )
        raise NoImageError(f"{name} is DICOM, but no image{kind_name}; {advice}")
    if not opened.has_pixels:
        raise InputError(
            f"{name} describes an image but ends before its pixels{kind_name}; export it again."
        )


def _is_truncated(opened: OpenedHeader, num_frames: int, frame_bytes: int) -> bool:
    if opened.transfer_syntax in NATIVE_SYNTAXES:
        return opened.is_cut or (opened.pixel_bytes or 0) < num_frames * frame_bytes
    if opened.transfer_syntax == DEFLATED:  # a stream that breaks off has not been parsed
        return False
    # Every compressed frame has a fragment of its own, or several.
    return opened.is_cut or (opened.pixel_bytes is None and opened.num_fragments < num_frames)


def _has_surplus(opened: OpenedHeader, num_frames: int, frame_bytes: int) -> bool:
    if opened.transfer_syntax in NATIVE_SYNTAXES:
        expected = num_frames * frame_bytes
        # An odd number of bytes is filled up with one.
        return (opened.pixel_bytes or 0) > expected + expected % 2
    return opened.num_pictures > num_frames


def _frame_bytes(common: Mapping[str, Any], name: str) -> int:
    bits = common["bits_allocated"]
    if bits not in (1, 8, 16, 32, 64):
        raise InputError(
            f"{name} does not say how many bits a pixel has, expected 8 or 16; export it again."
        )
    # Two pixels of this kind share their colour (PS3.3, C.7.6.3.1.2).
    samples = 2 if common["photometric"] == "YBR_FULL_422" else common["samples_per_pixel"]
    return int(common["rows"] * common["columns"] * samples * bits + 7) // 8


def _functional_groups(
    dataset: Dataset, num_frames: int, name: str
) -> tuple[Dataset | None, tuple[Dataset, ...]]:
    """Functional groups of an enhanced image: those shared, and one of each frame's own.

    Raises
    ------
    InputError
        If the frames described are not as many as the file says it has.
    """
    shared = elements.items(dataset, "SharedFunctionalGroupsSequence")
    per_frame = tuple(elements.items(dataset, "PerFrameFunctionalGroupsSequence"))
    is_described = elements.has(dataset, "PerFrameFunctionalGroupsSequence")
    if is_described and len(per_frame) != num_frames:
        raise InputError(
            f"{name} describes {len(per_frame)} frames but says it holds {num_frames}, expected "
            "the same number; export it again."
        )
    return (shared[0] if shared else None), per_frame
