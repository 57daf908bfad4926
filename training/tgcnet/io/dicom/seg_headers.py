"""Headers of images that a segmentation belongs to, read in the process for foreign files.

They go back as DICOM that pydicom wrote itself: what is parsed of it later is no foreign file.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import SegmentationStorage, generate_uid

from tgcnet.errors import InputError, OutputError
from tgcnet.io.decoded import quiet
from tgcnet.io.dicom.elements import PARSER_ERRORS, text
from tgcnet.io.dicom.open_header import open_header

# What places a frame and names it. The identifiers lead from the mask to its images.
_PLACING = (
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID",
    "SeriesInstanceUID", "FrameOfReferenceUID", "PositionReferenceIndicator", "Modality", "Rows",
    "Columns", "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
    "SliceThickness", "SpacingBetweenSlices", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", "LossyImageCompression", "LossyImageCompressionRatio",
    "LossyImageCompressionMethod", "PatientOrientation",
)  # fmt: skip

# Of the modules Patient, General Study and Patient Study (PS3.3, C.7), what an archive files by.
_PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName", "StudyDescription", "PatientAge", "PatientSize", "PatientWeight",
)  # fmt: skip

# What of a frame's functional groups places it, and all that their items may hold.
_FRAME_MACROS = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
}


@contextmanager
def reporting_unusable_headers() -> Iterator[None]:
    """Report headers that highdicom or pydicom cannot use, in our words and nothing else.

    Both quote values in what they log and warn about, and those may name a patient.

    Raises
    ------
    OutputError
        If they fail.
    """
    with quiet("pydicom", "highdicom"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (OSError, MemoryError):
            raise  # of the disk and the machine, not of the headers
        except PARSER_ERRORS:
            raise OutputError(
                "The headers of the DICOM image lack what a segmentation needs (identifiers, "
                "positions and a frame of reference that agree); choose .nii.gz or .tif."
            ) from None


def read_seg_headers(
    files: tuple[Path, ...], *, deidentify: bool, on_progress: Callable[[float], object]
) -> tuple[np.ndarray, ...]:
    """Read a header per file: what places its frames, and the patient and study if wanted.

    Parameters
    ----------
    deidentify : of the patient and the study only the identifiers of the instances are read

    Returns
    -------
    tuple of np.ndarray
        (N,) uint8 each, for :func:`decode_header`.

    Raises
    ------
    OutputError
        If the frames lie in several multi-frame files, or cannot be referred to.
    InputError
        If a file is gone or cannot be read any more.
    """
    keywords = _PLACING if deidentify else _PLACING + _PATIENT_AND_STUDY
    images = []
    with reporting_unusable_headers():
        for number, file in enumerate(files, start=1):
            images.append(open_header(file, keywords).dataset)
            on_progress(number / len(files))
        if any("SharedFunctionalGroupsSequence" in image for image in images):
            if len(images) > 1:
                raise OutputError(
                    f"The image lies in {len(images)} multi-frame DICOM files, and a DICOM "
                    "segmentation can belong to one; choose .nii.gz or .tif."
                )
            _move_to_shared_groups(images[0])
        for image in images:
            _identify(image, images[0])
        return tuple(_encode(image) for image in images)


def decode_header(encoded: np.ndarray) -> Dataset:
    """Read a header of :func:`read_seg_headers` back."""
    return read_dataset(BytesIO(encoded.tobytes()), is_implicit_VR=False, is_little_endian=True)


def is_segmentation(path: Path) -> bool:
    """Whether a file is a DICOM segmentation; what cannot be read is none."""
    try:
        opened = open_header(path, ("SOPClassUID",))
    except InputError:
        return False
    return text(opened.dataset, "SOPClassUID") == SegmentationStorage


def _encode(image: Dataset) -> np.ndarray:
    """Write a header in explicit little endian; a value that is none is left out."""
    for tag in list(image.keys()):
        try:
            for _ in Dataset({tag: image[tag]}).iterall():
                pass  # parsed, so that it is written anew and not as it came
        except PARSER_ERRORS:
            del image[tag]
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, image)
    return np.frombuffer(buffer.getvalue(), np.uint8)


def _identify(image: Dataset, first: Dataset) -> None:
    """Give an image the identifiers that an anonymiser emptied.

    Its own stands in the file's meta information, too. Those that only group images are made from
    the first image's, so that all masks of a series get the same.
    """
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not image.get(keyword):
            setattr(image, keyword, image.file_meta.get(f"MediaStorage{keyword}", ""))
    if not image.SOPInstanceUID:
        raise OutputError(
            "The DICOM image has no identifier (SOP Instance UID) that a segmentation could refer "
            "to; choose .nii.gz or .tif."
        )
    has_place = _has_place(image)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        if not image.get(keyword) and (has_place or keyword != "FrameOfReferenceUID"):
            setattr(image, keyword, generate_uid(entropy_srcs=[first.SOPInstanceUID, keyword]))


def _has_place(image: Dataset) -> bool:
    return "ImagePositionPatient" in image or "PerFrameFunctionalGroupsSequence" in image


def _move_to_shared_groups(image: Dataset) -> None:
    """Move what all frames of a file say alike to where highdicom looks for it."""
    shared = image.SharedFunctionalGroupsSequence[0]
    groups = list(image.get("PerFrameFunctionalGroupsSequence", ()))
    for macro in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
        own = [group.get(macro) for group in groups]
        if macro not in shared and own and all(one == own[0] for one in own):
            setattr(shared, macro, own[0])
    for group in (shared, *groups):
        _keep_only(group, _FRAME_MACROS)
        for macro, keywords in _FRAME_MACROS.items():
            for item in group.get(macro) or ():
                _keep_only(item, keywords)


def _keep_only(dataset: Dataset, keywords: Iterable[str]) -> None:
    """Leave nothing else in a functional group: some hold dates, names, other identifiers."""
    kept = {tag_for_keyword(keyword) for keyword in keywords}
    for tag in [tag for tag in dataset.keys() if tag not in kept]:  # noqa: SIM118 - a Dataset
        del dataset[tag]
