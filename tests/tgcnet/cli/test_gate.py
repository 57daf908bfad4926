"""``tgcnet gate``: two models and a folder in, a verdict out; nothing is switched."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.finetune.conftest import phantom_correction

from tgcnet.cli import main
from tgcnet.corrections import Ledger
from tgcnet.data.reference_split import ReferenceParts
from tgcnet.data.rows import Row
from tgcnet.gate.case_scores import read_scores
from tgcnet.gate.report_json import report_from_json
from tgcnet.weights.manifest import Lineage, read_manifest

Refused = Callable[[list[str]], str]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held-out")
    generator = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[40:55, 8:20] = 255
    for index in range(3):
        image = generator.integers(0, 255, mask.shape).astype(np.uint8)
        Image.fromarray(image).save(folder / "images" / f"{index}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{index}.png")
    rows = [[f"{index}.png", f"{index}.png", "Pulmonary infection."] for index in range(3)]
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["image", "mask", "report"], *rows])
    return folder


@pytest.fixture
def candidate(tiny_model_folder: Path, no_user_models: Path) -> Path:
    """A child of the tiny model, with other random weights, among the user's models."""
    import torch

    from tgcnet.weights.load import load_model, save_model

    loaded = load_model(str(tiny_model_folder))
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    lineage = Lineage(parent="tiny", parent_sha256=loaded.manifest.sha256)
    folder = no_user_models / "candidate"
    save_model(loaded.model, replace(loaded.manifest, name="candidate", lineage=lineage), folder)
    return folder


def test_the_verdict_is_printed_in_words(
    capsys: pytest.CaptureFixture[str], model: str, candidate: Path, phantoms: Path
) -> None:
    command = ["gate", "--candidate", "candidate", "--active", model, "--held-out", str(phantoms)]
    assert main([*command, "--reference", str(phantoms)]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "Active: tiny. Candidate: candidate." in words
    assert "dice_mean" in words
    assert "dice_pooled" in words
    assert "Only 3 patients held out" in words
    assert "the reference set has 3 images, expected at least 100" in words
    assert "Not recommended: candidate. Nothing was switched; only a person does that" in words
    assert "Research use only." in words


def test_of_a_reference_set_the_part_is_compared_that_nothing_was_trained_on(
    capsys: pytest.CaptureFixture[str],
    model: str,
    candidate: Path,
    phantoms: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def two(rows: tuple[Row, ...]) -> ReferenceParts:
        return ReferenceParts(measured=rows[:2], replayed=rows[2:])

    monkeypatch.setattr("tgcnet.data.reference_split.split_reference", two)
    command = ["gate", "--candidate", "candidate", "--active", model, "--held-out", str(phantoms)]
    reference = ["--reference", str(phantoms), "--json"]
    for options, num_images in (([], 2), (["--whole-reference"], 3)):
        assert main([*command, *reference, *options]) == 0
        report = report_from_json(json.loads(capsys.readouterr().out))
        assert [entry.num_cases for entry in report.reference] == [num_images] * 2


def test_a_ledgers_held_out_patients_are_compared(
    capsys: pytest.CaptureFixture[str], model: str, candidate: Path, tmp_path: Path
) -> None:
    ledger = Ledger.create(tmp_path / "ledger")
    for index in range(4):
        ledger.save(phantom_correction(index, patient=f"SECRET^{index}", num_slices=2))
    command = ["gate", "--candidate", "candidate", "--active", model, "--json"]
    assert main([*command, "--corrections", str(tmp_path / "ledger")]) == 0
    printed = capsys.readouterr().out
    given = report_from_json(json.loads(printed)).held_out[0]
    assert (given.num_cases, given.num_patients) == (2, 1)
    assert "SECRET" not in printed


def test_scores_of_a_folder_name_no_file_and_nobody_and_still_pair_and_group(
    model: str, candidate: Path, phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(phantoms, tmp_path / "named"))
    rows = ["image,mask,report,subject,held_out"]
    for index, subject in enumerate(("SECRET^A", "SECRET^A", "SECRET^B")):
        (folder / "images" / f"{index}.png").rename(folder / "images" / f"SECRET{index}.png")
        rows.append(f"SECRET{index}.png,{index}.png,text,{subject},{index != 1}")
    (folder / "captions.csv").write_text("\n".join([*rows, "SECRET0.png,0.png,text,,true"]))
    command = ["gate", "--candidate", "candidate", "--active", model, "--held-out", str(folder)]
    scores = tmp_path / "scores.json"
    options = ["--reference", str(folder), "--whole-reference", "--scores", str(scores), "--json"]
    assert main([*command, *options]) == 0
    assert "SECRET" not in scores.read_text() + capsys.readouterr().out
    held_out, reference = read_scores(scores)
    assert reference is not None
    places = [(score.case, score.group) for score in held_out.with_text("given").candidate]
    assert places == [("held-out/2", "1"), ("held-out/4", "2"), ("held-out/5", "3")]
    places = [(score.case, score.group) for score in reference.with_text("none").active]
    assert places == [
        ("reference/2", "1"), ("reference/3", "1"), ("reference/4", "2"), ("reference/5", "3")
    ]  # fmt: skip


def test_a_reference_image_that_a_correction_shows_is_not_measured(
    model: str, candidate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, folder = Ledger.create(tmp_path / "ledger"), tmp_path / "reference"
    for index in range(2):
        ledger.save(phantom_correction(index, patient=str(index)))
    rows = ["image,mask,report"]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for index in range(3):
        correction = phantom_correction(index, patient="")
        Image.fromarray(correction.volume.array[0]).save(folder / "images" / f"{index}.png")
        Image.fromarray(correction.labels[0]).save(folder / "masks" / f"{index}.png")
        rows.append(f"{index}.png,{index}.png,text")
    (folder / "captions.csv").write_text("\n".join(rows))
    command = ["gate", "--candidate", "candidate", "--active", model, "--json"]
    more = ["--corrections", str(tmp_path / "ledger"), "--reference", str(folder)]
    assert main([*command, *more]) == 0
    printed = capsys.readouterr()
    assert "has the same pixels: 1." in printed.err
    assert [e.num_cases for e in report_from_json(json.loads(printed.out)).reference] == [2, 2]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [("false", "no row of captions.csv of set is held out"), ("maybe", "nor false in row 2")],
)
def test_an_export_without_a_held_out_row_has_nothing_to_compare_on(
    refused: Refused, model: str, candidate: Path, phantoms: Path, tmp_path: Path, said: str,
    sentence: str,
) -> None:  # fmt: skip
    folder = Path(shutil.copytree(phantoms, tmp_path / "set"))
    (folder / "captions.csv").write_text(f"image,mask,report,held_out\n0.png,0.png,text,{said}\n")
    command = ["gate", "--candidate", "candidate", "--active", model, "--held-out", str(folder)]
    assert sentence in refused(command)


def test_a_ledger_of_one_patient_has_nothing_to_compare_on(
    refused: Refused, model: str, candidate: Path, tmp_path: Path
) -> None:
    Ledger.create(tmp_path / "ledger").save(phantom_correction(0, patient="only one"))
    command = ["gate", "--candidate", "candidate", "--active", model]
    sentence = refused([*command, "--corrections", str(tmp_path / "ledger")])
    assert "no reviewed slice of a held-out patient" in sentence


def test_report_scores_and_lineage_are_written_where_asked(
    capsys: pytest.CaptureFixture[str],
    model: str,
    candidate: Path,
    phantoms: Path,
    tmp_path: Path,
) -> None:
    report, scores = tmp_path / "report.json", tmp_path / "scores.json"
    command = ["gate", "--candidate", "candidate", "--active", model, "--held-out", str(phantoms)]
    asked = ["--out", str(report), "--scores", str(scores), "--record", "--json"]
    assert main([*command, *asked]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(report.read_text(encoding="utf-8"))
    judged = report_from_json(printed)
    assert [(entry.text, entry.num_cases) for entry in judged.held_out] == [
        ("given", 3),
        ("none", 3),
    ]
    assert judged.candidate == read_manifest(candidate).identity
    held_out, reference = read_scores(scores)
    assert len(held_out.candidate) == 6
    assert reference is None
    lineage = read_manifest(candidate).lineage
    assert lineage is not None
    assert lineage.gate == printed


def test_bad_input_is_refused_before_anything_is_scored(
    refused: Refused, model: str, candidate: Path, phantoms: Path, tmp_path: Path
) -> None:
    held_out = ["--held-out", str(phantoms)]
    same = ["gate", "--candidate", model, "--active", model, *held_out]
    assert "has the same weights as the model it is compared with" in refused(same)
    parentless = ["gate", "--candidate", model, "--active", "candidate", *held_out, "--record"]
    assert "names no parent, so there is no lineage" in refused(parentless)
    command = ["gate", "--candidate", "candidate", "--active", model]
    assert "captions.csv" in refused([*command, "--held-out", str(tmp_path)])
    assert "captions.csv" in refused([*command, *held_out, "--reference", str(tmp_path)])
    absent = str(tmp_path / "absent" / "report.json")
    for option in ("--out", "--scores"):
        assert f"{option} report.json" in refused([*command, *held_out, option, absent])
    one_file = ["--out", str(tmp_path / "one.json"), "--scores", str(tmp_path / "one.json")]
    assert "--out and --scores are one file, one.json" in refused([*command, *held_out, *one_file])
    assert "--seed must be 0 or more, got -1" in refused([*command, *held_out, "--seed", "-1"])
    Ledger.create(tmp_path / "ledger")
    inside = [
        "--corrections",
        str(tmp_path / "ledger"),
        "--out",
        str(tmp_path / "ledger" / "r.json"),
    ]
    assert "is the ledger of corrections or lies in it" in refused([*command, *inside])
    assert "--held-out" in refused(command)
    assert "name it with --reference" in refused([*command, *held_out, "--whole-reference"])
