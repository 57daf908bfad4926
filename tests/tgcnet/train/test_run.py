"""The loop on phantoms: it learns, it resumes to the bit, it keeps what must not change."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from tests.tgcnet.train.phantoms import (
    GIVEN,
    MODEL,
    STILL,
    NoScores,
    config_for,
    phantoms,
    trainer,
)

from tgcnet.config import PreprocessConfig
from tgcnet.errors import CheckpointError, ConfigError
from tgcnet.models import SegmentationModel, build_model
from tgcnet.report import read_report
from tgcnet.train.checkpoint import Checkpoints, read_progress, read_provenance
from tgcnet.train.config import Phase
from tgcnet.train.contrast import symmetric_cross_entropy
from tgcnet.train.data.batch import collate
from tgcnet.train.optimisation import parameter_groups
from tgcnet.train.run_log import CsvLog
from tgcnet.train.stage import Stage
from tgcnet.train.tower_alignment import add_knowledge, mask_targets


def test_a_tiny_model_overfits_four_phantoms(tmp_path: Path) -> None:
    config = replace(config_for(7), checkpoint_every=100)
    seen = phantoms(repeats=10)
    model = trainer(config, tmp_path / "run", training_set=seen).run(resume=False)
    data = phantoms(mix=GIVEN, augment=STILL)
    batch = collate([data[key] for key in data.order(0, 64)])
    scale = PreprocessConfig()
    mean, std = (torch.tensor(v)[:, None, None] for v in (scale.mean, scale.std))
    texts = [model.read_text(read_report(text)) for text in batch.texts]
    with torch.inference_mode():
        predicted = model((batch.images - mean) / std, model.encode_text(texts)).logits > 0
    truth = batch.masks > 0.5
    dice = 2 * (predicted & truth).sum() / (predicted.sum() + truth.sum())
    assert dice > 0.95


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_a_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    """Cut in pretraining, at its end and in training: the same weights to the bit."""
    config = config_for(2, pretrain=3)
    whole = trainer(config, tmp_path / "whole").run(resume=False).state_dict()

    class Killed(BaseException):
        pass

    cut = trainer(config, tmp_path / "cut")
    steps = 0
    keep_on = Stage._maybe_save

    def stop(self: Stage, *args: Any) -> None:
        nonlocal steps
        steps += 1
        keep_on(self, *args)
        if steps == stop_after:
            raise Killed

    monkeypatch.setattr(Stage, "_maybe_save", stop)
    with pytest.raises(Killed):
        cut.run(resume=False)
    monkeypatch.undo()
    resumed = trainer(config, tmp_path / "cut").run(resume=True).state_dict()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_a_resumed_run_logs_the_mean_of_an_uninterrupted_one(tmp_path: Path) -> None:
    """An epoch of four steps with one line at its end, stopped after the third."""
    losses = []
    for name in ("whole", "cut"):
        log = CsvLog(tmp_path / f"{name}.csv")
        seen = phantoms(repeats=4)
        run = trainer(config_for(1), tmp_path / name, training_set=seen, sinks=(log,), log_every=9)
        run.run(resume=False)
        if name == "cut":
            checkpoints = Checkpoints(tmp_path / name)
            third = checkpoints.all()[-2]
            checkpoints.go_back_to(third)
            progress = read_progress(third, run._parts.identity)
            assert (progress.step, len(progress.unlogged)) == (3, 3)
            log = CsvLog(tmp_path / f"{name}.csv", progress)
            trainer(
                config_for(1), tmp_path / name, training_set=seen, sinks=(log,), log_every=9
            ).run(resume=True)
        rows = csv.reader((tmp_path / f"{name}.csv").read_text().splitlines())
        losses.append([row for row in rows if row[3] == "loss"])
    assert losses[0] == losses[1]
    assert [row[2] for row in losses[0]] == ["4"]


def test_a_checkpoint_of_an_earlier_version_has_no_unlogged_loss(tmp_path: Path) -> None:
    metadata = {"config": "{}", "progress": '{"stage": "train", "step": 3, "recent": [1.0]}'}
    safetensors.torch.save_file({"random": torch.zeros(1)}, tmp_path / "old", metadata)
    progress = read_progress(tmp_path / "old", {})
    assert (progress.step, progress.recent, progress.unlogged) == (3, (1.0,), ())


def test_towers_learn_in_pretraining_and_never_after(tmp_path: Path) -> None:
    start = build_start()
    after_pretraining = trainer(config_for(1, pretrain=2), tmp_path / "a").run(resume=False)
    moved = {
        key.split(".")[0]
        for key, value in after_pretraining.state_dict().items()
        if "running_" not in key and not torch.equal(value, start[key])
    }
    assert {"image_tower", "text_tower", "decoder", "vlcm"} <= moved
    without = trainer(config_for(1), tmp_path / "b").run(resume=False).state_dict()
    towers = [k for k in without if k.startswith(("image_tower.", "text_tower."))]
    assert all(torch.equal(without[key], start[key]) for key in towers)


def build_start() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {k: v.clone() for k, v in build_model(MODEL).state_dict().items()}


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path) -> None:
    trainer(config_for(1), tmp_path / "run").run(resume=False)
    other = replace(config_for(1), learning_rate=1e-4)
    with pytest.raises(CheckpointError, match="written with another configuration"):
        trainer(other, tmp_path / "run").run(resume=True)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "train-00000001.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match=r"cannot be read .*resume from the one before it"):
        read_progress(tmp_path / "train-00000001.safetensors", {})


def test_a_checkpoint_holds_tensors_and_no_pickle(tmp_path: Path) -> None:
    trainer(config_for(1), tmp_path).run(resume=False)
    [path] = Checkpoints(tmp_path).all()
    tensors = safetensors.torch.load_file(path)
    assert {name.split("/")[0] for name in tensors} == {"model", "average", "optimizer", "random"}
    assert b"Infection" not in path.read_bytes()
    assert read_provenance(path) == {"seed": "0"}


def test_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    trainer(config_for(2, pretrain=1), tmp_path).run(resume=False)
    names = [path.stem for path in Checkpoints(tmp_path).all()]
    assert names == ["train-00000001", "train-00000002"]


def test_a_run_goes_on_from_any_checkpoint(tmp_path: Path) -> None:
    """Going back drops what came after; the end is the same to the bit."""
    whole = trainer(config_for(4), tmp_path).run(resume=False).state_dict()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.go_back_to(checkpoints.all()[0])
    assert [path.stem for path in checkpoints.all()] == ["train-00000003"]
    again = trainer(config_for(4), tmp_path).run(resume=True).state_dict()
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_without_an_average_the_weights_themselves_are_the_result(tmp_path: Path) -> None:
    run = trainer(replace(config_for(2), ema_decay=0.0), tmp_path)
    result = run.run(resume=False)
    assert result is run._model
    tensors = safetensors.torch.load_file(Checkpoints(tmp_path).all()[-1])
    assert "average" not in {name.split("/")[0] for name in tensors}
    assert all(torch.equal(v, tensors[f"model/{k}"]) for k, v in result.state_dict().items())


def test_gates_learn_fast_and_the_cnn_slowly() -> None:
    config = config_for(1)
    groups = parameter_groups(build_model(MODEL), config)
    rates = {group["lr"] for group in groups}
    assert rates == {3e-3, 3e-2, 1.5e-3}


def test_soft_targets_call_equal_masks_alike() -> None:
    target = torch.zeros(3, 1, 4, 4)
    target[0, 0, :2] = target[1, 0, :2] = target[2, 0, 2:] = 1
    targets = mask_targets(target, tau=0.15)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(3))
    assert targets[0, 0] == targets[0, 1]
    assert targets[0, 2] < 0.01
    perfect = torch.where(targets > 0.1, 9.0, -9.0)
    assert symmetric_cross_entropy(perfect, targets) < symmetric_cross_entropy(-perfect, targets)


def test_knowledge_is_added_to_a_share_of_the_texts() -> None:
    texts = tuple(f"Sentence {i}." for i in range(400))
    keys = tuple(f"0/0/{i}" for i in range(400))
    added = add_knowledge(texts, 0.25, keys)
    changed = sum(a != b for a, b in zip(texts, added, strict=True))
    assert 70 < changed < 130
    # Each by itself, so that processes that share a batch agree.
    assert added[200:] == add_knowledge(texts[200:], 0.25, keys[200:])


def test_a_phase_of_an_odd_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="divisible by 32"):
        replace(config_for(1), phases=(Phase(epochs=1, side_px=100),))


def test_the_best_validated_model_is_the_result(tmp_path: Path) -> None:
    validator = Falling()
    result = trainer(config_for(3), tmp_path, validator).run(resume=False).state_dict()
    assert len(validator.seen) == 3
    assert all(torch.equal(result[key], validator.seen[0][key]) for key in result)


def test_a_run_that_gets_no_better_ends_early_and_stays_ended(tmp_path: Path) -> None:
    config = replace(config_for(9), patience=2)
    validator = Falling()
    result = trainer(config, tmp_path, validator).run(resume=False).state_dict()
    assert len(validator.seen) == 3  # the first is the best, two more are not better
    progress = read_progress(
        Checkpoints(tmp_path).all()[-1], trainer(config, tmp_path)._parts.identity
    )
    assert (progress.epoch, progress.best, progress.stale_epochs) == (3, 1.0, 2)
    again = trainer(config, tmp_path, validator).run(resume=True).state_dict()
    assert len(validator.seen) == 3
    assert all(torch.equal(result[key], again[key]) for key in result)


def test_going_back_gives_the_best_of_what_led_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The third epoch was the best; gone back to the second, whose model the checkpoint holds."""
    first = trainer(config_for(3), tmp_path, Told(0.1, 0.2, 0.9)).run(resume=False).state_dict()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.go_back_to(checkpoints.all()[0])
    validator = Told(0.15)
    with caplog.at_level("INFO", logger="tgcnet"):
        second = trainer(config_for(3), tmp_path, validator).run(resume=True).state_dict()
    assert "the best model came after step 2, which the run goes on from: it is" in caplog.text
    kept = safetensors.torch.load_file(checkpoints.all()[0])
    assert all(torch.equal(second[k[8:]], v) for k, v in kept.items() if k.startswith("average/"))
    assert any(not torch.equal(first[key], second[key]) for key in first)


def test_a_best_of_the_dropped_future_gives_way_to_the_next_validation(tmp_path: Path) -> None:
    """The best of the first epoch is lost to the third's; the fourth beats what there is."""
    trainer(config_for(3), tmp_path, Told(0.5, 0.4, 0.9)).run(resume=False)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.go_back_to(checkpoints.all()[0])
    validator = Told(0.3)
    result = trainer(config_for(3), tmp_path, validator).run(resume=True).state_dict()
    assert all(torch.equal(result[key], validator.seen[0][key]) for key in result)


def test_the_best_of_the_history_outlives_a_worse_future(tmp_path: Path) -> None:
    validator = Told(0.9, 0.4, 0.5)
    trainer(config_for(3), tmp_path, validator).run(resume=False)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.go_back_to(checkpoints.all()[0])
    result = trainer(config_for(3), tmp_path, Told(0.6)).run(resume=True).state_dict()
    assert all(torch.equal(result[key], validator.seen[0][key]) for key in result)


class Told(NoScores):
    """Scores models as it is told, one after the other."""

    def __init__(self, *scores: float) -> None:
        self.seen: list[dict[str, torch.Tensor]] = []
        self._scores = scores

    def score(self, model: SegmentationModel) -> dict[str, float]:
        self.seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"dice_pooled_given": self._scores[len(self.seen) - 1]}


class Falling(NoScores):
    """Scores every model worse than the one before."""

    def __init__(self) -> None:
        self.seen: list[dict[str, torch.Tensor]] = []

    def score(self, model: SegmentationModel) -> dict[str, float]:
        self.seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"dice_pooled_given": 1 / len(self.seen), "side_leak": 0.0}
