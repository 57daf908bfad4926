"""A controller of corrections among mocked surroundings, and phantom corrections on a disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from napari_tgcnet.corrections.controller import CorrectionsController
from napari_tgcnet.corrections.ports import CaseLayers, CorrectionsView, LedgerStore
from napari_tgcnet.corrections.state import CorrectionsState, MoveResult
from napari_tgcnet.shared.session import Session
from tgcnet.corrections import CaseSummary, Correction, Ledger, Listing
from tgcnet.domain import Geometry, Modality, SegmentationClass, Volume
from tgcnet.errors import TgcnetError

CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)
PROVENANCE = {"model": "mini", "sha256": "ab" * 32, "threshold": "0.5"}

SUMMARY = CaseSummary(
    case_id="a" * 16,
    created_utc="2026-01-01T10:00:00.000+00:00",
    saved_utc="2026-01-02T10:00:00.000+00:00",
    patient_key="p",
    is_held_out=False,
    model="mini",
    classes=("infection",),
    num_revisions=1,
    num_slices=120,
    reviewed_slices=(0, 1, 2),
    dice_pooled=0.871,
    dice_mean=0.802,
)


class WaitingWorkers:
    """Does one piece of work at a time, when the test says so."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Callable, Callable, Callable]] = deque()

    def start(self, work, then, failed) -> None:
        self.waiting.append((work, then, failed))

    def work(self) -> None:
        work, then, failed = self.waiting.popleft()
        try:
            value = work()
        except TgcnetError as error:
            failed(str(error))
        else:
            then(value)

    def work_all(self) -> None:
        while self.waiting:
            self.work()


class Desk:
    """A controller with three cases in its ledger, nothing of them read yet."""

    def __init__(self) -> None:
        self.view = Mock(spec=CorrectionsView)
        self.layers = Mock(spec=CaseLayers)
        self.ledger_store = Mock(spec=LedgerStore)
        self.workers = WaitingWorkers()
        self.session = Session(Path("first"))
        self.layers.select.return_value = False
        self.ledger_store.list_cases.return_value = Listing(cases=three_cases(), problems=())
        self.ledger_store.thumbnail.return_value = np.zeros((2, 2, 3), dtype=np.uint8)
        self.ledger_store.move.return_value = MoveResult(num_moved=1)
        self.controller = CorrectionsController(
            view=self.view,
            layers=self.layers,
            ledger_store=self.ledger_store,
            workers=self.workers,
            session=self.session,
        )
        self.controller.open_panel()

    @property
    def state(self) -> CorrectionsState:
        shown: CorrectionsState = self.view.show_state.call_args.args[0]
        assert shown == self.controller.state
        return shown


def three_cases() -> tuple[CaseSummary, ...]:
    """The second was saved last; the third has no model's mask."""
    return (
        replace(SUMMARY, case_id="a" * 16, saved_utc="2026-01-02T10:00:00.000+00:00"),
        replace(SUMMARY, case_id="b" * 16, saved_utc="2026-01-05T10:00:00.000+00:00"),
        replace(
            SUMMARY,
            case_id="c" * 16,
            saved_utc="2026-01-03T10:00:00.000+00:00",
            dice_pooled=None,
            dice_mean=None,
            model=None,
        ),
    )


def phantom_correction(seed: int = 0, num_slices: int = 3, **changes: Any) -> Correction:
    """A small stack, or a radiograph where ``num_slices`` is 1."""
    random = np.random.default_rng(seed)
    array = random.integers(-1000, 400, (num_slices, 40, 32)).astype(np.int16)
    labels = np.zeros(array.shape, dtype=np.uint8)
    labels[-1, 10:20, 8:20] = 1
    model_labels = np.roll(labels, 3, axis=2)
    affine = np.array([[0, 0, 0.8, -30.0], [0, 0.8, 0, 20.0], [2.5, 0, 0, 5.0], [0, 0, 0, 1.0]])
    volume = Volume(
        array=array,
        geometry=Geometry(affine_lps=affine, unit="mm"),
        modality=Modality.CT,
        intensity_unit="HU",
        patient_id=f"patient {seed}",
    )
    correction = Correction(
        volume=volume,
        labels=labels,
        classes=CLASSES,
        reviewed_slices=(num_slices - 1,),
        report="Consolidation on the left.",
        model_labels=model_labels,
        provenance=PROVENANCE,
        window=(-1350.0, 150.0, "HU"),
        notes="rim too wide",
    )
    return replace(correction, **changes)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def cases() -> tuple[CaseSummary, ...]:
    return three_cases()


@pytest.fixture
def make_correction() -> Callable[..., Correction]:
    return phantom_correction


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "ledger")
