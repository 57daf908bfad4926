"""A mask as a DICOM segmentation that belongs to the images it was made on."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tgcnet import __version__
from tgcnet.domain import DicomSource, Geometry, SegmentationClass
from tgcnet.errors import OutputError
from tgcnet.io.dicom.seg_headers import reporting_unusable_headers
from tgcnet.io.dicom.seg_source import read_source
from tgcnet.io.dicom.segments import MAKER, describe
from tgcnet.io.orientation import to_source

_SERIES_NUMBER = 9000
"""Far from the scanner's own, which count from 1."""

_UTF_8 = "ISO_IR 192"

_DEIDENTIFICATION = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113110", "Retain UIDs Option"),
)
_COMPRESSION_METHOD = re.compile(r"ISO_\d+(_\d+)?")
"""How compression methods are called (PS3.3, C.7.6.1.1.5.1)."""

_NO_DATE, _NO_TIME = "19000101", "000000"  # these have to have a value (type 1)

_REMOVED = (
    "InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime",
    "ContributingEquipmentSequence",
)  # fmt: skip


def write_seg(
    labels: np.ndarray,
    geometry: Geometry,
    path: Path,
    *,
    source: DicomSource,
    classes: Sequence[SegmentationClass],
    provenance: Mapping[str, str],
    comment: str,
    is_edited: bool,
    deidentify: bool,
) -> None:
    """Write one segment a class, its number the label value; slices without any are left out.

    Parameters
    ----------
    labels : (Z, Y, X) uint8
    path : as a temporary file; the caller puts it in place
    provenance : ``model``, ``sha256`` and ``threshold`` of it name the algorithm; without a
        model the segments are a person's, MANUAL
    comment : provenance and notice whole, as JSON in ASCII

    Raises
    ------
    OutputError
        If the mask is not the image's, or the image's headers allow no segmentation.
    InputError
        If a file of the image is gone or cannot be read any more.
    """
    planes = to_source(labels, geometry)  # (slices, rows, columns)
    if len(planes) != len(source.files):
        raise OutputError(
            f"The mask has {len(planes)} slices and the DICOM image {len(source.files)}, expected "
            "the same; choose the mask that belongs to this image."
        )
    images = read_source(source, geometry, deidentify=deidentify)
    with reporting_unusable_headers():
        planes = _in_file_order(planes, source, images)
        described = describe(int(labels.max()), classes, provenance, is_edited=is_edited)
        made = _build_segmentation(images, planes, described)
        _check_whole(made, planes)
        made.DerivationDescription = comment
        if "FrameOfReferenceUID" not in made:  # the sides of a projection are said in words
            made.PatientOrientation = images[0].get("PatientOrientation")
        if deidentify:
            strip_identity(made)
        made.save_as(path)


def _in_file_order(
    planes: np.ndarray, source: DicomSource, images: Sequence[Dataset]
) -> np.ndarray:
    """Planes by the frames of a multi-frame file, where it stacks them in another order."""
    if len(images) > 1 or "NumberOfFrames" not in images[0]:
        return planes
    ordered = np.zeros((int(images[0].NumberOfFrames), *planes.shape[1:]), planes.dtype)
    ordered[list(source.frames)] = planes
    return ordered


def _build_segmentation(
    images: Sequence[Dataset],
    planes: np.ndarray,
    described: Sequence[hd.seg.SegmentDescription],
) -> hd.seg.Segmentation:
    return hd.seg.Segmentation(
        source_images=images,
        pixel_array=planes,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        series_instance_uid=generate_uid(prefix=None),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name="tgcnet",
        software_versions=__version__,
        device_serial_number="none",
        content_label="TGCNET",
        content_description="Research use only. Not a medical device.",
        content_qualification=hd.ContentQualificationValues.RESEARCH,
        series_description="TGC-Net mask, research use only",
        specific_character_set=_UTF_8,
        omit_empty_frames=bool(planes.any()),
    )


def _check_whole(made: hd.seg.Segmentation, planes: np.ndarray) -> None:
    """Refuse a segmentation that lost frames: of kinds of objects that highdicom takes for one.

    Raises
    ------
    OutputError
        If not every voxel is in it.
    """
    if int(np.count_nonzero(made.pixel_array)) != int(np.count_nonzero(planes)):
        raise OutputError(
            "The DICOM image is of a kind whose frames a segmentation cannot refer to one by one "
            "(several frames in an object for single ones); choose .nii.gz or .tif."
        )


def strip_identity(segmentation: Dataset) -> None:
    """Apply the Basic Profile of PS3.15, Annex E, with the Retain UIDs Option, to what is left.

    The patient's and the study's attributes never get in (see ``seg_headers``). Removed here are
    the time of making and the scanner; the statement of what was done is added. The identifiers of
    the study, of the images and of their frame of reference stay, since without them nothing says
    which image a mask belongs to.
    """
    for keyword in _REMOVED:
        if keyword in segmentation:
            delattr(segmentation, keyword)
    # Free text, in files that keep to no rule.
    if "PositionReferenceIndicator" in segmentation:
        segmentation.PositionReferenceIndicator = ""
    methods = segmentation.get("LossyImageCompressionMethod") or ()
    known = [methods] if isinstance(methods, str) else methods
    if not all(_COMPRESSION_METHOD.fullmatch(str(one)) for one in known):
        del segmentation.LossyImageCompressionMethod
    segmentation.ContentDate, segmentation.ContentTime = _NO_DATE, _NO_TIME
    segmentation.PatientIdentityRemoved = "YES"
    segmentation.LongitudinalTemporalInformationModified = "REMOVED"
    segmentation.DeidentificationMethod = MAKER
    segmentation.DeidentificationMethodCodeSequence = [
        _code(value, meaning) for value, meaning in _DEIDENTIFICATION
    ]


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
