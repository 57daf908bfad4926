"""The end of a run: the candidate is installed and compared, whatever comes in between."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tgcnet.finetune.conftest import CLASSES, Tune, phantom_correction

from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Case
from tgcnet.errors import Cancelled, CheckpointError, InputError, OutputError
from tgcnet.finetune import compare_with_active as comparison
from tgcnet.finetune.compare_with_active import REPORT_FILE, SCORES_FILE, compare_with_active
from tgcnet.finetune.compared_masks import read_compared
from tgcnet.finetune.config import FinetuneJob
from tgcnet.finetune.events import (
    STOP_FILE,
    Compared,
    Comparing,
    Done,
    Event,
    Prepared,
    Scored,
    Stepped,
    Written,
)
from tgcnet.gate.case_scores import read_scores
from tgcnet.gate.report_json import report_from_json
from tgcnet.metrics import MetricAccumulator
from tgcnet.models import SegmentationModel
from tgcnet.weights.active import ACTIVE_FILE, read_active
from tgcnet.weights.load import load_model, save_model, verify
from tgcnet.weights.manifest import WEIGHTS_FILE, Lineage, read_manifest
from tgcnet.weights.switch import activate

Compare = Callable[[], list[Event]]


@pytest.fixture
def candidate(tiny_model_folder: Path, models: Path) -> Path:
    """A child of the tiny model that nobody trained, among the user's models."""
    loaded = load_model(str(tiny_model_folder))
    with torch.no_grad():
        for parameter in loaded.model.decoder.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    lineage = Lineage(parent="tiny", parent_sha256=loaded.manifest.sha256)
    save_model(
        loaded.model, replace(loaded.manifest, name="child", lineage=lineage), models / "child"
    )
    return models / "child"


@pytest.fixture
def compare(job: FinetuneJob, candidate: Path) -> Compare:
    """The gate's part of a run alone; what it told."""

    def run() -> list[Event]:
        told: list[Event] = []
        job.out.mkdir(exist_ok=True)
        compare_with_active(
            candidate.name,
            job,
            Ledger.open(job.ledger),
            torch.device("cpu"),
            measured=(),
            on_event=told.append,
            on_problem=lambda problem: pytest.fail(problem.sentence),
        )
        return told

    return run


def compared(told: list[Event]) -> Compared:
    return next(event for event in told if isinstance(event, Compared))


def held_out_cases(folder: Path) -> list[Case]:
    cases = Ledger.open(folder).load_reviewed(lambda problem: pytest.fail(problem.sentence))
    return [case for case in cases if case.is_held_out]


def test_a_stop_while_comparing_leaves_the_candidate_and_resumes_with_the_gate(
    tune_and_compare: Tune, job: FinetuneJob, models: Path
) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Comparing):
            (job.out / STOP_FILE).touch()

    with pytest.raises(Cancelled, match=r"candidate tiny-ft-.* compared when the run is resumed"):
        tune_and_compare(epochs=1, on_event=stop)
    [before] = models.glob("tiny-ft-*")
    verify(before)
    assert read_manifest(job.out / "model" / before.name) == read_manifest(before)
    assert not (job.out / REPORT_FILE).exists()
    weights = (before / WEIGHTS_FILE).read_bytes()
    folder, told = tune_and_compare(epochs=1, resume=True)
    assert folder == before
    assert (folder / WEIGHTS_FILE).read_bytes() == weights
    assert len(list(models.glob("tiny-ft-*"))) == 1
    assert not [e for e in told if isinstance(e, Stepped | Prepared | Scored)]
    assert Written(model=folder.name) in told
    assert isinstance(told[-2], Compared)
    assert told[-1] == Done(model=folder.name)
    assert read_active().current.name == "tiny"  # nothing was switched


def test_the_verdict_is_kept_in_the_run_and_in_the_lineage(
    compare: Compare, job: FinetuneJob, candidate: Path
) -> None:
    told = compare()
    report = compared(told).report
    assert report.candidate == read_manifest(candidate).identity
    assert report.active == read_active().current
    assert report_from_json(json.loads((job.out / REPORT_FILE).read_bytes())) == report
    lineage = read_manifest(candidate).lineage
    assert lineage is not None
    assert report_from_json(lineage.gate) == report
    held_out, reference = read_scores(job.out / SCORES_FILE)
    assert reference is None
    assert len(held_out.candidate) == 2 * len(compared(told).slices)


def test_both_masks_of_each_held_out_slice_are_kept(compare: Compare, job: FinetuneJob) -> None:
    ledger = Ledger.open(job.ledger)
    for index in range(20, 24):
        ledger.save(phantom_correction(index, patient=f"stack {index}", num_slices=3))
    told = compare()
    cases = held_out_cases(job.ledger)
    assert {len(case.reviewed_slices) for case in cases} == {1, 3}
    places = [(entry.case_id, entry.z) for entry in compared(told).slices]
    assert places == [(case.id, z) for case in cases for z in case.reviewed_slices]
    dices = dict(zip(places, compared(told).slices, strict=True))
    for case in cases:
        masks = read_compared(job.out, case.id)
        assert list(masks) == list(case.reviewed_slices)
        for z, pair in masks.items():
            truth, entry = case.labels[z] > 0, dices[case.id, z]
            assert MetricAccumulator().add(pair.before, truth).dice == entry.dice_before
            assert MetricAccumulator().add(pair.after, truth).dice == entry.dice_after
    assert any(entry.dice_before != entry.dice_after for entry in dices.values())


def test_it_is_the_active_model_that_counts(
    compare: Compare, models: Path, tiny_model_folder: Path
) -> None:
    loaded = load_model(str(tiny_model_folder))
    with torch.no_grad():
        next(loaded.model.decoder.parameters()).mul_(0.5)
    save_model(loaded.model, replace(loaded.manifest, name="other"), models / "other")
    activate("other")
    assert compared(compare()).report.active.name == "other"


def break_active_file(job: FinetuneJob, models: Path) -> None:
    (models / ACTIVE_FILE).write_text("?")


def break_active_weights(job: FinetuneJob, models: Path) -> None:
    (models / "tiny" / WEIGHTS_FILE).write_bytes(b"damaged")


def switch_the_candidate_on(job: FinetuneJob, models: Path) -> None:
    activate("child")


def empty_the_ledger(job: FinetuneJob, models: Path) -> None:
    for case in held_out_cases(job.ledger):
        Ledger.open(job.ledger).delete(case.id)


def block_the_report(job: FinetuneJob, models: Path) -> None:
    (job.out / REPORT_FILE).mkdir(parents=True)


@pytest.mark.parametrize(
    ("damage", "error", "sentence"),
    [
        (break_active_file, CheckpointError, "active.json in the models folder is damaged"),
        (break_active_weights, CheckpointError, "of model 'tiny' has SHA-256"),
        (switch_the_candidate_on, InputError, "has the same weights as the model it is compared"),
        (empty_the_ledger, InputError, "holds no reviewed slice of a held-out patient"),
        (block_the_report, OutputError, "gate.json is a folder"),
    ],
)
def test_a_comparison_that_fails_names_the_candidate_and_says_what_to_do(
    compare: Compare,
    job: FinetuneJob,
    models: Path,
    damage: Callable[[FinetuneJob, Path], None],
    error: type[Exception],
    sentence: str,
) -> None:
    damage(job, models)
    with pytest.raises(error, match="The candidate child is among your models") as caught:
        compare()
    assert sentence in str(caught.value)
    assert "resume the run, or compare with tgcnet gate --candidate child" in str(caught.value)
    assert str(models) not in str(caught.value)


def test_the_remedy_names_all_that_the_gate_needs(
    compare: Compare, job: FinetuneJob, models: Path
) -> None:
    break_active_file(job, models)
    with pytest.raises(CheckpointError, match="tgcnet gate --candidate child --corrections LEDGER"):
        compare()


def test_the_gate_sees_what_was_corrected_meanwhile(compare: Compare, job: FinetuneJob) -> None:
    case = held_out_cases(job.ledger)[0]
    corrected = Correction(
        volume=case.volume,
        labels=np.zeros_like(case.labels),
        classes=CLASSES,
        reviewed_slices=(0,),
        report=case.report,
    )
    Ledger.open(job.ledger).save(corrected, case.id)
    compare()
    held_out, _ = read_scores(job.out / SCORES_FILE)
    scores = [score for score in held_out.active if score.case.startswith(case.id)]
    assert {score.intersection_px for score in scores} == {0}


def test_progress_is_told_once_a_second_at_most(
    job: FinetuneJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 0.4, 0.99, 1.01, 1.5, 2.2])
    monkeypatch.setattr("tgcnet.finetune.compare_with_active.time.monotonic", lambda: next(now))
    told: list[Event] = []
    progress = comparison._Progress(job.out, told.append)
    for fraction in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6):
        progress(fraction)
    assert told == [Comparing(fraction=fraction) for fraction in (0.1, 0.4, 0.6)]


def test_a_candidate_with_numbers_that_are_not_finite_is_not_installed(
    tune: Tune, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = "tgcnet.finetune.run_finetuning.export_candidate"
    from tgcnet.finetune.candidate import export_candidate

    def ruin(model: SegmentationModel, *arguments: Any) -> Path:
        next(model.parameters()).data.fill_(torch.nan)
        return export_candidate(model, *arguments)

    monkeypatch.setattr(export, ruin)
    with pytest.raises(CheckpointError, match="not finite"):
        tune(epochs=1)
    assert not list(models.glob("tiny-ft-*"))
