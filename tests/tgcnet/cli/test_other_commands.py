"""``tgcnet models``, ``data``, ``train`` and ``demo``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from PIL import Image

import tgcnet
from tgcnet.cli import demo, main
from tgcnet.cli.demo import has_display

Refused = Callable[[list[str]], str]
NOTICE = "Research use only. Not a medical device."


def test_models_are_listed_shown_and_verified(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tiny_model_folder: Path,
) -> None:
    monkeypatch.setenv("TGCNET_MODELS", str(tiny_model_folder.parent))
    assert main(["models", "list"]) == 0
    assert "tiny: pulmonary infection (none: random numbers)" in capsys.readouterr().out
    assert main(["models", "list", "--json"]) == 0
    assert "tiny" in [m["name"] for m in json.loads(capsys.readouterr().out)["models"]]
    assert main(["models", "show", "tiny"]) == 0
    shown = capsys.readouterr().out
    assert "  trainable: " in shown
    assert "findings: pulmonary infection" in shown
    assert "quick_gelu: True" in shown
    assert main(["models", "show", "tiny", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert 0 < values["parameters"]["trainable"] < values["parameters"]["total"]
    assert main(["models", "verify", "tiny"]) == 0
    assert "tiny: whole" in capsys.readouterr().out


def test_a_damaged_model_fails_its_verification(
    refused: Refused, no_user_models: Path, tiny_model_folder: Path
) -> None:
    folder = no_user_models / "damaged"
    folder.mkdir()
    (folder / "manifest.json").write_bytes((tiny_model_folder / "manifest.json").read_bytes())
    (folder / "weights.safetensors").write_bytes(b"damaged")
    assert "has SHA-256" in refused(["models", "verify", str(folder)])


def test_the_referring_set_is_made(
    capsys: pytest.CaptureFixture[str], refused: Refused, data_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "referring"
    assert main(["data", "convert", "--referring", str(data_set), "--out", str(out)]) == 0
    assert "4 rows" in capsys.readouterr().out
    assert (out / "captions.csv").is_file()
    again = ["data", "convert", "--referring", str(data_set), "--out", str(out)]
    assert "is there already" in refused(again)


def test_training_needs_a_data_folder(refused: Refused, tmp_path: Path) -> None:
    command = ["train", "mini", "--data", str(tmp_path / "absent"), "--out", str(tmp_path / "out")]
    assert "is no folder" in refused(command)


def test_a_run_needs_a_folder_that_can_be_made(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = ["train", "mini", "--data", str(tmp_path), "--out", str(tmp_path / "file" / "run")]
    sentence = refused(command)
    assert "the run's folder 'run' cannot be made" in sentence
    assert str(tmp_path) not in sentence


def test_a_run_without_its_data_names_them_and_writes_nothing(
    refused: Refused, tmp_path: Path
) -> None:
    data, out = tmp_path / "empty", tmp_path / "out"
    data.mkdir()
    sentence = refused(["train", "mini", "--data", str(data), "--out", str(out)])
    assert "--data empty holds no folder qata_cov19/train" in sentence
    assert "training/recipes/prepare_mini_data.py" in sentence
    assert not out.exists()


def test_a_run_whose_data_are_damaged_writes_nothing(refused: Refused, tmp_path: Path) -> None:
    for part in ("qata_cov19/train", "ct_covid_semiseg/train", "ct_covid_semiseg/pseudo",
                 "lesion_free/train", "qata_cov19/val"):  # fmt: skip
        folder = tmp_path / "data" / part
        folder.mkdir(parents=True)
        (folder / "captions.csv").write_text("image,mask,report\n", encoding="utf-8")
    out = tmp_path / "out"
    assert "has no rows" in refused(
        ["train", "mini", "--data", str(tmp_path / "data"), "--out", str(out)]
    )
    assert not out.exists()


@pytest.mark.parametrize("absent", ["lightning_fabric", "monai"])
def test_training_names_the_extra_it_needs(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, absent: str
) -> None:
    # None in sys.modules makes an import fail as if the package were not there.
    monkeypatch.setitem(sys.modules, absent, None)
    monkeypatch.setitem(sys.modules, f"{absent}.losses", None)
    for name in [name for name in sys.modules if name.startswith("tgcnet.train")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "tgcnet.losses", raising=False)
    for name in ("train", "losses"):  # importing anew exchanges these, too, for all later tests
        monkeypatch.setattr(tgcnet, name, getattr(tgcnet, name, None), raising=False)
    sentence = refused(["train", "mini", "--data", str(tmp_path), "--out", str(tmp_path / "run")])
    assert f"Training needs {absent}" in sentence
    assert "pip install 'napari-tgcnet[train]'" in sentence


def test_the_demo_writes_a_mask_and_a_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str
) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--no-window", "--model", model, "--out", str(out)]) == 0
    mask, picture = sorted(out.iterdir())
    assert mask.name.endswith("-mask.png")
    assert picture.name.endswith("-overlay.png")
    assert Image.open(picture).size == Image.open(mask).size
    assert Image.open(picture).mode == "RGB"
    words = capsys.readouterr().out
    assert NOTICE in words
    assert "CC BY" in words


def test_a_display_is_known_by_the_environment() -> None:
    assert has_display({"DISPLAY": ":0"}, "linux")
    assert has_display({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert not has_display({}, "linux")
    assert has_display({}, "darwin")


@pytest.mark.parametrize("status", [0, 1])
def test_a_demo_whose_window_fails_says_so(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    model: str,
    status: int,
) -> None:
    monkeypatch.setattr(demo, "has_display", lambda: True)
    monkeypatch.setattr(
        "tgcnet.cli.demo.subprocess.run", lambda command, **_: CompletedProcess(command, status)
    )
    assert main(["demo", "--model", model, "--out", str(tmp_path / "demo")]) == status
    words = capsys.readouterr().err
    assert ("napari ended with status 1; mask and picture are written" in words) is bool(status)
    assert len(list((tmp_path / "demo").iterdir())) == 2
