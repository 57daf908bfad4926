"""``tgcnet segment-cohort``: words, exit status, refusals."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import nibabel
import numpy as np
import pytest

from tgcnet.cli import main
from tgcnet.cli.cohort import MaskFormat
from tgcnet.cohort.segment_cohort import ENDINGS

Refused = Callable[[list[str]], str]
REPORT = "Bilateral pulmonary infection, lower left lung."


@pytest.fixture
def table(tmp_path: Path, radiograph: Path, ct: Path) -> Path:
    """A radiograph and a CT; a third image is none."""
    (tmp_path / "broken.png").write_bytes(b"no image")
    path = tmp_path / "studies.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "id", "report", "slices"])
        writer.writerow([radiograph.name, "flat", REPORT, ""])
        writer.writerow([ct.name, "stack", REPORT, "2:5"])
        writer.writerow(["broken.png", "broken", REPORT, ""])
    return path


@pytest.mark.timeout(120)
def test_a_cohort_end_to_end_and_again(
    capsys: pytest.CaptureFixture[str], table: Path, ct: Path, tmp_path: Path, model: str
) -> None:
    out = tmp_path / "out"
    command = ["segment-cohort", str(table), "--out", str(out), "--model", model]
    command += ["--threshold", "0.01", "--device", "cpu"]
    assert main(command) == 1
    words = capsys.readouterr().out
    assert "row 4 (broken) failed, InputError: the image is damaged" in words
    assert "passed over until their rows or images change or --retry-failed" in words
    assert "2 of 3 studies done, 1 failed, 0 skipped; 3 in this run" in words
    assert "Research use only. Not a medical device." in words

    mask, image = (
        nibabel.Nifti1Image.from_filename(out / "studies" / "stack" / "mask.nii.gz"),
        nibabel.Nifti1Image.from_filename(ct),
    )
    np.testing.assert_array_equal(mask.affine, image.affine)
    labels = np.asarray(mask.dataobj)
    assert set(np.flatnonzero(labels.any(axis=(0, 1)))) == {2, 3, 4}
    record = json.loads((out / "studies" / "stack" / "record.json").read_text(encoding="utf-8"))
    voxels = np.count_nonzero(labels)
    assert (record["voxels"], record["slices"]) == (voxels, [2, 5])
    assert record["volume_ml"] == pytest.approx(voxels * 1.5 * 1.5 * 4 / 1000)

    assert main([*command, "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["num_done"], summary["num_failed"], summary["num_now"]) == (2, 1, 0)
    assert summary["failures"][0]["id"] == "broken"
    assert summary["table"] == str(out / "cohort.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "no-such-model"], "There is no model called 'no-such-model'"),
        (["--device", "cuda:77"], "'cuda:77' is not here"),
        (["--threshold", "2"], "threshold must lie between 0 and 1, got 2.0"),
        (["--workers", "0"], "0 workers were asked for, expected 1 or more"),
        (["--workers", "two"], "argument --workers: invalid int value"),
        (["--workers", "2", "--scheduler", "tcp://127.0.0.1:1"], "expected one of them"),
        (["--format", "dicom"], "invalid choice: 'dicom'"),
    ],
)
def test_bad_options_are_one_sentence_and_nothing_is_written(
    refused: Refused, table: Path, tmp_path: Path, model: str, options: list[str], words: str
) -> None:
    out = tmp_path / "out"
    command = ["segment-cohort", str(table), "--out", str(out), "--model", model]
    assert words in refused([*command, *options])
    assert not out.exists()


def test_a_bad_table_is_one_sentence(refused: Refused, table: Path, tmp_path: Path) -> None:
    table.write_text("image,id,slices\na.png,../x,5\n", encoding="utf-8")
    sentence = refused(["segment-cohort", str(table), "--out", str(tmp_path / "out")])
    assert "row 2 has an id that is no plain name" in sentence
    assert "row 2 has slices that are no range A:B" in sentence
    assert not (tmp_path / "out").exists()


def test_the_formats_are_those_of_the_cohort() -> None:
    assert tuple(ENDINGS) == get_args(MaskFormat)
