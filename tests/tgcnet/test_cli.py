"""The command line, as its user sees it: words, files, exit codes."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tgcnet.cli import build_parser, main
from tgcnet.cli.demo import has_display
from tgcnet.cli.evaluate import TEXT_MODES

REPORT = "Bilateral pulmonary infection, lower left lung."
NOTICE = "Research use only. Not a medical device."


@pytest.fixture
def model(tiny_model_folder: Path, no_user_models: Path) -> str:
    return str(tiny_model_folder)


@pytest.fixture
def radiograph(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 40)).astype(np.uint8)
    path = tmp_path / "radiograph.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    array = np.random.default_rng(0).integers(-1000, 300, (30, 26, 7)).astype(np.int16)
    affine = np.array([[-1.5, 0, 0, 20], [0, -1.5, 0, 30], [0, 0, 4, -5], [0, 0, 0, 1.0]])
    path = tmp_path / "ct.nii.gz"
    nibabel.Nifti1Image(array, affine).to_filename(path)
    return path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence of a command that exits with 2 and prints nothing else."""
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


# --- what needs no torch -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["--help"], ["segment", "--help"], ["report", "-"], ["models", "list"]]
)
def test_light_commands_import_no_torch(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from tgcnet.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "sys.exit(9 if 'torch' in sys.modules else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input="No pneumothorax.",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_help_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["segment", "--help"], ["models", "show", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        assert NOTICE in " ".join(capsys.readouterr().out.split())


def test_every_command_of_this_version_is_there() -> None:
    text = build_parser().format_help()
    for command in ("segment", "evaluate", "train", "models", "data", "report", "demo"):
        assert command in text


def test_the_notice_is_that_of_the_files() -> None:
    from tgcnet.cli.output import RESEARCH_NOTICE as SAID
    from tgcnet.io import RESEARCH_NOTICE as WRITTEN

    assert SAID == WRITTEN == NOTICE


def test_text_modes_are_those_of_the_evaluation() -> None:
    from tgcnet.train.evaluate import TextMode

    assert tuple(str(mode) for mode in TextMode) == TEXT_MODES


def test_the_report_command_names_findings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "report.txt"
    file.write_text("Consolidation in the left lower lobe. No pneumothorax.", encoding="utf-8")
    assert main(["report", str(file), "--json"]) == 0
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["consolidation"]["presence"] == "present"
    assert findings["consolidation"]["side"] == "left"
    assert findings["pneumothorax"]["presence"] == "absent"
    assert findings["pneumothorax"]["side"] is None
    assert main(["report", str(file)]) == 0
    assert "consolidation: present (left" in capsys.readouterr().out


def test_the_report_command_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Nothing at all."))
    assert main(["report", "-"]) == 0
    assert "No finding that the knowledge base knows" in capsys.readouterr().out


def test_the_report_command_shows_what_a_model_reads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(REPORT + " Pleural effusion."))
    assert main(["report", "-", "--model", model, "--json"]) == 0
    read = json.loads(capsys.readouterr().out)["model"]
    assert read["segmentable"] == ["pulmonary infection"]
    assert read["not_segmentable"] == ["pleural effusion"]
    assert read["sentences_left_out"] == ["Pleural effusion."]


# --- segment -------------------------------------------------------------------------------------


def test_a_radiograph_gets_a_mask_of_its_own_size(
    capsys: pytest.CaptureFixture[str], radiograph: Path, tmp_path: Path, model: str
) -> None:
    out = tmp_path / "mask.png"
    command = ["segment", str(radiograph), "--report", REPORT, "--model", model, "--json"]
    assert main([*command, "--device", "cpu", "--threshold", "0.3", "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    mask = np.asarray(Image.open(out))
    assert mask.shape == (48, 40)
    assert summary["voxels"] == np.count_nonzero(mask) == summary["area_px"]
    assert summary["device"] == "cpu"
    assert summary["slices"] == [0, 1]
    assert summary["out"] == str(out)
    assert summary["not_segmentable"] == []
    assert summary["seconds"] > 0


def test_a_ct_gets_a_mask_with_its_own_affine(
    capsys: pytest.CaptureFixture[str], ct: Path, tmp_path: Path, model: str
) -> None:
    out = tmp_path / "mask.nii.gz"
    command = ["segment", str(ct), "--model", model, "--out", str(out), "--slices", "2:5"]
    assert main([*command, "--threshold", "0.01", "--json"]) == 0
    captured = capsys.readouterr()
    assert "No report was given: the model runs without a text." in captured.err
    summary = json.loads(captured.out)
    mask, image = nibabel.load(out), nibabel.load(ct)
    np.testing.assert_array_equal(mask.affine, image.affine)
    labels = np.asarray(mask.dataobj)
    assert labels.shape == image.shape
    assert summary["slices_with_findings"] == [2, 3, 4]
    assert set(np.flatnonzero(labels.any(axis=(0, 1)))) == {2, 3, 4}
    assert summary["volume_ml"] == pytest.approx(np.count_nonzero(labels) * 1.5 * 1.5 * 4 / 1000)


def test_in_words_it_says_where_how_much_and_what_for(
    capsys: pytest.CaptureFixture[str], ct: Path, tmp_path: Path, model: str
) -> None:
    report = tmp_path / "report.txt"
    report.write_text(REPORT, encoding="utf-8")
    command = ["segment", str(ct), "--report-file", str(report), "--model", model]
    assert main([*command, "--out", str(tmp_path / "mask.tif")]) == 0
    words = capsys.readouterr().out
    assert "ml in " in words
    assert " s on cpu" in words
    assert NOTICE in words


def test_what_the_model_cannot_do_is_said(
    capsys: pytest.CaptureFixture[str], radiograph: Path, tmp_path: Path, model: str
) -> None:
    text = REPORT + " Pleural effusion."
    command = ["segment", str(radiograph), "--report", text, "--model", model, "--json"]
    assert main([*command, "--out", str(tmp_path / "mask.png")]) == 0
    captured = capsys.readouterr()
    assert "was not made for it: pleural effusion." in captured.err
    assert "does not read these sentences of the report: “Pleural effusion.”" in captured.err
    summary = json.loads(captured.out)
    assert summary["not_segmentable"] == ["pleural effusion"]
    assert summary["sentences_left_out"] == ["Pleural effusion."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No pulmonary infection.", "only as absent or past"),
        ("Pleural effusion.", "names pleural effusion, which model 'tiny' cannot segment"),
    ],
)
def test_a_report_without_a_target_asks_first(
    capsys: pytest.CaptureFixture[str],
    radiograph: Path,
    tmp_path: Path,
    model: str,
    text: str,
    words: str,
) -> None:
    out = tmp_path / "mask.png"
    command = ["segment", str(radiograph), "--report", text, "--model", model, "--out", str(out)]
    sentence = refused(command, capsys)
    assert words in sentence
    assert "--yes" in sentence
    assert not out.exists()
    assert main([*command, "--yes"]) == 0
    assert out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--slices", "3:9"], "slices 3:9 do not lie within this image, which has 7"),
        (["--slices", "5"], "'5' is no range of slices; expected A:B"),
        (["--threshold", "1.5"], "threshold must lie between 0 and 1, got 1.5"),
        (["--threshold", "high"], "argument --threshold: invalid float value"),
        (["--device", "cuda:77"], "'cuda:77' is not here"),
        (["--device", "abacus"], "'abacus' is no device"),
        (["--model", "no-such-model"], "There is no model called 'no-such-model'; known are:"),
        (["--modality", "mri"], "invalid choice: 'mri'"),
        (["--report-file", "absent.txt"], "absent.txt"),
        (["--report", "a", "--report-file", "b"], "not allowed with argument"),
    ],
)
def test_bad_options_are_one_sentence_and_exit_2(
    capsys: pytest.CaptureFixture[str],
    ct: Path,
    tmp_path: Path,
    model: str,
    options: list[str],
    words: str,
) -> None:
    out = tmp_path / "mask.nii.gz"
    out.write_bytes(b"an older mask")
    command = ["segment", str(ct), "--out", str(out), "--report", REPORT, "--model", model]
    if "--report-file" in options:
        command = [part for part in command if part not in ("--report", REPORT)]
    assert words in refused([*command, *options], capsys)
    assert out.read_bytes() == b"an older mask"
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["ct.nii.gz", "mask.nii.gz"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mask.png", "a PNG holds one slice and this image has 7"),
        ("mask.dcm", "DICOM SEG cannot be written yet"),
        ("mask.xyz", "no ending that says a format"),
        ("absent/mask.nii", "its folder 'absent' is not there"),
        ("ct.nii.gz", "is the image itself"),
        ("folder.nii", "cannot be written there"),
    ],
)
def test_a_bad_target_is_refused_before_the_work(
    capsys: pytest.CaptureFixture[str], ct: Path, tmp_path: Path, model: str, name: str, words: str
) -> None:
    (tmp_path / "folder.nii").mkdir()
    before = ct.read_bytes()
    command = ["segment", str(ct), "--model", "never looked for", "--out", str(tmp_path / name)]
    assert words in refused(command, capsys)
    assert ct.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_a_bad_image_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes
) -> None:
    image = tmp_path / "image.png"
    image.write_bytes(content)
    command = ["segment", str(image), "--out", str(tmp_path / "mask.png")]
    assert "image.png" in refused(command, capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]


def test_an_image_of_unknown_modality_asks_for_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (20, 20)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "radiograph.png")
    out = tmp_path / "mask.png"
    command = ["segment", str(tmp_path / "radiograph.png"), "--report", REPORT, "--model", model]
    assert "--modality ct or --modality xray" in refused([*command, "--out", str(out)], capsys)
    assert not out.exists()
    assert main([*command, "--out", str(out), "--modality", "xray"]) == 0


def test_a_missing_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the following arguments are required: --out" in refused(["segment", "a.png"], capsys)
    assert "required: COMMAND" in refused([], capsys)


def test_a_defect_of_ours_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, radiograph: Path, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("tgcnet.io.load_volume", broken)
    with pytest.raises(ZeroDivisionError, match="ours"):
        main(["segment", str(radiograph), "--out", str(tmp_path / "mask.png")])


def test_ctrl_c_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    radiograph: Path,
    tmp_path: Path,
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tgcnet.io.load_volume", stopped)
    assert main(["segment", str(radiograph), "--out", str(tmp_path / "mask.png")]) == 130
    assert "stopped before the end" in capsys.readouterr().err


# --- evaluate, models, data, train, demo ---------------------------------------------------------


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    generator = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    report = (
        "bilateral pulmonary infection, two infected areas, lower right lung and lower left lung."
    )
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[40:55, 8:20] = mask[40:55, 44:56] = 255
    for index in range(2):
        image = generator.integers(0, 255, (64, 64)).astype(np.uint8)
        Image.fromarray(image).save(folder / "images" / f"{index}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{index}.png")
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [[f"{index}.png", f"{index}.png", report] for index in range(2)]
        csv.writer(file).writerows([["image", "mask", "report"], *rows])
    return folder


def test_evaluate_prints_every_figure(
    capsys: pytest.CaptureFixture[str], data_set: Path, tmp_path: Path, model: str
) -> None:
    table = tmp_path / "table.csv"
    command = ["evaluate", str(data_set), "--model", model, "--table", str(table), "--json"]
    assert main(command) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {
        "dice_pooled", "dice_mean", "iou_pooled", "iou_mean", "hd95_px", "num_images", "num_empty",
        "seconds_per_image", "side_leak", "median_area", "max_area", "text", "model", "device",
    } == set(figures)  # fmt: skip
    assert figures["num_images"] == 2
    assert len(table.read_text(encoding="utf-8").splitlines()) == 3
    assert main(["evaluate", str(data_set), "--model", model, "--text", "none"]) == 0
    assert "dice_pooled" in capsys.readouterr().out


def test_evaluate_refuses_before_it_loads(
    capsys: pytest.CaptureFixture[str], data_set: Path, tmp_path: Path, model: str
) -> None:
    absent = str(tmp_path / "absent" / "table.csv")
    assert "make it first" in refused(["evaluate", str(data_set), "--table", absent], capsys)
    command = ["evaluate", str(tmp_path), "--model", model]
    assert "captions.csv" in refused(command, capsys)


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
    capsys: pytest.CaptureFixture[str], no_user_models: Path, tiny_model_folder: Path
) -> None:
    folder = no_user_models / "damaged"
    folder.mkdir()
    (folder / "manifest.json").write_bytes((tiny_model_folder / "manifest.json").read_bytes())
    (folder / "weights.safetensors").write_bytes(b"damaged")
    assert "has SHA-256" in refused(["models", "verify", str(folder)], capsys)


def test_the_referring_set_is_made(
    capsys: pytest.CaptureFixture[str], data_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "referring"
    assert main(["data", "convert", "--referring", str(data_set), "--out", str(out)]) == 0
    assert "4 rows" in capsys.readouterr().out
    assert (out / "captions.csv").is_file()
    again = ["data", "convert", "--referring", str(data_set), "--out", str(out)]
    assert "is there already" in refused(again, capsys)


def test_training_needs_a_data_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["train", "mini", "--data", str(tmp_path / "absent"), "--out", str(tmp_path / "out")]
    assert "is no folder" in refused(command, capsys)


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
