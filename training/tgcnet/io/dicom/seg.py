"""A mask as a DICOM segmentation that belongs to the images it was made on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from tgcnet import __version__
from tgcnet.domain import DicomSource, Geometry, SegmentationClass
from tgcnet.errors import OutputError
from tgcnet.io.decoded import to_source
from tgcnet.io.dicom.deidentify import strip_identity
from tgcnet.io.dicom.seg_headers import refusing_what_cannot_be_used
from tgcnet.io.dicom.seg_source import read_source
from tgcnet.io.dicom.segment_codes import codes_for
from tgcnet.report.knowledge import Coded

_MAKER = "napari-tgcnet"
_SERIES_NUMBER = 9000
"""Far from the scanner's own, which count from 1."""
_UTF_8 = "ISO_IR 192"
_LONG_STRING = 64
_NO_COLOUR = SegmentationClass(name="", colour=(230, 80, 60))
_ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")


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
    path : as a temporary file; whoever calls puts it in place
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
    with refusing_what_cannot_be_used():
        planes = _as_the_file_orders(planes, source, images)
        described = describe(int(labels.max()), classes, provenance, is_edited=is_edited)
        made = _make(images, planes, described)
        _check_whole(made, planes)
        made.DerivationDescription = comment
        if "FrameOfReferenceUID" not in made:  # the sides of a projection are said in words
            made.PatientOrientation = images[0].get("PatientOrientation")
        if deidentify:
            strip_identity(made)
        made.save_as(path)


def describe(
    largest: int,
    classes: Sequence[SegmentationClass],
    provenance: Mapping[str, str],
    *,
    is_edited: bool,
) -> list[hd.seg.SegmentDescription]:
    """One description a label value, from 1 on without a gap, as the standard asks.

    A value that no class has, and the first where there is none, is "label 1" and so on.
    """
    algorithm = _algorithm(provenance)
    kind = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    if algorithm is not None:
        kind = hd.seg.SegmentAlgorithmTypeValues("SEMIAUTOMATIC" if is_edited else "AUTOMATIC")
    return [
        _describe(
            number,
            classes[number - 1] if number <= len(classes) else _NO_COLOUR,
            kind,
            algorithm,
        )
        for number in range(1, max(largest, len(classes), 1) + 1)
    ]


def _describe(
    number: int,
    one: SegmentationClass,
    kind: hd.seg.SegmentAlgorithmTypeValues,
    algorithm: hd.AlgorithmIdentificationSequence | None,
) -> hd.seg.SegmentDescription:
    codes = codes_for(one.name, one.code)
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=one.name[:_LONG_STRING] or f"label {number}",
        segmented_property_category=_coded(codes.category),
        segmented_property_type=_coded(codes.kind),
        algorithm_type=kind,
        algorithm_identification=algorithm,
        display_color=hd.color.CIELabColor.from_rgb(*one.colour),
    )


def _algorithm(provenance: Mapping[str, str]) -> hd.AlgorithmIdentificationSequence | None:
    model = provenance.get("model")
    if model is None:
        return None
    return hd.AlgorithmIdentificationSequence(
        name=f"tgcnet {model}"[:_LONG_STRING],
        family=_ARTIFICIAL_INTELLIGENCE,
        version=provenance.get("sha256", "unknown")[:_LONG_STRING],  # of the weights: 64 digits
        source=_MAKER,
        parameters={
            key: provenance[key] for key in ("threshold", "window_hu") if key in provenance
        },
    )


def _as_the_file_orders(
    planes: np.ndarray, source: DicomSource, images: Sequence[Dataset]
) -> np.ndarray:
    """Planes by the frames of a multi-frame file, where it stacks them in another order."""
    if len(images) > 1 or "NumberOfFrames" not in images[0]:
        return planes
    ordered = np.zeros((int(images[0].NumberOfFrames), *planes.shape[1:]), planes.dtype)
    ordered[list(source.frames)] = planes
    return ordered


def _make(
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
        manufacturer=_MAKER,
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


def _coded(one: Coded) -> Code:
    return Code(one.value, one.scheme, one.meaning)
