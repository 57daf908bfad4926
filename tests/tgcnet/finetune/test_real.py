"""One real fine-tune of each kind: taught the truth it is recommended, taught nonsense it is not.

The parent is ``mini`` with its decoder spoilt by noise, so that there is something to learn.
"""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tgcnet.finetune.conftest import CLASSES

from tgcnet.corrections import Correction, Ledger
from tgcnet.data.classes import read_mask
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.rows import Row
from tgcnet.domain import GateReport, Modality
from tgcnet.finetune.config import FinetuneConfig, FinetuneJob
from tgcnet.finetune.events import Compared, Event
from tgcnet.finetune.run_finetuning import finetune
from tgcnet.io import load_volume
from tgcnet.weights.load import load_model, save_model
from tgcnet.weights.switch import activate

NUM_CORRECTED, NUM_REFERENCE = 160, 140
CONFIG = FinetuneConfig(epochs=4, num_variants=2, replay_share=0.25, learning_rate=5e-4)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def weak_model(no_user_models: Path) -> str:
    """The active model: ``mini`` with noise on its decoder's weights."""
    loaded = load_model("mini")
    noise = torch.Generator().manual_seed(0)
    for parameter in loaded.model.decoder.parameters():
        if parameter.dim() > 1:
            shift = torch.randn(parameter.shape, generator=noise) * parameter.std()
            parameter.data.add_(2.0 * shift)
    save_model(loaded.model, replace(loaded.manifest, name="weak"), no_user_models / "weak")
    activate("weak")
    return "weak"


def one_image_a_patient(folder: Path) -> list[Row]:
    return list({row.subject: row for row in read_folder(folder)}.values())


def save(ledger: Ledger, row: Row, mask: np.ndarray, case_id: str | None = None) -> str:
    """The mask of some image as the correction of this one; the case's id."""
    volume = replace(load_volume(row.image, modality=Modality.XRAY), patient_id=row.subject)
    correction = Correction(
        volume=volume,
        labels=mask[None].astype(np.uint8),
        classes=CLASSES,
        reviewed_slices=(0,),
        report=row.report,
    )
    return ledger.save(correction, case_id).case_id


def copy_rows(rows: list[Row], folder: Path) -> Path:
    """A reference folder of its own."""
    table = [["image", "mask", "report", "subject"]]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for row in rows:
        shutil.copy(row.image, folder / "images")
        shutil.copy(row.mask, folder / "masks")
        table.append([row.image.name, row.mask.name, row.report, row.subject])
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    return folder


def tuned(data: Path, folder: Path, model: str, *, is_shuffled: bool) -> GateReport:
    """What the gate says of the model, taught true masks or each patient another one's."""
    rows = one_image_a_patient(data / "qata_cov19" / "val")
    corrected, others = rows[:NUM_CORRECTED], rows[NUM_CORRECTED:]
    ledger = Ledger.create(folder / "ledger")
    row_of = {save(ledger, row, read_mask(row.mask)): row for row in corrected}
    cases = ledger.cases().cases
    assert sum(case.is_held_out for case in cases) >= 30
    if is_shuffled:
        learnt = [case.case_id for case in cases if not case.is_held_out]
        for case_id, other in zip(learnt, [*learnt[1:], learnt[0]], strict=True):
            save(ledger, row_of[case_id], read_mask(row_of[other].mask), case_id)
    job = FinetuneJob(
        ledger=ledger.folder,
        out=folder / "run",
        model=model,
        reference=copy_rows(others[:NUM_REFERENCE], folder / "reference"),
        device="cpu",
    )
    told: list[Event] = []
    torch.set_num_threads(2)
    finetune(job, CONFIG, on_event=told.append, resume=False)
    report = next(event.report for event in told if isinstance(event, Compared))
    for part in (*report.held_out, *report.reference):
        change = part.dice_mean
        print(  # noqa: T201 - shown with -s, and where the test fails
            f"{part.text}, {part.num_cases} cases of {part.num_patients} patients: mean Dice "
            f"{change.before:.3f} to {change.after:.3f} ({change.low:+.3f} to {change.high:+.3f})"
        )
    print(*report.reasons, sep="\n")  # noqa: T201
    return report


def test_a_model_that_learnt_the_truth_is_recommended(
    data_folder: Path, tmp_path: Path, weak_model: str
) -> None:
    report = tuned(data_folder, tmp_path, weak_model, is_shuffled=False)
    [given] = [entry for entry in report.held_out if entry.text == "given"]
    assert given.dice_mean.difference >= 0.05
    assert min(entry.num_cases for entry in report.reference) >= 100
    assert report.recommended, report.reasons


def test_a_model_that_learnt_shuffled_masks_is_not(
    data_folder: Path, tmp_path: Path, weak_model: str
) -> None:
    report = tuned(data_folder, tmp_path, weak_model, is_shuffled=True)
    assert not report.recommended, report.reasons
