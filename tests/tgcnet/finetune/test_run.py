"""A run from ledger to candidate: what it learns from, what it leaves, what it says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from tests.tgcnet.finetune.conftest import Tune, phantom_correction

from tgcnet.config import TgcNetConfig
from tgcnet.corrections import Ledger
from tgcnet.errors import Cancelled, CheckpointError, DeviceError, InputError, LedgerError
from tgcnet.finetune.candidate import choose_what_learns
from tgcnet.finetune.config import FinetuneJob, Learns, default_epochs
from tgcnet.finetune.events import (
    STOP_FILE,
    Begun,
    Done,
    Event,
    Message,
    Scored,
    Stepped,
)
from tgcnet.finetune.finetuner import Finetuner
from tgcnet.finetune.run_data import Snapshot, known_until
from tgcnet.finetune.samples import BatchPlan
from tgcnet.models import build_model
from tgcnet.weights.active import read_active
from tgcnet.weights.load import load_model
from tgcnet.weights.manifest import WEIGHTS_FILE, read_manifest


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / WEIGHTS_FILE)


def sentences(told: list[Event]) -> list[str]:
    return [event.sentence for event in told if isinstance(event, Message)]


def test_a_candidate_comes_of_it_and_the_parent_stays(tune: Tune, tiny_model_folder: Path) -> None:
    before = (tiny_model_folder / WEIGHTS_FILE).read_bytes()
    folder, told = tune()
    parent = read_manifest(tiny_model_folder)
    candidate = load_model(str(folder)).manifest
    assert (tiny_model_folder / WEIGHTS_FILE).read_bytes() == before
    assert candidate.name == folder.name
    assert candidate.name.startswith("tiny-ft-")
    assert candidate.lineage is not None
    assert (candidate.lineage.parent, candidate.lineage.parent_sha256) == ("tiny", parent.sha256)
    assert candidate.lineage.ledger_snapshot
    assert candidate.measured == {}
    begun = next(event for event in told if isinstance(event, Begun))
    assert (begun.num_new, begun.num_held_out, begun.num_reference) == (6, 2, 0)
    assert [event.epoch for event in told if isinstance(event, Scored)] == [0, 1, 2, 3]
    steps = [event for event in told if isinstance(event, Stepped)]
    assert [event.step for event in steps] == list(range(1, begun.total_steps + 1))
    assert told[-1] == Done(model=folder.name)
    assert any("forgetting is not measured" in sentence for sentence in sentences(told))


def test_it_learns_what_was_corrected(tune: Tune) -> None:
    # A parent of random numbers has no word worth keeping.
    _, told = tune(epochs=16, learning_rate=3e-3, distil_weight=0.0)
    losses = [event.loss for event in told if isinstance(event, Stepped)]
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4])
    scores = [event.dice_pooled for event in told if isinstance(event, Scored)]
    assert scores[-1] > scores[0]


def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(tune: Tune, job: FinetuneJob) -> None:
    whole, _ = tune()

    def stop_after_step_3(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 3:
            (job.out.with_name("other") / STOP_FILE).touch()

    elsewhere = {"out": job.out.with_name("other")}
    with pytest.raises(Cancelled, match="goes on from here when resumed"):
        tune(job_changes=elsewhere, on_event=stop_after_step_3)
    resumed, told = tune(job_changes=elsewhere, resume=True)
    assert next(event.step for event in told if isinstance(event, Stepped)) == 4
    expected, found = weights_of(whole), weights_of(resumed)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_resumed_run_reads_the_corrections_it_began_with(
    tune: Tune, job: FinetuneJob, ledger_folder: Path
) -> None:
    def stop_and_correct(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 1:
            (job.out / STOP_FILE).touch()

    with pytest.raises(Cancelled):
        tune(on_event=stop_and_correct)
    ledger = Ledger.open(ledger_folder)
    ledger.save(phantom_correction(20, patient="came later"))
    first = ledger.cases().cases[0].case_id
    ledger.delete(first)
    with pytest.raises(LedgerError, match="Choose the corrections it began with, restore the case"):
        tune(resume=True)
    ledger.restore(first)
    _, told = tune(resume=True)
    assert next(event.num_new for event in told if isinstance(event, Begun)) == 6


def test_what_a_killed_run_left_half_written_is_swept_up(tune: Tune, job: FinetuneJob) -> None:
    left = job.out / "features" / "key" / ".tgcnet-0123456789ab.safetensors"
    left.parent.mkdir(parents=True)
    left.touch()
    tune(epochs=1)
    assert not left.exists()


def test_another_configuration_does_not_resume(tune: Tune, job: FinetuneJob) -> None:
    tune()
    with pytest.raises(CheckpointError, match="written with another configuration"):
        tune(resume=True, learning_rate=5e-4)
    with pytest.raises(InputError, match="holds a run already; go on with --resume"):
        tune()


def test_a_run_that_diverges_is_rolled_back_thrice_and_stopped(
    tune: Tune, job: FinetuneJob, models: Path
) -> None:
    before = (models / "tiny" / WEIGHTS_FILE).read_bytes()
    told: list[Event] = []
    with pytest.raises(InputError, match="diverged again after the learning rate was halved 3"):
        tune(learning_rate=1e6, on_event=told.append)
    rolled_back = [s for s in sentences(told) if "going on with half the learning rate" in s]
    assert len(rolled_back) == 3
    assert read_active().current.name == "tiny"
    assert (models / "tiny" / WEIGHTS_FILE).read_bytes() == before
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["tiny"]
    assert not (job.out / "model").exists()


def test_too_little_memory_halves_the_images_at_once_and_changes_nothing_else(
    tune: Tune, job: FinetuneJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A little rate: Adam's first steps are as large as the rate, whatever the last bits say.
    plenty, _ = tune(epochs=1, learning_rate=1e-4)
    tensors = Finetuner._tensors

    def scarce(self: Finetuner, piece: list[Any]) -> object:
        if len(piece) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return tensors(self, piece)

    monkeypatch.setattr(Finetuner, "_tensors", scarce)
    elsewhere = {"out": job.out.with_name("other")}
    little, told = tune(epochs=1, learning_rate=1e-4, job_changes=elsewhere)
    assert [s for s in sentences(told) if s.startswith("Out of memory: going on with 1 images")]
    for key, tensor in weights_of(plenty).items():
        torch.testing.assert_close(weights_of(little)[key], tensor, rtol=2e-2, atol=2e-3)


def test_no_memory_for_a_single_image_is_a_sentence(
    tune: Tune, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: Any) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(Finetuner, "_tensors", none_left)
    with pytest.raises(DeviceError, match="too small for a single image at once"):
        tune(epochs=1)


def test_kept_features_change_nothing(tune: Tune, job: FinetuneJob) -> None:
    _, kept = tune(epochs=1)
    _, anew = tune(epochs=1, cache_limit_bytes=1, job_changes={"out": job.out.with_name("other")})
    assert any("more than the 0.0 GiB allowed" in sentence for sentence in sentences(anew))
    for one, other in zip(
        (event.loss for event in kept if isinstance(event, Stepped)),
        (event.loss for event in anew if isinstance(event, Stepped)),
        strict=True,
    ):
        assert one == pytest.approx(other, rel=5e-3)


@pytest.mark.parametrize(
    ("learns", "changed"),
    [
        (Learns.DECODER, {"decoder"}),
        (Learns.ADAPTERS, {"image_tower"}),
        (
            Learns.ALL,
            {"decoder", "image_tower", "text_tower", "sse", "date", "vlcm", "taps", "similarities"},
        ),
        (
            Learns.STANDARD,
            {"decoder", "image_tower", "sse", "date", "vlcm", "taps", "similarities"},
        ),
    ],
)
def test_only_what_was_chosen_learns(
    tiny_model_folder: Path, learns: Learns, changed: set[str]
) -> None:
    config = read_manifest(tiny_model_folder).model
    assert isinstance(config, TgcNetConfig)
    model = build_model(replace(config, sse=replace(config.sse, adapter_width=8)))
    choose_what_learns(model, learns)
    learning = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {name.split(".")[0] for name in learning} == changed
    if learns in (Learns.ADAPTERS, Learns.STANDARD):
        towers = {n for n in learning if n.startswith(("image_tower.", "text_tower."))}
        assert all(name.startswith("image_tower.adapters.") for name in towers)


def test_adapters_are_added_where_there_are_none(tune: Tune, tiny_model_folder: Path) -> None:
    folder, _ = tune(epochs=1, learns=Learns.ADAPTERS, adapter_width=8)
    parent, candidate = weights_of(tiny_model_folder), weights_of(folder)
    assert all(torch.equal(candidate[key], tensor) for key, tensor in parent.items())
    added = candidate.keys() - parent.keys()
    assert added
    assert all("adapters" in key for key in added)
    assert any(bool(candidate[key].any()) for key in added if key.endswith("up.weight"))


def test_held_out_patients_are_never_trained_on(
    tune: Tune, ledger_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    batch = BatchPlan.batch

    def spy(self: BatchPlan, epoch: int, index: int) -> object:
        chosen = batch(self, epoch, index)
        seen.update(sample.group for sample, _ in chosen)
        return chosen

    monkeypatch.setattr(BatchPlan, "batch", spy)
    tune()
    cases = Ledger.open(ledger_folder).cases().cases
    assert seen == {case.patient_key for case in cases if not case.is_held_out}
    assert sum(case.is_held_out for case in cases) == 2


def test_what_a_parent_knew_comes_back_as_replay(tune: Tune, job: FinetuneJob) -> None:
    first, _ = tune(epochs=1)
    ledger = Ledger.open(job.ledger)
    for index in (30, 31):
        ledger.save(phantom_correction(index, patient=f"new {index}"))
    changes = {"out": job.out.with_name("second"), "model": str(first)}
    second, told = tune(epochs=1, job_changes=changes)
    begun = next(event for event in told if isinstance(event, Begun))
    assert begun.num_earlier == 6
    assert begun.num_new + begun.num_held_out == 2 + 2
    lineage = read_manifest(second).lineage
    assert lineage is not None
    assert lineage.parent == read_manifest(first).name


def test_a_tenth_of_the_cases_damaged_is_named_and_the_rest_is_trained_on(
    tune_and_compare: Tune, job: FinetuneJob
) -> None:
    ledger = Ledger.open(job.ledger)
    for index in range(8, 20):
        ledger.save(phantom_correction(index, patient=f"patient {index}"))
    trained_on = [case.case_id for case in ledger.cases().cases if not case.is_held_out]
    truncated, altered = trained_on[0], trained_on[-1]
    image = job.ledger / "cases" / truncated / "image.nii.gz"
    image.write_bytes(image.read_bytes()[:-20])
    [report] = (job.ledger / "cases" / altered).rglob("report.txt")
    report.write_text("Something else.", encoding="utf-8")
    folder, told = tune_and_compare(epochs=1, num_variants=1)
    named = [s for s in sentences(told) if "is left out" in s]
    assert sorted(sentence.split()[1] for sentence in named) == sorted([truncated, altered])
    begun = next(event for event in told if isinstance(event, Begun))
    assert begun.num_new == len(trained_on) - 2
    assert begun.num_held_out == 20 - len(trained_on)
    assert folder.is_dir()


def test_one_patient_is_too_few(tune: Tune, job: FinetuneJob) -> None:
    lonely = job.ledger.with_name("lonely")
    Ledger.create(lonely).save(phantom_correction(0, patient="only one"))
    with pytest.raises(InputError, match=r"Only one patient .* Correct a case of another patient"):
        tune(job_changes={"ledger": lonely})


def test_a_held_out_patient_without_a_reviewed_slice_is_a_sentence_of_its_own(
    tune: Tune, job: FinetuneJob
) -> None:
    ledger = Ledger.create(job.ledger.with_name("unreviewed"))
    for index in range(2):
        correction = phantom_correction(index, patient=f"patient {index}")
        ledger.save(correction if index == 0 else replace(correction, reviewed_slices=()))
    with pytest.raises(InputError, match="No slice of a held-out patient was marked as reviewed"):
        tune(job_changes={"ledger": ledger.folder})


def test_what_another_ledger_taught_a_parent_is_new_here(
    job: FinetuneJob, tiny_model_folder: Path
) -> None:
    ledger, other = Ledger.open(job.ledger), Ledger.create(job.ledger.with_name("other"))
    assert ledger.fingerprint == Ledger.open(job.ledger).fingerprint != other.fingerprint
    later = "2999-01-01T00:00:00"
    taught_by = Snapshot(revisions=(), taken_utc=later, ledger=ledger.fingerprint).identifier
    assert known_until(taught_by, ledger.fingerprint) == later
    assert known_until(taught_by, other.fingerprint) == ""
    assert known_until("", ledger.fingerprint) == ""


def test_slices_that_nobody_reviewed_are_not_trained_on(tune: Tune, job: FinetuneJob) -> None:
    unseen = job.ledger.with_name("unseen")
    ledger = Ledger.create(unseen)
    for index in range(3):
        correction = phantom_correction(index, patient=f"patient {index}", num_slices=3)
        ledger.save(replace(correction, reviewed_slices=()))
    with pytest.raises(InputError, match="No corrected slice to train on"):
        tune(job_changes={"ledger": unseen})


@pytest.mark.parametrize(("num_images", "epochs"), [(1, 30), (40, 30), (200, 8), (5000, 4)])
def test_few_images_are_seen_more_often(num_images: int, epochs: int) -> None:
    assert default_epochs(num_images) == epochs
