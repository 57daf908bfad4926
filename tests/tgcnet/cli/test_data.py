"""``tgcnet data`` as a user types it."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.cli import main
from tgcnet.cli.data_report import groups_in_words
from tgcnet.data.check.findings import Found

Refused = Callable[[list[str]], str]


@pytest.fixture
def image_side(tmp_path: Path) -> Path:
    """Twelve captions that say right where the image's right half has the lesion."""
    folder = tmp_path / "set"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    mask = np.zeros((16, 16), dtype=bool)
    mask[8:12, 10:14] = True
    with (folder / "captions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", "report", "subject"])
        for index in range(12):
            noise = np.random.default_rng(index).integers(0, 255, (16, 16)).astype(np.uint8)
            name = f"DOE{index}.png"
            Image.fromarray(noise).save(folder / "images" / name)
            Image.fromarray(mask).save(folder / "masks" / name)
            writer.writerow([name, name, "Pneumonia in the right lung.", f"s{index}"])
    return folder


def test_a_check_says_what_to_do_and_ends_with_1(
    image_side: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "check", str(image_side)]) == 1
    shown = capsys.readouterr().out
    assert "12 of 12 one-sided captions name the half of the image" in shown
    assert "run `tgcnet data convert set --patient-side --out NEW`" in shown
    assert "captions SHA-256: " in shown
    assert shown.endswith("1 error, 0 warnings, 0 notes\n")
    assert "DOE" not in shown


def test_the_way_from_error_to_clean(
    image_side: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["data", "convert", str(image_side), "--patient-side", "--split", "50:50"]
    assert main([*command, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 12 rows (train 6, val 6)\n"
    assert main(["data", "check", str(out), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["splits"] == {"train": 6, "val": 6}
    assert values["sides"] == {
        "num_patient_side": 12, "num_image_side": 0, "convention": "patient"
    }  # fmt: skip
    assert set(values["captions_sha256_of_split"]) == {"train", "val"}
    assert values["num_errors"] == 0


def test_splits_in_folders_side_by_side_are_compared(
    image_side: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train", "val"):
        shutil.copytree(image_side, tmp_path / "both" / name)
    assert main(["data", "check", str(tmp_path / "both"), "--json"]) == 1
    values = json.loads(capsys.readouterr().out)
    assert values["splits"] == {"train": 12, "val": 12}
    counts = {finding["kind"]: finding["count"] for finding in values["findings"]}
    assert (counts["shared-subject"], counts["copied-across-splits"]) == (12, 12)


def test_names_are_shown_only_where_asked_for(
    image_side: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (image_side / "images" / "DOE3.png").unlink()
    for options, is_named in (([], False), (["--names"], True)):
        assert main(["data", "check", str(image_side), "--quick", *options]) == 1
        assert ("DOE3.png" in capsys.readouterr().out) is is_named
        assert main(["data", "check", str(image_side), "--quick", "--json", *options]) == 1
        finding = json.loads(capsys.readouterr().out)["findings"][0]
        assert finding["groups"][0][0].get("name") == ("DOE3.png" if is_named else None)
        assert finding["groups"][0][0]["place"] == "row 5 of captions.csv"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "absent"], "absent is no folder"),
        (["convert", "--out", "b"], "takes a FOLDER or --referring FOLDER"),
        (["convert", "a", "--referring", "b", "--out", "c"], "expected one of the two"),
        (["convert", "--referring", "a", "--patient-side", "--out", "c"], "--patient-side does no"),
        (["convert", "a", "--split", "80", "--out", "c"], "--split 80 is no division"),
    ],
)
def test_bad_input_is_one_sentence(refused: Refused, arguments: list[str], words: str) -> None:
    assert words in refused(["data", *arguments])


def test_rows_are_listed_by_table_and_the_rest_counted() -> None:
    rows = [(Found(place=f"row {n} of captions.csv", name="x"),) for n in range(2, 12)]
    words = groups_in_words(rows, with_names=False)
    assert words == "rows 2, 3, 4, 5, 6, 7, 8, 9 of captions.csv and 2 more"
    unnamed = [(Found(place="a file of images/"),)] * 3
    assert groups_in_words([*rows[:1], *unnamed], with_names=False) == (
        "row 2 of captions.csv; a file of images/ (3)"
    )
    slices = [(Found(place=f"slice {z} of case 1 of imagesTr"),) for z in (4, 5)]
    assert groups_in_words([*slices, *rows[:1]], with_names=False) == (
        "slices 4, 5 of case 1 of imagesTr; row 2 of captions.csv"
    )
    pair = [(rows[0][0], rows[1][0])]
    assert (
        groups_in_words(pair, with_names=False) == "row 2 of captions.csv = row 3 of captions.csv"
    )
    assert groups_in_words(pair, with_names=True).startswith("row 2 of captions.csv (x) = ")


def test_the_linter_needs_no_torch() -> None:
    code = (
        "import sys, tgcnet.data.check, tgcnet.data.convert, tgcnet.cli.data_report; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
