"""The headers of the images a segmentation belongs to, as highdicom wants them."""

from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from tgcnet.domain import DicomSource, Geometry
from tgcnet.io.dicom.seg_headers import decode_header, reporting_unusable_headers
from tgcnet.io.sandbox import read_seg_headers

# They have to be there, and may be empty (type 2).
_MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip

_SEXES = ("M", "F", "O")


def read_source(source: DicomSource, geometry: Geometry, *, deidentify: bool) -> list[Dataset]:
    """Read a header per frame, or the one of the file that holds all frames.

    Parameters
    ----------
    deidentify : of the patient and the study only the identifiers of the instances are read

    Raises
    ------
    OutputError
        If the frames lie in several multi-frame files, or lack what a segmentation needs.
    InputError
        If a file is gone or cannot be read any more.
    """
    encoded = read_seg_headers(tuple(dict.fromkeys(source.files)), deidentify=deidentify)
    with reporting_unusable_headers():
        images = [decode_header(one) for one in encoded]
        for image in images:
            _complete(image, images[0], geometry)
    return images


def _complete(image: Dataset, first: Dataset, geometry: Geometry) -> None:
    """Fill what scanners leave out, and what differs by rounding alone."""
    for keyword in _MAY_BE_EMPTY:
        if keyword not in image or not _is_valid(keyword, str(image[keyword].value or "")):
            setattr(image, keyword, "")
    if "SharedFunctionalGroupsSequence" in image:
        return  # each frame has its own
    if "ImagePositionPatient" not in image:
        # Without a place there is no thickness, and highdicom reads no spacing without one.
        image.pop("PixelSpacing", None)
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
