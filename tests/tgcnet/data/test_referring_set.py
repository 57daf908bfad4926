"""The referring set: made from any folder, deterministically, or not at all."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.data.classes import read_mask
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.referring_set import convert, one_sided_requests
from tgcnet.data.regions import split_by_side
from tgcnet.domain import Side
from tgcnet.errors import InputError, OutputError

BOTH = (
    "bilateral pulmonary infection, three infected areas, lower right lung and upper lower left "
    "lung."
)
ONE = "unilateral pulmonary infection, one infected area, lower left lung."


def write_folder(folder: Path, rows: list[tuple[str, np.ndarray, str]]) -> Path:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    with (folder / "captions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", "report", "subject"])
        for name, mask, report in rows:
            Image.fromarray(mask.astype(np.uint8) * 90).save(folder / "images" / name)
            Image.fromarray(mask).save(folder / "masks" / name)
            writer.writerow([name, name, report, "s1"])
    return folder


def digest(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()


def test_both_sides_are_asked_for_one_at_a_time(both_sides: np.ndarray, tmp_path: Path) -> None:
    source = write_folder(
        tmp_path / "in", [("a.png", both_sides, BOTH), ("b.png", both_sides, ONE)]
    )
    assert convert(source, tmp_path / "out") == 2
    right, left = read_folder(tmp_path / "out")
    assert right.report == "unilateral pulmonary infection, one infected area, lower right lung."
    assert (
        left.report == "unilateral pulmonary infection, two infected areas, upper lower left lung."
    )
    assert np.array_equal(read_mask(right.mask), split_by_side(both_sides)[Side.RIGHT])
    assert np.array_equal(read_mask(left.mask), split_by_side(both_sides)[Side.LEFT])
    assert {row.subject for row in (right, left)} == {"s1"}


def test_the_same_folder_gives_the_same_set(both_sides: np.ndarray, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "in", [("a.png", both_sides, BOTH)])
    for name in ("one", "two"):
        convert(source, tmp_path / name)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_captions_of_ct_name_sides_too(both_sides: np.ndarray) -> None:
    caption = "Bilateral pulmonary infection, 3 infected areas, anterior and posterior left lung " \
        "and posterior right lung."  # fmt: skip
    texts = [request.text for request in one_sided_requests(both_sides, caption)]
    assert texts == [
        "unilateral pulmonary infection, one infected area, posterior right lung.",
        "unilateral pulmonary infection, two infected areas, anterior posterior left lung.",
    ]


def test_nothing_to_ask_is_said_and_nothing_left_behind(
    both_sides: np.ndarray, tmp_path: Path
) -> None:
    source = write_folder(tmp_path / "in", [("a.png", both_sides, ONE)])
    with pytest.raises(InputError, match="names zones of both lungs"):
        convert(source, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_an_existing_folder_is_never_touched(both_sides: np.ndarray, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "in", [("a.png", both_sides, BOTH)])
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="out is there already"):
        convert(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, r"in has no captions\.csv"),
        ("image,mask\n", "lacks the column 'report'"),
        ("image,mask,report\n", "has no rows"),
        (
            "image,mask,report\nx.png,x.png,text\n",
            "row 2 .* names a file of images/ that is not there",
        ),
    ],
)
def test_a_broken_folder_is_named(tmp_path: Path, table: str | None, message: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    if table is not None:
        (folder / "captions.csv").write_text(table)
    with pytest.raises(InputError, match=message):
        read_folder(folder)
