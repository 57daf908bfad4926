"""What the panel shows, frozen; the controller is the only one to replace it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from napari_tgcnet.finetune.progress import Progress
from tgcnet.finetune.events import SliceCompared
from tgcnet.finetune.run_folder import RunStatus

AUTO_DEVICE = "auto"
STANDARD = "standard"
"""What learns where nobody chose: all but the CLIP towers."""


class Phase(StrEnum):
    """Where the followed run stands, as the panel knows it."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a person may set; None leaves it to ``tgcnet finetune``.

    Attributes
    ----------
    learns : "standard", "adapters", "decoder" or "all"
    replay_share : of each batch, in [0, 1)
    cache_limit_gib : disk that kept features may take
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
    """What a run would work with, told before it starts.

    Attributes
    ----------
    num_slices, num_patients : reviewed slices to learn from, and whose they are
    num_held_out, num_held_out_patients : the same of those kept aside to compare on
    num_damaged : cases that cannot be read
    num_replayed, num_measured : images of the reference set, by what they are for
    feature_bytes : all features of the frozen towers; 0 where these learn too
    missing : a sentence about what a run lacks; empty where it can start
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
    is_own : the user's, so it may be deleted; others came with the package
    lineage : sentences: where it comes from, what the gate said
    caution : why a person should think twice before switching to it; empty where nothing speaks
        against it
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
    previous : the one that *Go back* leads to; None where there is none
    problem : why nobody knows which model is active; empty where one is
    """

    rows: tuple[ModelRow, ...] = ()
    previous: str | None = None
    problem: str = ""

    @property
    def active(self) -> str | None:
        """Name of the active model; None where none is."""
        return next((row.name for row in self.rows if row.is_active), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneState:
    """Everything a view may show.

    Attributes
    ----------
    chosen_parent : the model a person chose to start from; None follows the active one
    run : the folder of the run that is followed or shown
    ended : how that run ended; None before
    can_kill : Stop was asked for long ago, and the process still lives
    shown : the held-out slice whose masks are in the viewer
    selected : the model whose lineage is shown
    question : about switching; empty where nothing is asked
    problem, models_problem : the latest sentence about what did not work, by section
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
        """The model whose lineage is shown."""
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
