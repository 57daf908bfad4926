"""One image with what belongs to it: its mask, its report, its correction. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tgcnet.corrections import OpenedFrom
from tgcnet.domain import (
    DicomSource,
    Geometry,
    Identity,
    NamedWindow,
    SegmentationClass,
    VolumeHeader,
)

LayerTuple = tuple[Any, dict[str, Any], str]


AUTOMATIC = "auto"
"""The modality as the image's file tells it, and not the user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a person writes about an image; each image has its own.

    Attributes
    ----------
    reviewed : slices as :mod:`napari_tgcnet.segment.slice_ranges` reads them
    patient : any word that is the same for all images of one patient; only a hash of it is kept
    identity : what the report's file says of patient and study
    is_confirmed : a person uses the report although it is of another patient or study
    """

    report: str = field(default="", repr=False)
    reviewed: str = ""
    notes: str = field(default="", repr=False)
    patient: str = field(default="", repr=False)
    identity: Identity = field(default_factory=Identity)
    is_confirmed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageInfo:
    """An image layer, as far as panel and controller need to know it.

    Attributes
    ----------
    id : the link in ``layer.metadata``, never the layer's name
    num_axes : spatial axes of the layer; only 2 and 3 can be segmented
    modality : "ct", "xray" or "unknown"; the user's word goes before the file's
    modality_choice : what the user said it is, :data:`AUTOMATIC` where nothing
    sides : one sentence on how left and right are known
    sample_report : the text that ships with a sample image, else None
    draft : what a case that was opened again begins with, else None
    notices : what was assumed or converted while reading
    windows : presets that one click shows; none where ``no_windows`` says why
    identity : what the file says of patient and study
    """

    id: str
    name: str
    num_slices: int = 1
    num_axes: int = 2
    modality: str = "unknown"
    modality_choice: str = AUTOMATIC
    sides: str = ""
    sample_report: str | None = None
    draft: Draft | None = None
    notices: tuple[str, ...] = ()
    windows: tuple[NamedWindow, ...] = ()
    no_windows: str = ""
    identity: Identity = field(default_factory=Identity)


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSource:
    """What a worker thread needs of an image layer, read on the Qt thread."""

    data: Any
    is_rgb: bool
    ndim: int
    header: VolumeHeader


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentRequest:
    """A run, as it was asked for. The report is the patient's: never logged.

    ``window_hu``: centre and width that the model is to see; None for its own.
    """

    image_id: str
    model: str
    device: str
    report: str
    slices: range
    threshold: float
    window_hu: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelMask:
    """What a model drew, kept with the mask layer a person corrects (its metadata's "model_mask").

    Attributes
    ----------
    labels : (Z, Y, X) uint8; 0 outside ``slices``
    slices : those that a model segmented, ascending
    provenance : of the latest run; no patient data
    since_s : ``time.monotonic()`` when it appeared; None where nobody knows any more
    """

    labels: np.ndarray
    slices: tuple[int, ...]
    provenance: Mapping[str, str]
    since_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskToSave:
    """A copy of a mask layer, so that saving it does not race with painting.

    Attributes
    ----------
    source : of an image from DICOM; None where it is from another format
    is_edited : the mask is not, or not only, a model's
    """

    name: str
    labels: np.ndarray
    geometry: Geometry
    provenance: Mapping[str, str]
    classes: tuple[SegmentationClass, ...] = ()
    source: DicomSource | None = None
    is_edited: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionToSave:
    """An image with its mask as a person left it, taken on the Qt thread.

    Attributes
    ----------
    labels : (Y, X) or (Z, Y, X) as the layer has them, a copy
    model : None where no model was run
    window : contrast limits that the person saw; None for a colour image
    seconds : since the model's mask appeared; None where nobody knows
    case : of one that was opened again, else None
    """

    source: LayerSource
    labels: np.ndarray
    classes: tuple[SegmentationClass, ...]
    model: ModelMask | None
    window: tuple[float, float] | None
    seconds: float | None
    case: OpenedFrom | None
