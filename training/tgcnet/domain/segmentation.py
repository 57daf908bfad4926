"""A segmentation, and a person's correction of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tgcnet.domain.image import Geometry, Volume


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentationClass:
    """A class of a segmentation; its label value is its index + 1, in files too."""

    name: str
    colour: tuple[int, int, int]
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmentation:
    """A model's answer on the image's own grid.

    Attributes
    ----------
    probability : (C, Z, Y, X) float16 or float32 in [0, 1]; None where only labels were asked for
    labels : (Z, Y, X) uint8; class index + 1 of the larger probability, 0 below the threshold
    provenance : model, its SHA-256, versions, threshold, device; no patient data
    """

    probability: np.ndarray | None
    labels: np.ndarray
    classes: tuple[SegmentationClass, ...]
    geometry: Geometry
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionRecord:
    """How a correction came about.

    Attributes
    ----------
    saved_utc : ISO 8601
    saved_by : version of tgcnet
    classes : of both masks; the label value is the index + 1
    provenance : of the model's mask, as its ``Segmentation`` has it; empty where there was none
    window : low, high and unit of the intensities the person saw; None where unknown
    seconds : from the mask's appearance to the save; None where not measured
    notes : the person's own words; like a report never logged
    model_slices : those that the model segmented; None means all, where there is a mask of it
    num_changed_voxels : where the two masks differ on these; None without a model's mask
    dice_pooled, dice_mean : model against person, whatever the class, on the slices that were both
        reviewed and segmented; None without one
    """

    saved_utc: str
    saved_by: str
    classes: tuple[SegmentationClass, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    window: tuple[float, float, str] | None = None
    seconds: float | None = None
    notes: str = field(default="", repr=False)
    model_slices: tuple[int, ...] | None = None
    num_changed_voxels: int | None = None
    dice_pooled: float | None = None
    dice_mean: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A correction as the ledger gives it back.

    Attributes
    ----------
    id : generated, says nothing of the patient
    revision : counted from 1
    volume : without identifiers and notices, which are not kept
    labels : (Z, Y, X) uint8, the person's mask
    model_labels : (Z, Y, X) uint8; None where no model was run
    reviewed_slices : ascending indices along Z; only these are trained on and scored
    patient_key : salted hash, the same for all cases of a patient in one ledger
    is_held_out : the patient's cases are for comparing models, never for training
    """

    id: str
    revision: int
    volume: Volume
    labels: np.ndarray
    model_labels: np.ndarray | None
    reviewed_slices: tuple[int, ...]
    report: str = field(repr=False)
    patient_key: str
    is_held_out: bool
    record: CorrectionRecord
