"""Functional groups of enhanced images to fields of a :class:`FrameHeader`."""

from typing import Any

from pydicom.dataset import Dataset

from tgcnet.io.dicom import elements, plane_fields

_SILENT = (None, "", (), -1)


def group_fields(group: Dataset) -> dict[str, Any]:
    """Fields that a group states, shared by all frames or of one; what it is silent on is absent.

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
    return {name: value for name, value in fields.items() if value not in _SILENT}


def _place_fields(group: Dataset) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    plane = _item(group, "PlanePositionSequence")
    if plane is not None:
        fields["position"] = plane_fields.position(plane)
    axes = _item(group, "PlaneOrientationSequence")
    if axes is not None:
        fields["orientation"] = plane_fields.orientation(axes)
    measures = _item(group, "PixelMeasuresSequence")
    if measures is not None:
        fields["spacing_yx"] = plane_fields.pixel_spacing(measures)
        fields["slice_thickness"] = plane_fields.thickness(measures)
    return fields


def _value_fields(group: Dataset) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    values = _item(group, "PixelValueTransformationSequence")
    if values is not None:
        fields |= plane_fields.rescale(values)
    shown = _item(group, "FrameVOILUTSequence")
    if shown is not None:
        fields["windows"] = plane_fields.windows(shown)
        fields["voi_function"] = elements.text(shown, "VOILUTFunction").upper()
    return fields


def _item(group: Dataset, keyword: str) -> Dataset | None:
    found = elements.items(group, keyword)
    return found[0] if found else None
