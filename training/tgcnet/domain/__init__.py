"""What crosses a boundary between rooms: frozen dataclasses, no tensors."""

from tgcnet.domain.comparison import (
    Change,
    Comparison,
    GateReport,
    ModelIdentity,
)
from tgcnet.domain.image import (
    AnonymousHeader,
    Array,
    DicomSource,
    Geometry,
    Identity,
    Modality,
    NamedWindow,
    SideKnowledge,
    Volume,
    VolumeHeader,
    Voxels,
)
from tgcnet.domain.report import (
    ZONES,
    EncodedText,
    Finding,
    Place,
    Presence,
    Report,
    Side,
)
from tgcnet.domain.segmentation import (
    Case,
    CorrectionRecord,
    Segmentation,
    SegmentationClass,
)

__all__ = [
    "ZONES",
    "AnonymousHeader",
    "Array",
    "Case",
    "Change",
    "Comparison",
    "CorrectionRecord",
    "DicomSource",
    "EncodedText",
    "Finding",
    "GateReport",
    "Geometry",
    "Identity",
    "Modality",
    "ModelIdentity",
    "NamedWindow",
    "Place",
    "Presence",
    "Report",
    "Segmentation",
    "SegmentationClass",
    "Side",
    "SideKnowledge",
    "Volume",
    "VolumeHeader",
    "Voxels",
]
