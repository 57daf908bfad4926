"""A recipe from its data to a model: classes, logs, provenance, precision, what is refused."""

import csv
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import safetensors.torch
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from PIL import Image
from rich.console import Console
from tests.tgcnet.train.conftest import TWO_CLASSES, write_data
from tests.tgcnet.train.phantoms import TMCA, Kept, config_for, phantoms, trainer
from tests.tgcnet.train.tiny_recipe import recipe

from tgcnet.cli import main
from tgcnet.errors import CheckpointError, ConfigError, InputError
from tgcnet.train.checkpoint import FOLDER, Checkpoints, Progress, read_provenance
from tgcnet.train.config import Phase
from tgcnet.train.options import Accelerator, RunOptions
from tgcnet.train.recipe_runner import train_recipe
from tgcnet.train.run_log import CsvLog, TerminalLog
from tgcnet.train.towers import StartWeights
from tgcnet.weights.load import load_model

RECIPE = Path(__file__).with_name("tiny_recipe.py")
OPTIONS = RunOptions(accelerator=Accelerator.CPU, num_workers=0, has_tensorboard=False, log_every=1)


def run(data: Path, out: Path, *, resume: bool = False, checkpoint: Path | None = None) -> Path:
    model = train_recipe(
        str(RECIPE), data=data, out=out, resume=resume, checkpoint=checkpoint, options=OPTIONS
    )
    assert model is not None
    return model


def test_two_classes_go_from_the_data_to_the_model(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", classes=TWO_CLASSES)
    model = load_model(str(run(data, tmp_path / "run")))
    assert [entry.name for entry in model.manifest.classes] == ["ground glass", "consolidation"]
    assert model.manifest.classes[1].colour == (70, 140, 230)
    assert model.model.decoder.num_classes == 2
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"dice_pooled_given", "consolidation: dice_pooled_none"} <= {r["name"] for r in rows}
    assert {row["stage"] for row in rows} == {"pretrain", "train"}
    assert all(0 <= float(r["value"]) < 1 for r in rows if r["name"] == "wait_share")


def test_a_run_says_what_it_was_made_with(data: Path, tmp_path: Path) -> None:
    folder = run(data, tmp_path / "run")
    kept = read_provenance(Checkpoints(tmp_path / "run").all()[-1])
    assert kept == json.loads((folder / "manifest.json").read_text())["provenance"]
    assert (kept["seed"], kept["train_images"], kept["val_images"]) == ("0", "8", "2")
    assert torch.__version__.startswith(kept["version_torch"])
    assert len(kept["train_captions_sha256"]) == len(kept["train_samples_sha256"]) == 64
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not [file for file in files if b"p1.png" in file.read_bytes()]


def test_a_finished_run_goes_on_from_an_earlier_checkpoint_to_the_same_end(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    before = (run(data, out) / "weights.safetensors").read_bytes()
    (out / "model" / "weights.safetensors").unlink()
    run(data, out, resume=True, checkpoint=Checkpoints(out).all()[0])
    assert (out / "model" / "weights.safetensors").read_bytes() == before


def test_a_checkpoint_of_other_data_or_another_folder_is_refused(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    run(data, out)
    newest = Checkpoints(out).all()[-1]
    elsewhere = tmp_path / newest.name
    elsewhere.write_bytes(newest.read_bytes())
    with pytest.raises(CheckpointError, match="does not lie in 'checkpoints'"):
        run(data, out, resume=True, checkpoint=elsewhere)
    with pytest.raises(InputError, match="--resume names absent, which is not there"):
        run(data, out, resume=True, checkpoint=out / FOLDER / "absent")
    table = data / "seen" / "captions.csv"
    swapped = table.read_text().replace(
        "p1.png,Infection in the right", "p1.png,Infection in the left"
    )
    table.write_text(swapped)
    with pytest.raises(CheckpointError, match=r"the data have changed .*train_captions_sha256"):
        run(data, out, resume=True)


@pytest.mark.parametrize(
    ("changed", "named"),
    [("seen/masks/p1.png", "train_pixels_sha256"), ("scored/images/p0.png", "val_pixels_sha256")],
)
def test_changed_pixels_are_refused_and_the_run_stays_as_it_was(
    data: Path, tmp_path: Path, changed: str, named: str
) -> None:
    out = tmp_path / "run"
    run(data, out)
    kept = {f: f.read_bytes() for f in out.rglob("*") if f.is_file() and "cache" not in f.parts}
    pixels = np.array(Image.open(data / changed))
    pixels[20:30, 20:30] = 1
    Image.fromarray(pixels).save(data / changed)
    with pytest.raises(
        CheckpointError, match=rf"the data have changed .*\({named}\), expected the very images, m"
    ):
        run(data, out, resume=True, checkpoint=Checkpoints(out).all()[0])
    assert {file: file.read_bytes() for file in kept} == kept


def test_changed_captions_of_the_validation_are_refused(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(data, out)
    table = data / "scored" / "captions.csv"
    table.write_text(table.read_text().replace("Infection", "Consolidation", 1))
    with pytest.raises(CheckpointError, match=r"\(val_captions_sha256\)"):
        run(data, out, resume=True)


def test_files_that_only_moved_are_the_same_data(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(data, out)
    run(Path(shutil.copytree(data, tmp_path / "elsewhere")), out, resume=True)


def test_other_pretrained_weights_than_a_run_began_with_are_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = {"towers_sha256": "a" * 64, "cnn_sha256": ""}
    monkeypatch.setattr(StartWeights, "hashes", lambda self: dict(hashes))
    out = tmp_path / "run"
    run(data, out)
    assert read_provenance(Checkpoints(out).all()[-1])["towers_sha256"] == "a" * 64
    hashes["towers_sha256"] = "b" * 64
    with pytest.raises(
        CheckpointError, match=r"the pretrained weights have changed since .*\(towers_sha256\)"
    ):
        run(data, out, resume=True)


def test_a_folder_with_a_run_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    path = Checkpoints(tmp_path / "run").place_for("train", 1)
    path.write_bytes(b"kept")
    with pytest.raises(InputError, match="holds a run already"):
        run(data, tmp_path / "run")
    assert [f.read_bytes() for f in (tmp_path / "run").rglob("*") if f.is_file()] == [b"kept"]


def test_a_recipe_of_ones_own_names_its_model(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("from tgcnet.train.recipes.mini import recipe\n")
    with pytest.raises(
        InputError, match=r"a model called 'mini', .* name the model in the recipe: .*name=\.\.\.\)"
    ):
        train_recipe(str(own), data=tmp_path / "absent", out=tmp_path / "run", resume=False)
    with pytest.raises(InputError, match="holds no folder qata_cov19/train"):
        train_recipe("mini", data=tmp_path / "absent", out=tmp_path / "run", resume=False)


def test_the_command_writes_tensorboard_events(data: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "run", tmp_path / "cache"
    options = ["--accelerator", "cpu", "--workers", "0", "--cache", str(cache)]
    assert main(["train", str(RECIPE), "--data", str(data), "--out", str(out), *options]) == 0
    assert {path.parent.name for path in (out / "events").rglob("events.*")} == {
        "pretrain",
        "train",
    }
    assert list(cache.glob("*.npy"))
    assert not (out / "cache").exists()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [("--devices", "--devices 0 was given"), ("--nodes", "--nodes 0 was given")],
)
def test_no_device_at_all_is_refused(
    data: Path, capsys: pytest.CaptureFixture[str], option: str, sentence: str
) -> None:
    command = ["train", "mini", "--data", str(data), "--out", str(data / "run"), option, "0"]
    assert main(command) == 2
    assert sentence in capsys.readouterr().err


def test_a_model_of_other_classes_than_the_data_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = recipe()
    three = replace(config, model=replace(config.model, num_classes=3))
    monkeypatch.setattr("tgcnet.train.recipe_runner.load_recipe", lambda name: three)
    with pytest.raises(InputError, match="num_classes=3 and the data have 1"):
        run(data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_more_samples_a_batch_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an epoch has 4 samples, expected at least the 8"):
        trainer(replace(config_for(1), batch_size=8), tmp_path)


Half = Literal["bf16-mixed", "16-mixed"]


def half_precision(precision: Half) -> Fabric:
    """On the processor; by its name Fabric would not let fp16 run there."""
    plugin = MixedPrecision(precision=precision, device="cpu")
    return Fabric(accelerator="cpu", devices=1, plugins=[plugin])


@pytest.mark.parametrize(
    "precision", ["bf16-mixed", pytest.param("16-mixed", marks=pytest.mark.slow)]
)
def test_half_precision_learns_and_resumes(tmp_path: Path, precision: Half) -> None:
    """fp16 with the scale of its loss, which a checkpoint keeps."""
    fabric, kept = half_precision(precision), Kept()
    config, seen = config_for(1), phantoms(repeats=8)
    whole = trainer(
        config, tmp_path / "a", fabric=fabric, training_set=seen, sinks=(kept,)
    ).run(resume=False)  # fmt: skip
    has_scale = bool(fabric.strategy.precision.state_dict())
    assert has_scale == (precision == "16-mixed")
    losses = [values["loss"] for _, _, values in kept.rows if "loss" in values]
    assert losses[-1] < losses[0]
    checkpoints = Checkpoints(tmp_path / "a")
    checkpoints.go_back_to(checkpoints.all()[0])
    fabric = half_precision(precision)
    resumed = trainer(config, tmp_path / "a", fabric=fabric, training_set=seen)
    again = resumed.run(resume=True)
    ours, theirs = whole.state_dict(), again.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_features_are_kept_and_towers_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config_for(3), keeps_features=True)
    run = trainer(config, tmp_path / "a")
    seen: list[int] = []
    real = run._model.frozen_features

    def counted(images):
        seen.append(len(images))
        return real(images)

    monkeypatch.setattr(run._model, "frozen_features", counted)
    run.run(resume=False)
    # One to know their size, then four images in four views; no step runs the tower.
    assert seen == [1] + [1] * 16
    [folder] = (tmp_path / "a" / "cache" / "features").iterdir()
    assert len(list(folder.glob("*.safetensors"))) == 16
    taps = safetensors.torch.load_file(next(folder.iterdir()))
    assert {tap.dtype for tap in taps.values()} == {torch.float16}


def test_features_cannot_be_kept_at_another_size_or_without_a_tower() -> None:
    config = config_for(1)
    with pytest.raises(ConfigError, match="64 pixels a side; expected every phase at that size"):
        replace(config, keeps_features=True, phases=(Phase(epochs=1, side_px=96),))
    with pytest.raises(ConfigError, match="'phantom-tmca' is a TMCA"):
        replace(config, keeps_features=True, model=TMCA)
    with pytest.raises(ConfigError, match=r"ema_decay must lie in \[0, 1\)"):
        replace(config, ema_decay=1.0)


def test_a_resumed_log_has_each_step_once(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = CsvLog(path)
    for stage, step in (("pretrain", 9), ("train", 1), ("train", 2), ("train", 3)):
        log.write(Progress(stage=stage, step=step), {"loss": float(step)})
    with path.open("a") as file:
        file.write("train,0,4,lo")  # killed there
    CsvLog(path, Progress(stage="train", step=2)).write(
        Progress(stage="train", step=3), {"loss": 7.0}
    )
    with path.open(newline="") as file:
        rows = [(row["stage"], row["step"], row["value"]) for row in csv.DictReader(file)]
    assert rows == [
        ("pretrain", "9", "9"), ("train", "1", "1"), ("train", "2", "2"), ("train", "3", "7"),
    ]  # fmt: skip


def test_a_terminal_shows_where_the_run_stands() -> None:
    console = Console(force_terminal=True, width=140, record=True)
    before = logging.getLogger().handlers[:]
    shown = TerminalLog(console)
    progress = Progress(stage="train", epoch=2, step=41)
    shown.stepped(progress, 100)
    shown.write(progress, {"loss": 0.25, "seconds_per_step": 1.5, "wait_share": 0.031})
    shown.write(progress, {"dice_pooled_given": 0.8})
    shown._bar.refresh()
    said = console.export_text()
    shown.close()
    assert "train epoch 2" in said
    assert "41/100" in said
    assert "loss 0.2500, 1.50 s a step, 3.1 % waiting" in said
    assert "validation after step 41: dice_pooled_given 0.8000" in said
    assert logging.getLogger().handlers == before
