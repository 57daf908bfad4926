"""A ledger of phantom corrections, and the tiny model to fine-tune on it and compare with."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Geometry, Modality, SegmentationClass, Volume
from tgcnet.finetune.config import FinetuneConfig, FinetuneJob
from tgcnet.finetune.events import Event
from tgcnet.finetune.run_finetuning import finetune
from tgcnet.weights.manifest import read_manifest
from tgcnet.weights.switch import activate

CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)
REPORTS = ("Pulmonary infection, lower left lung.", "Pulmonary infection, upper right lung.")
SHORT = FinetuneConfig(
    epochs=3, batch_size=4, micro_batch=4, learning_rate=1e-3, checkpoint_every=2, num_variants=2
)


def phantom_correction(index: int, *, patient: str, num_slices: int = 1) -> Correction:
    """A bright block on noise, in the place that the text names."""
    rng = np.random.default_rng(index)
    array = rng.integers(40, 80, (num_slices, 64, 64)).astype(np.uint8)
    labels = np.zeros(array.shape, dtype=np.uint8)
    rows, columns = (slice(36, 56), slice(38, 58)) if index % 2 == 0 else (slice(6, 26),) * 2
    labels[:, rows, columns] = 1
    array[labels > 0] += 120
    return Correction(
        volume=Volume(
            array=array,
            geometry=Geometry(affine_lps=np.eye(4)),
            modality=Modality.XRAY,
            is_display_ready=True,
            patient_id=patient,
        ),
        labels=labels,
        classes=CLASSES,
        reviewed_slices=tuple(range(num_slices)),
        report=REPORTS[index % 2],
    )


@pytest.fixture
def ledger_folder(tmp_path: Path) -> Path:
    """Eight patients, of whom two are held out."""
    ledger = Ledger.create(tmp_path / "ledger")
    for index in range(8):
        ledger.save(phantom_correction(index, patient=f"patient {index}"))
    return tmp_path / "ledger"


def switch_on(model: Path, models: Path) -> Path:
    """Put a model among the user's models and make it the active one; their folder."""
    shutil.copytree(model, models / read_manifest(model).name)
    activate(read_manifest(model).name)
    return models


@pytest.fixture
def models(tiny_model_folder: Path, no_user_models: Path) -> Path:
    """The user's models: the tiny one, switched on."""
    return switch_on(tiny_model_folder, no_user_models)


@pytest.fixture
def job(ledger_folder: Path, tiny_model_folder: Path, models: Path, tmp_path: Path) -> FinetuneJob:
    return FinetuneJob(
        ledger=ledger_folder, out=tmp_path / "run", model=str(tiny_model_folder), device="cpu"
    )


Tune = Callable[..., tuple[Path, list[Event]]]


@pytest.fixture
def tune_and_compare(job: FinetuneJob) -> Tune:
    """Runs, with any field of job or configuration replaced; the candidate and its events."""

    def run(
        *,
        resume: bool = False,
        on_event: Callable[[Event], object] | None = None,
        job_changes: dict[str, Any] | None = None,
        **changes: Any,
    ) -> tuple[Path, list[Event]]:
        events: list[Event] = []

        def keep(event: Event) -> None:
            events.append(event)
            if on_event is not None:
                on_event(event)

        folder = finetune(
            replace(job, **(job_changes or {})),
            replace(SHORT, **changes),
            on_event=keep,
            resume=resume,
        )
        return folder, events

    return run


@pytest.fixture
def tune(tune_and_compare: Tune, monkeypatch: pytest.MonkeyPatch) -> Tune:
    """The same without the gate, which takes longer than training here."""
    monkeypatch.setattr("tgcnet.finetune.run_finetuning.compare_with_active", lambda *_, **__: None)
    return tune_and_compare
