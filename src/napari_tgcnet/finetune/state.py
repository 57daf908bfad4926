"""What the panel shows, frozen, and the values its parts exchange.

Only the controller and its parts replace the state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from napari_tgcnet.finetune.progress import Progress
from tgcnet.domain import Case
from tgcnet.finetune.compared_masks import ComparedMasks
from tgcnet.finetune.events import SliceCompared, TimedEvent
from tgcnet.finetune.run_folder import RunStatus

AUTO_DEVICE = "auto"
STANDARD = "standard"
"""What learns by default: all but the CLIP towers."""


class Phase(StrEnum):
    """Phase of the run that the panel shows."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the user may set; None leaves it to the defaults of ``tgcnet finetune``.

    Attributes
    ----------
    learns : "standard", "adapters", "decoder" or "all"
    replay_share : share of earlier images in each batch, in [0, 1)
    cache_limit_gib : disk space that cached features may take
    """

    epochs: int | None = None
    learns: str = STANDARD
    learning_rate: float | None = None
    replay_share: float | None = None
    batch_size: int | None = None
    cache_limit_gib: float = 4.0
    seed: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a run would learn from and how much disk it would take, known before it starts.

    Attributes
    ----------
    num_slices, num_patients : reviewed slices to learn from, and the number of their patients
    num_held_out, num_held_out_patients : the same for the slices held out for comparison
    num_damaged : cases that cannot be read
    num_replayed, num_measured : images of the reference set used in training, and for measuring
    feature_bytes : size of all features of the frozen towers; 0 if the towers learn too
    missing : a sentence on what a run lacks; empty if it can start
    """

    num_slices: int = 0
    num_patients: int = 0
    num_held_out: int = 0
    num_held_out_patients: int = 0
    num_damaged: int = 0
    num_replayed: int = 0
    num_measured: int = 0
    feature_bytes: int = 0
    missing: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRow:
    """A registered model.

    Attributes
    ----------
    is_own : whether it is the user's and may be deleted; others come with the package
    lineage : sentences on its origin and the gate's verdict
    caution : why switching to it may be unwise; empty if nothing speaks against it
    """

    name: str
    is_active: bool = False
    is_own: bool = False
    lineage: tuple[str, ...] = ()
    caution: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelListing:
    """All registered models.

    Attributes
    ----------
    previous : the model that *Go back* switches to; None if there is none
    problem : why no active model can be determined; empty if one is active
    """

    rows: tuple[ModelRow, ...] = ()
    previous: str | None = None
    problem: str = ""

    @property
    def active(self) -> str | None:
        """Name of the active model; None if no model is active."""
        return next((row.name for row in self.rows if row.is_active), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneState:
    """Everything a view may show.

    Attributes
    ----------
    chosen_parent : the model the user chose to start from; None follows the active model
    run : folder of the run that is shown
    ended : how that run ended; None before its end
    ending : the same as a sentence
    can_kill : whether the run has ignored a request to stop for long enough to be killed
    shown : the held-out slice whose masks are in the viewer
    is_loading : whether a held-out slice is being loaded
    selected : name of the model whose lineage is shown
    question : to be answered before a model is switched to or deleted; empty if there is none
    problem, show_problem, models_problem : the latest failure of the run, of showing a slice, and
        of the models
    """

    ledger: Path
    reference: Path | None = None
    models: ModelListing = field(default_factory=ModelListing)
    chosen_parent: str | None = None
    device: str = AUTO_DEVICE
    options: Options = field(default_factory=Options)
    estimate: Estimate | None = None
    is_estimating: bool = False
    phase: Phase = Phase.IDLE
    run: Path | None = None
    progress: Progress = field(default_factory=Progress)
    ended: RunStatus | None = None
    ending: str = ""
    can_kill: bool = False
    shown: SliceCompared | None = None
    is_loading: bool = False
    selected: str | None = None
    question: str = ""
    is_switching: bool = False
    problem: str = ""
    show_problem: str = ""
    models_problem: str = ""

    @property
    def parent(self) -> str | None:
        """The model a run would start from."""
        return self.chosen_parent or self.models.active

    @property
    def selected_row(self) -> ModelRow | None:
        """The selected model, whose lineage is shown."""
        return next((row for row in self.models.rows if row.name == self.selected), None)

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way."""
        return self.phase in (Phase.STARTING, Phase.RUNNING, Phase.STOPPING)

    @property
    def can_start(self) -> bool:
        is_ready = self.estimate is not None and not self.estimate.missing
        return is_ready and not self.is_estimating and not self.is_busy and self.parent is not None

    @property
    def can_stop(self) -> bool:
        return self.phase is Phase.RUNNING

    @property
    def can_resume(self) -> bool:
        return self.phase is Phase.ENDED and self.ended not in (None, RunStatus.DONE)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """All that decides what a new run does."""

    ledger: Path
    reference: Path | None
    model: str
    device: str
    options: Options


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRun:
    """A run to show.

    Attributes
    ----------
    is_new : whether the call that returned it started it
    """

    run: Path
    status: RunStatus
    is_new: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RunUpdate:
    """What one look into a run's folder found.

    Attributes
    ----------
    events : those written since the last look
    is_alive : whether a process works on the run; if not, no further event will come
    last_log_line : of a process that ended without reporting why; empty if it may hold a path
    """

    events: tuple[TimedEvent, ...]
    is_alive: bool
    last_log_line: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedCase:
    """A held-out case with the masks of both models on its slices, by index along Z."""

    case: Case
    masks: dict[int, ComparedMasks]
