"""A controller among mocked surroundings, a report of the gate, and a ledger of phantoms."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from napari_tgcnet.finetune.controller import FinetuneController
from napari_tgcnet.finetune.ports import (
    ComparedCaseLoader,
    ComparisonLayers,
    Estimator,
    Models,
    Runs,
    RunWatcher,
)
from napari_tgcnet.finetune.state import (
    Estimate,
    FinetuneState,
    FoundRun,
    ModelListing,
    ModelRow,
    RunUpdate,
)
from napari_tgcnet.segment.ports import View
from napari_tgcnet.shared.session import Session
from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Change, Comparison, GateReport, ModelIdentity, SegmentationClass
from tgcnet.errors import TgcnetError
from tgcnet.finetune.events import Begun, Event, TimedEvent
from tgcnet.finetune.run_folder import RunStatus
from tgcnet.samples import phantom_stack

RUN = Path("runs") / "20260101-000000-abc"
BEGUN = Begun(
    parent="mini", num_new=4, num_earlier=0, num_reference=0, num_held_out=2, total_steps=10,
    cache_bytes=0, device="cpu", process_id=1,
)  # fmt: skip
ESTIMATE = Estimate(num_slices=4, num_patients=1, num_held_out=2, num_held_out_patients=1)
MINI = ModelRow(name="mini", is_active=True)
TUNED = ModelRow(name="tuned", is_own=True, lineage=("Fine-tuned from “mini”.",))
CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)


class DirectWorkers:
    """Does the work at once; a refusal of the family comes back as its sentence."""

    def start(self, work, then, failed):
        try:
            result = work()
        except TgcnetError as error:
            failed(str(error))
        else:
            then(result)


class Desk:
    """A controller and its mocked surroundings; no run to pick up, two models, enough to learn."""

    def __init__(self) -> None:
        self.view, self.runs = Mock(spec=View), Mock(spec=Runs)
        self.watcher, self.models = Mock(spec=RunWatcher), Mock(spec=Models)
        self.estimator, self.load_case = Mock(spec=Estimator), Mock(spec=ComparedCaseLoader)
        self.layers = Mock(spec=ComparisonLayers)
        self.session = Session(Path("corrections"))
        self.now_s = 100.0
        self.runs.find_current.return_value = None
        self.runs.start.return_value = FoundRun(run=RUN, status=RunStatus.RUNNING, is_new=True)
        self.runs.resume.return_value = self.runs.start.return_value
        self.models.listing.return_value = ModelListing(rows=(MINI, TUNED))
        self.estimator.return_value = ESTIMATE
        self.workers = DirectWorkers()

    def open(self) -> None:
        self.controller = FinetuneController(
            view=self.view,
            session=self.session,
            workers=self.workers,
            runs=self.runs,
            watcher=self.watcher,
            models=self.models,
            estimator=self.estimator,
            load_case=self.load_case,
            layers=self.layers,
            now_s=lambda: self.now_s,
        )
        self.controller.open_panel()

    @property
    def state(self) -> FinetuneState:
        shown: FinetuneState = self.view.show_state.call_args.args[0]
        assert shown == self.controller.state
        return shown

    def hear(self, *events: Event, is_alive: bool = True, last_log_line: str = "") -> None:
        """What a look at the run's folder finds."""
        listener = self.watcher.follow.call_args.args[1]
        timed = tuple(TimedEvent(time_s=0.0, event=event) for event in events)
        listener(RunUpdate(events=timed, is_alive=is_alive, last_log_line=last_log_line))


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.open()
    return desk


@pytest.fixture
def unopened_desk() -> Desk:
    return Desk()


@pytest.fixture
def begun() -> Begun:
    return BEGUN


@pytest.fixture
def report() -> GateReport:
    def change(difference: float) -> Change:
        return Change(
            before=0.7, after=0.7 + difference, difference=difference,
            low=difference - 0.03, high=difference + 0.03,
        )  # fmt: skip

    comparison = Comparison(
        text="given", num_cases=14, num_patients=6, dice_mean=change(0.05), dice_pooled=change(0.04)
    )
    return GateReport(
        active=ModelIdentity(name="mini", sha256="a" * 64),
        candidate=ModelIdentity(name="tuned", sha256="b" * 64),
        held_out=(comparison, replace(comparison, text="none")),
        reference=(replace(comparison, num_cases=312, num_patients=300),),
        recommended=True,
        reasons=("Better than chance.", "Nothing that matters was forgotten."),
        date_utc="2026-01-01T00:00:00+00:00",
        versions=(),
        seed=0,
        num_resamples=1000,
    )


@pytest.fixture
def add_case(tmp_path: Path) -> Callable[..., str]:
    """Saves a phantom of a patient of that number; the second is held out, as ledgers do."""
    ledger = Ledger.create(tmp_path / "ledger")

    def add(patient: int, reviewed: tuple[int, ...] = (2, 3)) -> str:
        phantom = phantom_stack()
        array = phantom.array[:6] + patient
        volume = replace(phantom, array=array, patient_id=f"patient {patient}")
        labels = np.zeros(array.shape, dtype=np.uint8)
        labels[2:4, 10:20, 10:20] = 1
        correction = Correction(
            volume=volume, labels=labels, classes=CLASSES, reviewed_slices=reviewed,
            window=(-1350.0, 150.0, "HU"),
        )  # fmt: skip
        return ledger.save(correction).case_id

    return add


@pytest.fixture
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Runs, models and corrections of the user's, all below one folder, and none there yet."""
    for name in ("RUNS", "MODELS", "CORRECTIONS"):
        monkeypatch.setenv(f"TGCNET_{name}", str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def program() -> Callable[[str], tuple[str, ...]]:
    """A process that behaves like a run in the way that is named; see ``fake_run.py``."""
    script = Path(__file__).with_name("fake_run.py")
    return lambda behaviour: (sys.executable, "-P", str(script), behaviour)
