"""What the controller needs from the outside; it gets these as arguments and knows no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_tgcnet.finetune.state import Estimate, ModelListing, Options
from tgcnet.domain import Case
from tgcnet.finetune.compared_masks import ComparedMasks
from tgcnet.finetune.events import TimedEvent
from tgcnet.finetune.run_folder import RunStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOrder:
    """A run, as it was asked for."""

    ledger: Path
    reference: Path | None
    model: str
    device: str
    options: Options


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A run to show.

    ``is_new``: it was started by this very call.
    """

    run: Path
    status: RunStatus
    is_new: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What one look at a run's folder found.

    Attributes
    ----------
    events : since the last look
    is_alive : a process works on it; where not, no event will come
    last_words : of a process that ended without a word; empty where they may hold a path
    """

    events: tuple[TimedEvent, ...]
    is_alive: bool
    last_words: str = ""


class Runs(Protocol):
    """Runs as processes; all but ``ask_to_stop`` are called in worker threads."""

    def start(self, order: RunOrder) -> Found: ...
    def resume(self, run: Path, ledger: Path, reference: Path | None) -> Found: ...
    def pick_up(self) -> Found | None: ...
    def ask_to_stop(self, run: Path) -> None: ...
    def kill(self, run: Path) -> None: ...
    def is_alive(self, run: Path) -> bool: ...


class Watch(Protocol):
    """Looks at one run's folder again and again; the listener is called on the Qt thread."""

    def follow(self, run: Path, listener: Callable[[News], None]) -> None: ...
    def stop(self) -> None: ...


class Estimator(Protocol):
    """Reads the ledger and the reference set; called in worker threads."""

    def __call__(
        self, *, ledger: Path, reference: Path | None, model: str, options: Options
    ) -> Estimate: ...


class Models(Protocol):
    """The registered models; called in worker threads."""

    def listing(self) -> ModelListing: ...
    def switch_to(self, name: str) -> None: ...
    def go_back(self) -> None: ...
    def delete(self, name: str) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOutCase:
    """A held-out case with what both models drew on its slices, by index along Z."""

    case: Case
    masks: dict[int, ComparedMasks]


class HeldOut(Protocol):
    """Reads a compared case; called in worker threads."""

    def __call__(self, *, run: Path, ledger: Path, case_id: str) -> HeldOutCase: ...


class ComparisonLayers(Protocol):
    """The viewer's layers of the case that is compared."""

    def show(self, held_out: HeldOutCase, z: int) -> None: ...
