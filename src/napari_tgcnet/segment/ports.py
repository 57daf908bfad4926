"""What the controller needs from the outside; it gets these as arguments and knows no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from napari_tgcnet.segment.state import Draft, ImageInfo
from tgcnet.domain import DicomSource, Geometry, SegmentationClass, VolumeHeader
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About

S = TypeVar("S", contravariant=True)
T = TypeVar("T")

LayerTuple = tuple[Any, dict[str, Any], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSource:
    """What a worker thread needs of an image layer, taken on the Qt thread."""

    data: Any
    is_rgb: bool
    ndim: int
    header: VolumeHeader


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
class OpenedFrom:
    """Where an image was opened from that is a case of a ledger (its metadata's "case").

    ``patient_key``: as the ledger has it; the image itself does not name its patient any more.
    """

    ledger: Path
    case_id: str
    patient_key: str


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


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptCorrection:
    """Where a correction went, and what a person should know of it.

    Attributes
    ----------
    changed_not_reviewed : slices that will not be learnt from
    taken_over : slices that an earlier revision had reviewed; they stand in this one as they were
    is_new_ledger : the folder held no ledger before
    was_in_bin : the case had been deleted, and is back
    """

    case_id: str
    revision: int
    changed_not_reviewed: tuple[int, ...] = ()
    taken_over: tuple[int, ...] = ()
    is_new_ledger: bool = False
    was_in_bin: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
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


class View(Protocol[S]):
    """Shows a panel's state; decides nothing."""

    def show_state(self, state: S) -> None: ...


class Layers(Protocol):
    """The viewer's layers, by the ids in their metadata; see ``segment.bridge``."""

    def images(self) -> tuple[ImageInfo, ...]: ...
    def choose(self, image_id: str | None) -> None: ...
    def current_slice(self, image_id: str) -> int: ...
    def active_image(self) -> str | None: ...
    def set_modality(self, image_id: str, choice: str) -> None: ...
    def has_mask(self, image_id: str) -> bool: ...
    def has_paint(self, image_id: str, slices: range) -> bool: ...
    def source(self, image_id: str) -> LayerSource: ...
    def geometry(self, image_id: str) -> Geometry: ...
    def open_run(
        self,
        image_id: str,
        slices: range,
        classes: Sequence[SegmentationClass],
        provenance: Mapping[str, str],
    ) -> None: ...
    def add_provenance(self, more: Mapping[str, str]) -> None: ...
    def write_slice(self, index: int, labels: np.ndarray) -> None: ...
    def commit(self, provenance: Mapping[str, str] | None = None) -> int: ...
    def show_window(self, image_id: str, low: float, high: float) -> None: ...
    def shown_window(self, image_id: str) -> tuple[float, float] | None: ...
    def take_mask(self, image_id: str) -> MaskToSave: ...
    def take_correction(self, image_id: str) -> CorrectionToSave: ...
    def add(self, layer: LayerTuple) -> str: ...
    def jump_to(self, image_id: str, index: int) -> None: ...
    def close(self) -> None: ...


class Engine(Protocol):
    """The model's process; events arrive by :meth:`Controller.take_event`."""

    def start(self) -> None: ...
    def describe(self) -> None: ...
    def read_report(self, text: str, *, model: str) -> None: ...
    def segment(self, order: Order, source: LayerSource) -> None: ...
    def slice_labels(self, index: int) -> np.ndarray: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...


class Workers(Protocol):
    """Work off the Qt thread; ``then`` and ``failed`` (with a sentence) come back on it."""

    def start(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None: ...


class Files(Protocol):
    """Reading and writing; called in worker threads."""

    def read_image(self, path: Path) -> LayerTuple: ...
    def read_report(self, path: Path, about: About) -> ReportFile: ...
    def save_mask(self, mask: MaskToSave, path: Path, *, deidentify: bool = False) -> None: ...
    def check_ledger(self, folder: Path) -> None: ...
    def save_correction(
        self,
        taken: CorrectionToSave,
        draft: Draft,
        reviewed: tuple[int, ...],
        ledger: Path,
    ) -> KeptCorrection: ...
