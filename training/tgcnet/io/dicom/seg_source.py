"""The headers of the images a segmentation belongs to, as highdicom wants them."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage, generate_uid
from pydicom.valuerep import DA, TM

from tgcnet.domain import DicomSource, Geometry
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

# They have to be there, and may be empty (type 2).
_MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip

_SEXES = ("M", "F", "O")
_FRAME_MACROS = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")


@contextmanager
def refusing_what_cannot_be_used() -> Iterator[None]:
    """Say in our words what highdicom and pydicom cannot make of headers, and nothing else.

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


def read_source(source: DicomSource, geometry: Geometry, *, deidentify: bool) -> list[Dataset]:
    """Read a header per frame, or the one of the file that holds all frames.

    Parameters
    ----------
    deidentify : of the patient and the study only the identifiers of the instances are read

    Raises
    ------
    OutputError
        If the frames lie in several multi-frame files.
    InputError
        If a file is gone or cannot be read any more.
    """
    keywords = _PLACING if deidentify else _PLACING + _PATIENT_AND_STUDY
    files = tuple(dict.fromkeys(source.files))
    images = [open_header(file, keywords).dataset for file in files]
    if any("SharedFunctionalGroupsSequence" in image for image in images):
        if len(images) > 1:
            raise OutputError(
                f"The image lies in {len(images)} multi-frame DICOM files, and a DICOM "
                "segmentation can belong to one; choose .nii.gz or .tif."
            )
        _share(images[0])
    for image in images:
        _identify(image, images[0])
        _complete(image, images[0], geometry)
    return images


def is_segmentation(path: Path) -> bool:
    """Whether a file is a DICOM segmentation; what cannot be read is none."""
    try:
        opened = open_header(path, ("SOPClassUID",))
    except InputError:
        return False
    return text(opened.dataset, "SOPClassUID") == SegmentationStorage


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


def _complete(image: Dataset, first: Dataset, geometry: Geometry) -> None:
    """Fill what scanners leave out, and what differs by rounding alone."""
    for keyword in _MAY_BE_EMPTY:
        if keyword not in image or not _is_valid(keyword, str(image[keyword].value or "")):
            setattr(image, keyword, "")
    if "ImagePositionPatient" not in image:
        return
    # The frames were stacked as parallel ones; highdicom compares digit by digit.
    image.ImageOrientationPatient = first.ImageOrientationPatient
    if not image.get("SliceThickness"):
        across = geometry.source_axes.index(0)  # of our axes, the one that the slices lie along
        image.SliceThickness = f"{geometry.spacing_zyx[across]:.8g}"


def _is_valid(keyword: str, value: str) -> bool:
    """Whether an archive could take the value; one that is no date is better left empty."""
    if keyword == "PatientSex":
        return value in _SEXES
    try:
        if keyword.endswith("Date"):
            DA(value)
        elif keyword.endswith("Time"):
            TM(value)
    except ValueError:
        return False
    return True


def _share(image: Dataset) -> None:
    """Move what all frames of a file say alike to where highdicom looks for it."""
    shared = image.SharedFunctionalGroupsSequence[0]
    groups = list(image.get("PerFrameFunctionalGroupsSequence", ()))
    for macro in _FRAME_MACROS[1:]:
        own = [group.get(macro) for group in groups]
        if macro not in shared and own and all(one == own[0] for one in own):
            setattr(shared, macro, own[0])
    _keep_only(groups, _FRAME_MACROS)


def _keep_only(groups: Iterable[Dataset], keywords: tuple[str, ...]) -> None:
    """Leave nothing else in a functional group: some hold dates, and other images' identifiers."""
    kept = {tag_for_keyword(keyword) for keyword in keywords}
    for group in groups:
        for tag in [tag for tag in group.keys() if tag not in kept]:  # noqa: SIM118 - a Dataset
            del group[tag]
