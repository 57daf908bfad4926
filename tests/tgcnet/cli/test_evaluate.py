"""``tgcnet evaluate``: what it prints and writes, and what it refuses before it loads anything."""

import builtins
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.cli import main
from tgcnet.evaluation.text_modes import TextMode

Refused = Callable[[list[str]], str]
# What programs read; the first eight are the contract.
FIGURES = {
    "dice_pooled", "dice_mean", "iou_pooled", "iou_mean", "hd95_px", "num_images", "num_empty",
    "seconds_per_image", "hd95_mm", "side_leak", "median_area", "max_area", "text", "intervals",
    "classes",
}  # fmt: skip
SOURCE = {
    "model", "model_sha256", "device", "captions_sha256", "versions", "notices", "num_subjects",
    "seed",
}  # fmt: skip


def test_every_figure_is_printed(
    capsys: pytest.CaptureFixture[str], data_set: Path, tmp_path: Path, model: str
) -> None:
    images = tmp_path / "images.csv"
    command = ["evaluate", str(data_set), "--model", model, "--per-image", str(images), "--json"]
    assert main(command) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == FIGURES | SOURCE
    assert (figures["num_images"], figures["text"], figures["classes"]) == (2, "given", [])
    low, high = figures["intervals"]["dice_mean"]
    assert low <= figures["dice_mean"] <= high
    assert len(images.read_text(encoding="utf-8").splitlines()) == 3
    assert main(["evaluate", str(data_set), "--model", model, "--text", "none"]) == 0
    assert "dice_pooled" in capsys.readouterr().out


def test_every_text_mode_in_one_run(
    capsys: pytest.CaptureFixture[str], data_set: Path, tmp_path: Path, model: str
) -> None:
    table, pages, diagram = tmp_path / "table.md", tmp_path / "pages", tmp_path / "diagram.png"
    command = ["evaluate", str(data_set), "--model", model, "--text", "all"]
    command += ["--table", str(table), "--pages", str(pages), "--calibration", str(diagram)]
    assert main([*command, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == SOURCE | {"texts", "calibration"}
    assert tuple(one["text"] for one in figures["texts"]) == tuple(map(str, TextMode))
    given, *others = figures["texts"]
    assert set(given) == FIGURES
    for one in others:
        assert set(one) == FIGURES | {"differences"}
        change = one["differences"]["dice_mean"]["value"]
        assert change == pytest.approx(one["dice_mean"] - given["dice_mean"])
    assert 0 <= figures["calibration"][0]["ece"] <= 1
    written = table.read_text(encoding="utf-8")
    assert all(f"| {mode} | any |" in written for mode in TextMode)
    assert figures["captions_sha256"][:12] in written
    assert "infection" not in written
    assert {path.name for path in pages.iterdir()} == {"best.png", "worst.png"}
    assert Image.open(diagram).format == "PNG"


def test_people_get_tables(capsys: pytest.CaptureFixture[str], data_set: Path, model: str) -> None:
    assert main(["evaluate", str(data_set), "--model", model, "--text", "all"]) == 0
    shown = capsys.readouterr().out
    assert "contradictory" in shown  # whole, not cut to the column
    assert "Difference from the report as given" in shown


@pytest.mark.parametrize(("side", "num_notices"), [("left", 0), ("right", 1)])
def test_captions_of_the_images_side_are_noticed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str, side: str, num_notices: int
) -> None:
    """Whatever text the model gets."""
    folder = tmp_path / "published"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    lines = ["image,mask,report"]
    for index in range(12):
        pixels = np.random.default_rng(index).integers(0, 255, (24, 24)).astype(np.uint8)
        mask = np.zeros((24, 24), dtype=np.uint8)
        mask[4:12, 15:20] = 255  # the image's right half shows the patient's left
        Image.fromarray(pixels).save(folder / "images" / f"{index}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{index}.png")
        lines.append(f"{index}.png,{index}.png,Pneumonia in the {side} lung.")
    (folder / "captions.csv").write_text("\n".join(lines))
    command = ["evaluate", str(folder), "--model", model, "--text", "swapped", "--json"]
    assert main(command) == 0
    notices = json.loads(capsys.readouterr().out)["notices"]
    assert len(notices) == num_notices
    for notice in notices:
        assert notice.startswith("12 of 12 one-sided captions name the half of the image in which")
        assert notice.endswith("run `tgcnet data convert published --patient-side --out NEW`.")


def test_it_refuses_before_it_loads(refused: Refused, data_set: Path, tmp_path: Path) -> None:
    (tmp_path / "protected.csv").touch(mode=0o444)
    start = ["evaluate", str(data_set), "--model", "never looked for"]
    for options, words in (
        (["--table", str(tmp_path / "absent" / "table.csv")], "make it first"),
        (["--table", str(tmp_path)], "cannot be written there"),
        (["--table", str(tmp_path / "protected.csv")], "protected; lift"),
        (["--table", str(tmp_path / "t.txt")], "t.txt has no ending that says a format, expected"),
        (["--per-image", str(tmp_path / "t.md")], "--per-image t.md has no ending"),
        (["--calibration", str(tmp_path / "t.csv")], "expected .png"),
        (["--pages", str(tmp_path)], "is there already, expected a name that is free"),
        (["--pages", str(tmp_path / "absent" / "pages")], "make it first"),
        (["--seed", "-1"], "--seed must be 0 or more, got -1; change the option or leave it out"),
        (["--with-texts"], "--with-texts was given without --pages"),
        (
            ["--table", str(tmp_path / "t.csv"), "--per-image", str(tmp_path / "t.csv")],
            "--table and --per-image both name t.csv, expected two files",
        ),
    ):
        assert words in refused([*start, *options])
    assert "none of the layouts known" in refused(["evaluate", str(tmp_path), "--model", "none"])
    assert "has no split 'test'" in refused([*start, "--split", "test"])


@pytest.mark.parametrize("option", ["--table", "--per-image", "--calibration", "--pages"])
@pytest.mark.parametrize(
    "file",
    [
        "set/captions.csv", "set/classes.json", "link.csv", "set/images/0.png", "set/masks/n",
        "set/Train_text.csv",
    ],
)  # fmt: skip
def test_results_never_replace_the_data_set(
    refused: Refused, data_set: Path, tmp_path: Path, option: str, file: str
) -> None:
    (data_set / "classes.json").write_text('[{"name": "a", "colour": [1, 2, 3]}]')
    (data_set / "Train_text.csv").touch()  # as another layout has it
    (tmp_path / "link.csv").symlink_to(data_set / "captions.csv")
    before = {path: path.read_bytes() for path in data_set.rglob("*.*")}
    command = ["evaluate", str(data_set), "--model", "never looked for", option]
    assert "is a file of the data set itself" in refused([*command, str(tmp_path / file)])
    assert {path: path.read_bytes() for path in data_set.rglob("*.*")} == before


def test_without_matplotlib_it_says_what_to_install(
    refused: Refused, data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: object, **named: object) -> object:
        if name == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", absent)
    command = ["evaluate", str(data_set), "--pages", str(tmp_path / "pages")]
    assert "pip install 'napari-tgcnet[train]'" in refused(command)
