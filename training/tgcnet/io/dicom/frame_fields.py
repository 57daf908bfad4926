"""Fields of a :class:`FrameHeader`: where a frame lies and what its values mean.

Classic images have them on the top level, enhanced ones in functional groups.
"""

from typing import Any

from pydicom.dataset import Dataset

from tgcnet.io.dicom import elements

PROJECTIONS = frozenset({"CR", "DX", "RG", "PX", "IO", "MG", "XA", "RF", "XC"})
"""Modalities whose images are projections: several of a series are no stack."""

KEYWORDS = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "ImagerPixelSpacing",
    "NominalScannedPixelSpacing", "SliceThickness", "GantryDetectorTilt", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "WindowCenter", "WindowWidth",
    "WindowCenterWidthExplanation", "VOILUTFunction",
)  # fmt: skip

_ABSENT = (None, "", (), -1)


def plane_fields(dataset: Dataset, modality: str) -> dict[str, Any]:
    """Read them where a classic image has them, on the top level."""
    spacing, is_at_detector = _spacing(dataset, modality)
    return {
        "position": position(dataset),
        "orientation": orientation(dataset),
        "spacing_yx": spacing,
        "is_spacing_at_detector": is_at_detector,
        "slice_thickness": thickness(dataset),
        "gantry_tilt": elements.decimal(dataset, "GantryDetectorTilt") or 0.0,
        "windows": windows(dataset),
        "voi_function": elements.text(dataset, "VOILUTFunction").upper(),
        **rescale(dataset),
    }


def position(dataset: Dataset) -> tuple[float, float, float] | None:
    """Image Position (Patient), mm, LPS; None unless there are three numbers."""
    values = elements.decimals(dataset, "ImagePositionPatient")
    return (values[0], values[1], values[2]) if len(values) == 3 else None


def orientation(dataset: Dataset) -> tuple[float, ...]:
    """Image Orientation (Patient); () unless there are six numbers."""
    values = elements.decimals(dataset, "ImageOrientationPatient")
    return values if len(values) == 6 else ()


def pixel_spacing(dataset: Dataset, keyword: str = "PixelSpacing") -> tuple[float, ...]:
    """Read mm between rows, and between columns; () unless both are above 0."""
    values = elements.decimals(dataset, keyword)
    return values if len(values) == 2 and min(values) > 0 else ()


def thickness(dataset: Dataset) -> float | None:
    """Slice Thickness, mm; None unless it is above 0."""
    value = elements.decimal(dataset, "SliceThickness")
    return value if value is not None and value > 0 else None


def rescale(dataset: Dataset) -> dict[str, Any]:
    """Slope, intercept and the unit after it."""
    return {
        "slope": elements.decimal(dataset, "RescaleSlope"),
        "intercept": elements.decimal(dataset, "RescaleIntercept"),
        "rescale_type": elements.text(dataset, "RescaleType").upper(),
    }


def windows(dataset: Dataset) -> tuple[tuple[str, float, float], ...]:
    """Explanation, centre and width of each window that has a width."""
    centres = elements.decimals(dataset, "WindowCenter")
    widths = elements.decimals(dataset, "WindowWidth")
    names = elements.texts(dataset, "WindowCenterWidthExplanation")
    if len(centres) != len(widths):
        return ()
    padded = names + ("",) * (len(centres) - len(names))
    return tuple(one for one in zip(padded, centres, widths, strict=False) if one[2] > 0)


def _spacing(dataset: Dataset, modality: str) -> tuple[tuple[float, ...], bool]:
    """Spacing, and whether it is that of the detector, which is larger than the patient's."""
    calibrated = pixel_spacing(dataset)
    raw = pixel_spacing(dataset, "ImagerPixelSpacing")
    if calibrated:
        # Equal numbers say that nobody corrected for magnification (PS3.3, 10.7.1.3).
        return calibrated, modality in PROJECTIONS and calibrated == raw
    raw = raw or pixel_spacing(dataset, "NominalScannedPixelSpacing")
    return raw, bool(raw)


def group_fields(group: Dataset) -> dict[str, Any]:
    """Fields that a group states, shared by all frames or of one; the others are left out.

    A frame's number within its stack takes the place of the instance number, which is the file's.
    """
    fields = _place_fields(group) | _value_fields(group)
    content = _item(group, "FrameContentSequence")
    if content is not None:
        fields |= {
            "instance_number": elements.integer(content, "InStackPositionNumber"),
            "acquisition_number": elements.integer(content, "FrameAcquisitionNumber"),
        }
    frame_type = _item(group, "CTImageFrameTypeSequence")
    if frame_type is not None:
        fields["image_type"] = tuple(one.upper() for one in elements.texts(frame_type, "FrameType"))
    details = _item(group, "CTAcquisitionDetailsSequence")
    if details is not None:
        fields["gantry_tilt"] = elements.decimal(details, "GantryDetectorTilt")
    return {name: value for name, value in fields.items() if value not in _ABSENT}


def _place_fields(group: Dataset) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    plane = _item(group, "PlanePositionSequence")
    if plane is not None:
        fields["position"] = position(plane)
    axes = _item(group, "PlaneOrientationSequence")
    if axes is not None:
        fields["orientation"] = orientation(axes)
    measures = _item(group, "PixelMeasuresSequence")
    if measures is not None:
        fields["spacing_yx"] = pixel_spacing(measures)
        fields["slice_thickness"] = thickness(measures)
    return fields


def _value_fields(group: Dataset) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    values = _item(group, "PixelValueTransformationSequence")
    if values is not None:
        fields |= rescale(values)
    shown = _item(group, "FrameVOILUTSequence")
    if shown is not None:
        fields["windows"] = windows(shown)
        fields["voi_function"] = elements.text(shown, "VOILUTFunction").upper()
    return fields


def _item(group: Dataset, keyword: str) -> Dataset | None:
    found = elements.items(group, keyword)
    return found[0] if found else None
