"""The loop on phantoms: it learns, it resumes to the bit, it keeps what must not change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from lightning_fabric import Fabric

from tgcnet.config import (
    DecoderConfig,
    ImageTowerConfig,
    PreprocessConfig,
    TextTowerConfig,
    TgcNetConfig,
    TowerConfig,
)
from tgcnet.data.augment import AugmentConfig
from tgcnet.data.requests import RequestMix
from tgcnet.data.training_set import Example, TrainingSet
from tgcnet.domain import Modality
from tgcnet.errors import CheckpointError, ConfigError, InputError
from tgcnet.models import TgcNet, build_model
from tgcnet.report import read_report
from tgcnet.train.checkpoint import read_progress
from tgcnet.train.config import Phase, PretrainConfig, TrainConfig, ValidationSource
from tgcnet.train.loop import Trainer, parameter_groups
from tgcnet.train.pretrain import add_knowledge, soft_contrast, soft_targets
from tgcnet.train.recipe_runner import load_recipe, shipped_recipes, train_recipe
from tgcnet.train.validate import Validator

STILL = AugmentConfig(
    rotation_deg=0.0,
    log_zoom=0.0,
    shift=0.0,
    log_gamma=0.0,
    contrast=0.0,
    brightness=0.0,
    noise=0.0,
)
GIVEN = RequestMix(
    no_text=0.0, reworded=0.0, one_side=0.0, some_zones=0.0, one_lesion=0.0, wrong_side=0.0,
    nothing=0.0,
)  # fmt: skip
MODEL = TgcNetConfig(
    name="phantom",
    towers=TowerConfig(
        embed_dim=16,
        image=ImageTowerConfig(
            width=32, layers=4, heads=2, patch_px=16, side_px=64, quick_gelu=True
        ),
        text=TextTowerConfig(width=32, layers=2, heads=2, quick_gelu=True),
    ),
    decoder=DecoderConfig(channels=(8, 16, 16, 16), head_channels=8),
)  # fmt: skip


class NoScores(Validator):
    """A validator with nothing to score."""

    def __init__(self) -> None:
        pass

    def score(self, model: TgcNet) -> dict[str, float]:
        return {}


def phantoms() -> TrainingSet:
    """Four pictures with a bright blob each, in a place of its own that the text names."""
    places = {"upper right": (8, 8), "lower right": (40, 8), "upper left": (8, 40),
              "lower left": (40, 40)}  # fmt: skip
    examples = []
    for place, (top, left) in places.items():
        mask = np.zeros((64, 64), dtype=bool)
        mask[top : top + 18, left : left + 16] = True
        image = np.where(mask, 190, 60).astype(np.uint8)
        report = f"Infection in the {place} lung."
        examples.append(Example(image=image, mask=mask, report=report, modality=Modality.XRAY))
    return TrainingSet(examples, [1] * 4, seed=0)


def config_for(epochs: int, *, pretrain: int = 0) -> TrainConfig:
    return TrainConfig(
        model=MODEL,
        sources=(),
        validation=ValidationSource(folder="none", max_rows=0),
        phases=(Phase(epochs=epochs, side_px=64),),
        pretrain=PretrainConfig(phases=(Phase(epochs=pretrain, side_px=64),), batch_size=4)
        if pretrain
        else None,
        mix=GIVEN,
        augment=STILL,
        batch_size=4,
        learning_rate=3e-3,
        warmup_steps=5,
        ema_decay=0.8,
        checkpoint_every=1,
        preprocess=PreprocessConfig(side_px=64),
    )


def trainer(config: TrainConfig, out: Path) -> Trainer:
    torch.manual_seed(0)
    out.mkdir(exist_ok=True)
    return Trainer(
        config=config,
        model=build_model(config.model),
        training_set=phantoms(),
        validator=NoScores(),
        out=out,
        fabric=Fabric(accelerator="cpu", devices=1),
    )


def test_a_tiny_model_overfits_four_phantoms(tmp_path: Path) -> None:
    model = trainer(config_for(70), tmp_path / "run").run(resume=False)
    batch = next(phantoms().epoch(0, batch_size=4, side_px=64, mix=GIVEN, config=STILL))
    scale = PreprocessConfig()
    mean, std = (torch.tensor(v)[:, None, None] for v in (scale.mean, scale.std))
    texts = [model.read_text(read_report(text)) for text in batch.texts]
    with torch.inference_mode():
        predicted = model((batch.images - mean) / std, model.encode_text(texts)).logits > 0
    truth = batch.masks > 0.5
    dice = 2 * (predicted & truth).sum() / (predicted.sum() + truth.sum())
    assert dice > 0.95


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_a_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    """Cut in pretraining, at its end and in training: the same weights to the bit."""
    config = config_for(3, pretrain=3)
    whole = trainer(config, tmp_path / "whole").run(resume=False).state_dict()

    class Killed(BaseException):
        pass

    cut = trainer(config, tmp_path / "cut")
    steps = 0
    keep_on = Trainer._maybe_save

    def stop(self: Trainer, *args: object) -> None:
        nonlocal steps
        steps += 1
        keep_on(self, *args)
        if steps == stop_after:
            raise Killed

    monkeypatch.setattr(Trainer, "_maybe_save", stop)
    with pytest.raises(Killed):
        cut.run(resume=False)
    monkeypatch.undo()
    resumed = trainer(config, tmp_path / "cut").run(resume=True).state_dict()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


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
    (tmp_path / "run.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_progress(tmp_path / "run.safetensors", {})


def test_a_checkpoint_holds_tensors_and_no_pickle(tmp_path: Path) -> None:
    trainer(config_for(1), tmp_path).run(resume=False)
    tensors = safetensors.torch.load_file(tmp_path / "run.safetensors")
    assert {name.split("/")[0] for name in tensors} == {"model", "average", "optimizer", "random"}
    assert b"Infection" not in (tmp_path / "run.safetensors").read_bytes()


def test_gates_learn_fast_and_the_cnn_slowly() -> None:
    config = config_for(1)
    groups = parameter_groups(build_model(MODEL), config)
    rates = {group["lr"] for group in groups}
    assert rates == {3e-3, 3e-2, 1.5e-3}


def test_soft_targets_call_equal_masks_alike() -> None:
    target = torch.zeros(3, 1, 4, 4)
    target[0, 0, :2] = target[1, 0, :2] = target[2, 0, 2:] = 1
    targets = soft_targets(target, tau=0.15)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(3))
    assert targets[0, 0] == targets[0, 1]
    assert targets[0, 2] < 0.01
    perfect = torch.where(targets > 0.1, 9.0, -9.0)
    assert soft_contrast(perfect, targets) < soft_contrast(-perfect, targets)


def test_knowledge_is_added_to_a_share_of_the_texts() -> None:
    texts = tuple(f"Sentence {i}." for i in range(400))
    added = add_knowledge(texts, 0.25, "seed")
    changed = sum(a != b for a, b in zip(texts, added, strict=True))
    assert 70 < changed < 130
    assert added == add_knowledge(texts, 0.25, "seed")


def test_recipes_are_found_by_name_or_path(tmp_path: Path) -> None:
    assert "mini" in shipped_recipes()
    assert load_recipe("mini").model.name == "mini"
    own = tmp_path / "own.py"
    own.write_text("from tgcnet.train.recipes.mini import recipe\n")
    assert load_recipe(str(own)).model.name == "mini"
    with pytest.raises(InputError, match="there is no recipe 'maxi'; give one of mini"):
        load_recipe("maxi")
    own.write_text("recipe = 3\n")
    with pytest.raises(InputError, match="must define recipe"):
        load_recipe(str(own))


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run.safetensors").write_bytes(b"kept")
    with pytest.raises(InputError, match="holds a run already"):
        train_recipe("mini", data=tmp_path, out=tmp_path, resume=False)
    assert (tmp_path / "run.safetensors").read_bytes() == b"kept"


def test_a_phase_of_an_odd_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="divisible by 32"):
        replace(config_for(1), phases=(Phase(epochs=1, side_px=100),))


def test_the_best_validated_model_is_the_result(tmp_path: Path) -> None:
    class Falling(NoScores):
        """Scores every model worse than the one before."""

        def __init__(self) -> None:
            self.seen: list[dict[str, torch.Tensor]] = []

        def score(self, model: TgcNet) -> dict[str, float]:
            self.seen.append({k: v.clone() for k, v in model.state_dict().items()})
            return {"dice_pooled_given": 1 / len(self.seen), "side_leak": 0.0}

    validator = Falling()
    run = trainer(config_for(3), tmp_path / "run")
    run._validator = validator
    result = run.run(resume=False).state_dict()
    assert len(validator.seen) == 3
    assert all(torch.equal(result[key], validator.seen[0][key]) for key in result)
