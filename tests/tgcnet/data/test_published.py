"""The linter on the real sets: what is known of them comes out, and nothing else."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tgcnet.data.check import Convention, SideCount, check_folder
from tgcnet.data.convert import ConvertOptions, convert_folder
from tgcnet.data.layouts import read_dataset
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.row_decoding import read_pair
from tgcnet.data.rows import captions_sha256

pytestmark = pytest.mark.slow


@pytest.fixture
def published_captions(data_folder: Path, tmp_path: Path) -> Path:
    """QaTa's training images with the captions as they were published."""
    source, folder = data_folder / "qata_cov19" / "train", tmp_path / "published"
    folder.mkdir()
    for part in ("images", "masks"):
        (folder / part).symlink_to(source / part)
    with (source / "captions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", "report", "subject"])
        for row in rows:
            writer.writerow(row[c] for c in ("image", "mask", "report_image_side", "subject"))
    return folder


def test_the_trap_of_qata_is_found_and_mended(
    data_folder: Path, published_captions: Path, tmp_path: Path
) -> None:
    report = check_folder(published_captions)
    assert report.sides == SideCount(num_patient_side=9, num_image_side=1056)
    assert [finding.kind for finding in report.findings] == [
        "image-side-captions",
        "side-contradiction",
    ]
    assert "1,056 of 1,065 one-sided captions" in report.findings[0].sentence
    assert len(report.findings[1].groups) == 5
    assert (report.num_rows, report.num_captions) == (5713, 153)
    convert_folder(published_captions, tmp_path / "out", ConvertOptions(is_patient_side=True))
    ours = read_folder(data_folder / "qata_cov19" / "train")
    assert captions_sha256(read_folder(tmp_path / "out")) == captions_sha256(ours)


def test_captions_with_the_patients_side_are_clean(data_folder: Path) -> None:
    report = check_folder(data_folder / "qata_cov19" / "train")
    assert report.num_errors == 0
    assert report.sides == SideCount(num_patient_side=1056, num_image_side=9)
    assert report.sides.convention is Convention.PATIENT


def test_real_notes_have_no_error(data_folder: Path) -> None:
    report = check_folder(data_folder / "gb_covid_cxr")
    assert {finding.kind for finding in report.findings} == {
        "empty-mask", "empty-text", "captions-sides"
    }  # fmt: skip
    assert len(next(f for f in report.findings if f.kind == "empty-mask").groups) == 2


def test_ct_becomes_a_set_of_two_classes(data_folder: Path, tmp_path: Path) -> None:
    source = data_folder / "ct_covid_semiseg" / "train"
    options = ConvertOptions(masks="classes", class_names=("ground glass opacity", "consolidation"))
    convert_folder(source, tmp_path / "out", options)
    dataset = read_dataset(tmp_path / "out")
    values: set[int] = set()
    for row in dataset.rows:
        values |= set(np.unique(read_pair(row)[1]).tolist())
    assert values == {0, 1, 2}
    assert check_folder(tmp_path / "out").num_errors == 0


@pytest.mark.parametrize("name", ["samples_open", "ct_covid_semiseg/train", "gb_covid_cxr"])
def test_every_layouts_rows_are_those_of_before(data_folder: Path, name: str) -> None:
    before: Callable[[Path], object] = read_folder
    assert read_dataset(data_folder / name).rows == before(data_folder / name)
