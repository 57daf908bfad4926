"""What the panel shows, as a frozen state; only the controller replaces it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from napari_tgcnet.shared.case import Draft, ImageInfo


class Scope(StrEnum):
    """Which slices a run covers."""

    CURRENT = "current"
    RANGE = "range"
    ALL = "all"


class Asking(StrEnum):
    """What a question in the panel is about."""

    REPLACE = "replace"
    REPORT = "report"
    MODALITY = "modality"


class Phase(StrEnum):
    """What the panel is doing; everything but IDLE disables Run."""

    IDLE = "idle"
    READING_FILE = "reading_file"
    SAVING_FILE = "saving_file"
    SAVING_CORRECTION = "saving_correction"
    READING_REPORT = "reading_report"
    ASKING = "asking"
    RUNNING = "running"
    CANCELLING = "cancelling"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """A model the user may choose; ``threshold`` is the one it was evaluated with."""

    name: str
    label: str
    threshold: float = 0.5
    findings: tuple[str, ...] = ()
    is_active: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceChoice:
    """A device the user may choose; the label carries the free memory where known."""

    name: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One button of a question."""

    value: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question that the panel shows until a button answers it."""

    kind: Asking
    text: str
    options: tuple[Option, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultSummary:
    """What a run found.

    Attributes
    ----------
    lines : sentences: extent per class, slices with findings, time and device
    largest_slice : index of the slice with the largest finding, None where nothing was found
    """

    lines: tuple[str, ...]
    largest_slice: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentState:
    """Everything a view may show.

    Attributes
    ----------
    engine_problem : why the model's process did not become ready
    window_for_model : the model gets a CT as it is shown, not in its own window
    ledger, ledger_path : the folder of corrections: its name, and its whole path
    """

    phase: Phase = Phase.IDLE
    engine_ready: bool = False
    engine_problem: str = ""
    images: tuple[ImageInfo, ...] = ()
    image_id: str | None = None
    models: tuple[ModelChoice, ...] = ()
    model: str | None = None
    devices: tuple[DeviceChoice, ...] = ()
    device: str = "auto"
    draft: Draft = field(default_factory=Draft)
    ledger: str = ""
    ledger_path: str = ""
    scope: Scope = Scope.ALL
    range_first: int = 0
    range_last: int = 0
    threshold: float = 0.5
    window_for_model: bool = False
    can_save: bool = False
    fraction: float = 0.0
    seconds_left: float | None = None
    question: Question | None = None
    problem: str = ""
    notices: tuple[str, ...] = ()
    result: ResultSummary | None = None

    @property
    def image(self) -> ImageInfo | None:
        """The chosen image, None where there is none."""
        return next((image for image in self.images if image.id == self.image_id), None)

    @property
    def report(self) -> str:
        return self.draft.report

    @property
    def is_busy(self) -> bool:
        return self.phase is not Phase.IDLE

    @property
    def can_run(self) -> bool:
        return not self.is_busy and self.image is not None and self.model is not None

    @property
    def can_cancel(self) -> bool:
        return self.phase in (Phase.READING_REPORT, Phase.RUNNING, Phase.ASKING)
