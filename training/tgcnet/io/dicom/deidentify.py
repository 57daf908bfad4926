"""A segmentation without the patient: the Basic Profile of PS3.15, Annex E, identifiers kept.

The patient's and the study's attributes never get in (see ``seg_headers``). Here goes what is left:
the time of making, the scanner, and the statement of what was done. The identifiers of the study,
of the images and of their frame of reference stay (the Retain UIDs Option), since without them
nothing says which image a mask belongs to.
"""

import re

from pydicom.dataset import Dataset

_METHOD = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113110", "Retain UIDs Option"),
)
_ISO = re.compile(r"ISO_\d+(_\d+)?")
"""How compression methods are called (PS3.3, C.7.6.1.1.5.1)."""

_SOME_DATE, _SOME_TIME = "19000101", "000000"  # these have to have a value (type 1)
_OUT = (
    "InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime",
    "ContributingEquipmentSequence",
)  # fmt: skip


def strip_identity(segmentation: Dataset) -> None:
    """Remove what is left of time and place, and say that the patient's identity was removed."""
    for keyword in _OUT:
        if keyword in segmentation:
            delattr(segmentation, keyword)
    # Free text, in files that keep to no rule.
    if "PositionReferenceIndicator" in segmentation:
        segmentation.PositionReferenceIndicator = ""
    methods = segmentation.get("LossyImageCompressionMethod") or ()
    known = [methods] if isinstance(methods, str) else methods
    if not all(_ISO.fullmatch(str(one)) for one in known):
        del segmentation.LossyImageCompressionMethod
    segmentation.ContentDate, segmentation.ContentTime = _SOME_DATE, _SOME_TIME
    segmentation.PatientIdentityRemoved = "YES"
    segmentation.LongitudinalTemporalInformationModified = "REMOVED"
    segmentation.DeidentificationMethod = "napari-tgcnet"
    segmentation.DeidentificationMethodCodeSequence = [
        _code(value, meaning) for value, meaning in _METHOD
    ]


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
