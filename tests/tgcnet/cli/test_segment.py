"""``tgcnet segment``: masks, words, refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.io.dicom.phantoms import write_series

from tgcnet.cli import main

Refused = Callable[[list[str]], str]
REPORT = "Bilateral pulmonary infection, lower left lung."
NOTICE = "Research use only. Not a medical device."


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
    assert isinstance(summary["area_px"], int)
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
    mask, image = nibabel.Nifti1Image.from_filename(out), nibabel.Nifti1Image.from_filename(ct)
    np.testing.assert_array_equal(mask.affine, image.affine)
    labels = np.asarray(mask.dataobj)
    assert labels.shape == image.shape
    assert summary["slices_with_findings"] == [2, 3, 4]
    assert set(np.flatnonzero(labels.any(axis=(0, 1)))) == {2, 3, 4}
    assert summary["volume_ml"] == pytest.approx(np.count_nonzero(labels) * 1.5 * 1.5 * 4 / 1000)


def a_report(tmp_path: Path, patient: str) -> Path:
    kind = {"coding": [{"code": "MR"}]}
    report = {
        "resourceType": "DiagnosticReport",
        "conclusion": REPORT,
        "subject": {"identifier": {"type": kind, "value": patient}},
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    return tmp_path / "report.json"


def test_the_report_of_another_patient_is_refused_unless_it_is_confirmed(
    refused: Refused, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "series", patient_id="PHANTOM-1")
    command = ["segment", str(tmp_path / "series"), "--model", model]
    command += ["--out", str(tmp_path / "mask.nii"), "--report-file"]
    sentence = refused([*command, str(a_report(tmp_path, "PHANTOM-2"))])
    assert "The report and the image differ in patient ID, expected those of one" in sentence
    assert "PHANTOM" not in sentence
    assert main([*command, str(tmp_path / "report.json"), "--yes"]) == 0
    assert "differ in patient ID; it is used, since --yes" in capsys.readouterr().err
    assert main([*command, str(a_report(tmp_path, "phantom-1 "))]) == 0
    assert "differ" not in capsys.readouterr().err


def test_a_report_without_a_patient_gives_a_notice(
    dicom: Path, ct: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = "Whether the report is of this image's patient and study is unknown."
    for image, is_said in ((dicom, True), (ct, False)):
        command = ["segment", str(image), "--report", REPORT, "--model", model]
        assert main([*command, "--out", str(tmp_path / "mask.nii")]) == 0
        assert (unknown in capsys.readouterr().err) is is_said


def test_a_volume_of_a_4d_file_is_chosen(
    refused: Refused, ct: Path, tmp_path: Path, model: str
) -> None:
    image = nibabel.Nifti1Image.from_filename(ct)
    both = np.stack([np.asarray(image.dataobj)] * 2, axis=-1)
    nibabel.Nifti1Image(both, image.affine).to_filename(tmp_path / "both.nii")
    command = ["segment", str(tmp_path / "both.nii"), "--model", model]
    command += ["--out", str(tmp_path / "mask.nii")]
    assert "holds 2 volumes" in refused(command)
    assert main([*command, "--volume", "1"]) == 0


def test_in_words_it_says_where_how_much_and_what_for(
    capsys: pytest.CaptureFixture[str], ct: Path, tmp_path: Path, model: str
) -> None:
    report = tmp_path / "report.txt"
    report.write_text(REPORT, encoding="utf-8")
    command = ["segment", str(ct), "--report-file", str(report), "--model", model]
    assert main([*command, "--out", str(tmp_path / "mask.tif")]) == 0
    words = capsys.readouterr().out
    assert "ml in " in words
    assert " s with model 'tiny' on cpu" in words
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
    assert summary["sentences_past_end"] == summary["words_past_end"] == []


def test_a_report_of_which_nothing_is_read_is_said_to_be_none(
    capsys: pytest.CaptureFixture[str], radiograph: Path, tmp_path: Path, model: str
) -> None:
    command = ["segment", str(radiograph), "--model", model, "--out", str(tmp_path / "mask.png")]
    assert main([*command, "--report", "Xylophone."]) == 0
    assert "reads nothing of this report, so it runs without a text." in capsys.readouterr().err
    assert main([*command, "--report", REPORT]) == 0
    assert "without a text" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No pulmonary infection.", "only as absent or past"),
        ("Pleural effusion.", "names pleural effusion, which model 'tiny' cannot segment"),
    ],
)
def test_a_report_without_a_target_asks_first(
    refused: Refused,
    radiograph: Path,
    tmp_path: Path,
    model: str,
    text: str,
    words: str,
) -> None:
    out = tmp_path / "mask.png"
    command = ["segment", str(radiograph), "--report", text, "--model", model, "--out", str(out)]
    sentence = refused(command)
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
        (["--slices", "-1:2"], "slices -1:2 do not lie within this image, which has 7"),
        (["--window", "lung"], "'lung' is no intensity window; expected CENTRE/WIDTH"),
        (["--window", "-600/0"], "-600/0 is no intensity window, expected centre and width"),
        (["--window", "-600/nan"], "-600/nan is no intensity window"),
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
    refused: Refused,
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
    assert words in refused([*command, *options])
    assert out.read_bytes() == b"an older mask"
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["ct.nii.gz", "mask.nii.gz"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mask.png", "a PNG holds one slice and this image has 7"),
        ("mask.dcm", "--out mask.dcm: a DICOM segmentation belongs to DICOM images and this image"),
        ("mask.xyz", "no ending that says a format"),
        ("absent/mask.nii", "its folder 'absent' is not there"),
        ("ct.nii.gz", "is the image itself"),
        ("folder.nii", "cannot be written there"),
        ("protected.nii", "--out protected.nii is write-protected; lift the protection"),
    ],
)
def test_a_bad_target_is_refused_before_the_work(
    refused: Refused, ct: Path, tmp_path: Path, model: str, name: str, words: str
) -> None:
    (tmp_path / "folder.nii").mkdir()
    (tmp_path / "protected.nii").touch(mode=0o444)
    before = ct.read_bytes()
    command = ["segment", str(ct), "--model", "never looked for", "--out", str(tmp_path / name)]
    assert words in refused(command)
    assert ct.read_bytes() == before


@pytest.fixture
def dicom(tmp_path: Path) -> Path:
    """A folder of five slices."""
    values = np.random.default_rng(0).integers(24, 1300, (5, 16, 12)).astype(np.int16)
    write_series(tmp_path / "series", values=values)
    return tmp_path / "series"


def test_a_dicom_series_gets_a_segmentation_with_its_patient(
    capsys: pytest.CaptureFixture[str], dicom: Path, model: str
) -> None:
    out = dicom / "mask.dcm"
    command = ["segment", str(dicom), "--report", REPORT, "--model", model, "--out", str(out)]
    assert main([*command, "--threshold", "0.01", "--slices", "1:3"]) == 0
    assert "mask.dcm carries the patient's and the study's attributes" in capsys.readouterr().err
    made = highdicom.seg.segread(out)
    assert str(made.PatientName) == "Phantom^One"
    assert [one.SegmentLabel for one in made.SegmentSequence] == ["infection"]
    said = json.loads(made.DerivationDescription)
    assert (said["edited"], said["threshold"]) == ("no", "0.01")
    assert len(said["report_hmac_sha256"]) == 64
    assert REPORT not in made.DerivationDescription


def test_a_deidentified_segmentation_names_nobody_and_says_so(
    capsys: pytest.CaptureFixture[str], dicom: Path, model: str
) -> None:
    out = dicom / "mask.dcm"
    command = ["segment", str(dicom), "--report", REPORT, "--model", model, "--out", str(out)]
    assert main([*command, "--deidentify"]) == 0
    assert "mask.dcm names no patient" in capsys.readouterr().err
    assert b"Phantom" not in out.read_bytes()


def test_no_slice_of_the_image_is_replaced(refused: Refused, dicom: Path) -> None:
    out = dicom / "slice_0002.dcm"
    before = out.read_bytes()
    assert "is the image itself" in refused(["segment", str(dicom), "--out", str(out)])
    assert out.read_bytes() == before


def test_an_image_that_is_gone_is_refused_before_the_work(refused: Refused, dicom: Path) -> None:
    (dicom / "slice_0002.dcm").unlink()
    command = ["segment", str(dicom), "--model", "never looked for"]
    assert "1 slice is missing, at -295.00 mm" in refused([*command, "--out", str(dicom / "m.dcm")])


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_a_bad_image_is_one_sentence(refused: Refused, tmp_path: Path, content: bytes) -> None:
    image = tmp_path / "image.png"
    image.write_bytes(content)
    command = ["segment", str(image), "--out", str(tmp_path / "mask.png")]
    assert "image.png" in refused(command)
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]


def test_an_image_of_unknown_modality_asks_for_it(
    refused: Refused, tmp_path: Path, model: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (20, 20)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "radiograph.png")
    out = tmp_path / "mask.png"
    command = ["segment", str(tmp_path / "radiograph.png"), "--report", REPORT, "--model", model]
    assert "--modality ct or --modality xray" in refused([*command, "--out", str(out)])
    assert not out.exists()
    assert main([*command, "--out", str(out), "--modality", "xray"]) == 0


def test_a_missing_option_is_named(refused: Refused) -> None:
    assert "the following arguments are required: --out" in refused(["segment", "a.png"])
    assert "required: COMMAND" in refused([])


def test_a_defect_of_ours_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, radiograph: Path, tmp_path: Path
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("tgcnet.io.load_volume", broken)
    with pytest.raises(ZeroDivisionError, match="ours"):
        main(["segment", str(radiograph), "--out", str(tmp_path / "mask.png")])


def test_a_lack_of_memory_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, refused: Refused, radiograph: Path, tmp_path: Path
) -> None:
    def too_large(*_: Any, **__: Any) -> None:
        raise MemoryError("Unable to allocate 40. GiB for an array")

    monkeypatch.setattr("tgcnet.io.load_volume", too_large)
    command = ["segment", str(radiograph), "--out", str(tmp_path / "mask.png")]
    assert "memory is used up; close other programs" in refused(command)


def test_ctrl_c_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    radiograph: Path,
    tmp_path: Path,
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tgcnet.io.load_volume", stopped)
    assert main(["segment", str(radiograph), "--out", str(tmp_path / "mask.png")]) == 130
    assert "stopped before the end" in capsys.readouterr().err


def test_a_window_of_ones_own_changes_what_the_model_sees_and_is_kept_with_the_mask(
    capsys: pytest.CaptureFixture[str], ct: Path, tmp_path: Path, model: str
) -> None:
    command = ["segment", str(ct), "--model", model, "--json", "--threshold", "0.45", "--out"]
    masks = []
    for name, window in (("a", []), ("b", ["--window", "-600/1500"]), ("c", ["--window", "0/80"])):
        out = tmp_path / f"{name}.nii"
        assert main([*command, str(out), *window]) == 0
        masks.append(np.asarray(nibabel.Nifti1Image.from_filename(out).dataobj))
    np.testing.assert_array_equal(masks[0], masks[1])  # the model's own, stated
    assert (masks[0] != masks[2]).any()
    (extension,) = nibabel.Nifti1Image.from_filename(tmp_path / "c.nii").header.extensions
    assert json.loads(extension.text.rstrip("\0"))["window_hu"] == "0/80"


def test_a_window_is_for_a_ct(
    refused: Refused, radiograph: Path, tmp_path: Path, model: str
) -> None:
    command = ["segment", str(radiograph), "--model", model, "--out", str(tmp_path / "mask.png")]
    sentence = refused([*command, "--window", "-600/1500"])
    assert "window of -600/1500 Hounsfield units was given, but the image is no CT" in sentence


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["segment", ".", "--out", "mask.nii"], "tgcnet: here holds no DICOM image"),
        (["segment", "ct.nii.gz", "--report-file", ".", "--out", "mask.nii"], "report here cannot"),
        (["segment", "ct.nii.gz", "--out", "."], "--out here has no ending"),
        (["evaluate", ".", "--model", "MODEL"], "tgcnet: here holds 1 files and none of the"),
    ],
)
def test_the_folder_one_stands_in_has_a_name(
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    ct: Path,
    model: str,
    command: list[str],
    words: str,
) -> None:
    here = ct.parent / "here"
    here.mkdir()
    ct.rename(here / ct.name)
    monkeypatch.chdir(here)
    assert words in refused([model if part == "MODEL" else part for part in command])
