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
"""Data, attributes and type of a layer, as napari's readers return them."""


AUTOMATIC = "auto"
"""The choice of a modality that leaves it to the image's file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a person writes about an image; each image has its own.

    Attributes
    ----------
    reviewed : slices as :mod:`napari_tgcnet.shared.slice_ranges` reads them
    patient : any word that is the same for all images of one patient; only a hash of it is saved
    identity : what the report's file says of patient and study
    is_confirmed : a person confirmed a report that is of another patient or study
    """

    report: str = field(default="", repr=False)
    reviewed: str = ""
    notes: str = field(default="", repr=False)
    patient: str = field(default="", repr=False)
    identity: Identity = field(default_factory=Identity)
    is_confirmed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageInfo:
    """What panel and controller know about an image layer.

    Attributes
    ----------
    id : the link in ``layer.metadata``, never the layer's name
    num_axes : spatial axes of the layer; only 2 and 3 can be segmented
    modality : "ct", "xray" or "unknown"; the user's choice takes precedence over the file's
    modality_choice : what the user chose, :data:`AUTOMATIC` where nothing
    sides : one sentence on how left and right are known
    sample_report : the text that ships with a sample image, else None
    draft : the saved draft of an image that was opened as a case of a ledger, else None
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
    """A run that the user asked for. The report is the patient's: never logged.

    ``window_hu``: centre and width of the window that the model gets; None for its own.
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
    """A model's mask, kept in the metadata ("model_mask") of the mask layer a person corrects.

    Attributes
    ----------
    labels : (Z, Y, X) uint8; 0 outside ``slices``
    slices : those that a model segmented, ascending
    provenance : of the latest run; no patient data
    since_s : ``time.monotonic()`` when it appeared; None where that is not known any more
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
    source : of an image from DICOM; None for another format
    is_edited : a person drew the mask or a part of it
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
    """A snapshot of an image and its corrected mask, made on the Qt thread.

    Attributes
    ----------
    labels : (Y, X) or (Z, Y, X) as the layer has them, a copy
    model : None where no model was run
    window : contrast limits that the person saw; None for a colour image
    seconds : since the model's mask appeared; None where that is not known
    case : of an image that was opened as a case of a ledger, else None
    """

    source: LayerSource
    labels: np.ndarray
    classes: tuple[SegmentationClass, ...]
    model: ModelMask | None
    window: tuple[float, float] | None
    seconds: float | None
    case: OpenedFrom | None
