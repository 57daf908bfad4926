"""Slices of one volume belong together, whoever they are of and however they are written."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tgcnet.data.check import check_folder
from tgcnet.data.convert import ConvertOptions, convert_folder
from tgcnet.data.layouts import read_dataset
from tgcnet.data.reference_split import split_reference
from tgcnet.data.referring_set import convert as convert_referring
from tgcnet.data.slices_to_score import nameless_slices, row_slices
from tgcnet.data.splits import Division
from tgcnet.evaluation.bootstrap import patient_rows

MakeSet = Callable[..., Path]
NUM_SLICES = 4
BOTH = "Bilateral pneumonia, 3 infected areas, lower right lung and all left lung."


def nnunet(folder: Path, cases: Sequence[str]) -> Path:
    """CTs that name nobody, each with a lesion in its left lung."""
    generator = np.random.default_rng(len(cases))
    for case in cases:
        voxels = generator.integers(-1000, 300, (16, 16, NUM_SLICES)).astype(np.int16)
        marked = np.zeros(voxels.shape, dtype=np.uint8)
        marked[10:14, 4:8] = 1  # by the affine below, x grows to the left
        for name, array in ((f"imagesTr/{case}_0000", voxels), (f"labelsTr/{case}", marked)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            nibabel.Nifti1Image(array, np.diag([-1, -1, 2, 1])).to_filename(
                folder / f"{name}.nii.gz"
            )
    (folder / "dataset.json").write_text('{"labels": {"background": 0, "lesion": 1}}')
    lines = ["case,report", *(f"{case},Consolidation in the left lung." for case in cases)]
    (folder / "captions.csv").write_text("\n".join(lines))
    return folder


def volumes(folder: Path) -> list[str]:
    with (folder / "captions.csv").open(newline="", encoding="utf-8") as file:
        return [row["source_volume"] for row in csv.DictReader(file)]


def test_a_division_of_converted_slices_parts_no_volume(tmp_path: Path) -> None:
    folder = nnunet(tmp_path / "in", ("a", "b", "c"))
    convert_folder(folder, tmp_path / "once", ConvertOptions())
    assert volumes(tmp_path / "once") == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    division = Division(shares=(1, 1))
    convert_folder(
        tmp_path / "once", tmp_path / "twice", ConvertOptions(only="train", division=division)
    )
    rows = read_dataset(tmp_path / "twice").rows
    assert len({row.unit for row in rows}) == 3
    assert len({(row.unit, row.split) for row in rows}) == 3
    assert check_folder(tmp_path / "twice").num_errors == 0


def test_volumes_of_one_name_stay_two(tmp_path: Path) -> None:
    for site, cases in (("x", ("a",)), ("y", ("A", "b"))):
        nnunet(tmp_path / "in" / site, cases)
    convert_folder(tmp_path / "in", tmp_path / "out", ConvertOptions())
    assert volumes(tmp_path / "out") == ["a"] * 4 + ["A-2"] * 4 + ["b"] * 4


def test_pictures_get_no_column_of_volumes(make_set: MakeSet, tmp_path: Path) -> None:
    convert_folder(make_set({}), tmp_path / "out", ConvertOptions())
    header = (tmp_path / "out" / "captions.csv").read_text().splitlines()[0]
    assert header == "image,mask,report"


def test_converted_slices_count_once_for_the_sides(tmp_path: Path) -> None:
    folder = nnunet(tmp_path / "in", ("a", "b"))
    convert_folder(folder, tmp_path / "out", ConvertOptions())
    sides = [check_folder(path).sides for path in (folder, tmp_path / "out")]
    assert [one and one.num_one_sided for one in sides] == [2, 2]


def test_a_volume_on_two_sides_of_a_split_is_an_error(make_set: MakeSet) -> None:
    rows = [
        {"source_volume": volume, "subject": subject, "split": split}
        for volume, subject, split in (
            ("v", "", "train"), ("v", "", "val"), ("w", "s", "train"), ("", "", "val")
        )
    ]  # fmt: skip
    found = check_folder(make_set(*rows), is_quick=True).findings
    assert [finding.kind for finding in found] == ["shared-volume"]
    assert found[0].sentence.startswith("1 volume with slices in two or more of train; val: scores")


def test_a_reference_set_is_parted_by_volume(make_set: MakeSet) -> None:
    folder = make_set(*[{"source_volume": f"v{index // 3}"} for index in range(210)])
    parts = split_reference(read_dataset(folder).rows)
    sides = [{row.unit for row in part} for part in (parts.measured, parts.replayed)]
    assert all(sides)
    assert not sides[0] & sides[1]


def test_a_referring_set_keeps_the_volumes(
    make_set: MakeSet, tmp_path: Path, both_sides: np.ndarray
) -> None:
    asked = {"report": BOTH, "mask_pixels": both_sides}
    convert_referring(make_set({**asked, "source_volume": "v"}), tmp_path / "out")
    assert volumes(tmp_path / "out") == ["v", "v"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{}, {}, {}], [0, 1, 2]),
        ([{"subject": "s"}, {}, {"subject": "s"}], [0, 1, 0]),
        ([{"source_volume": "v"}, {"source_volume": "v"}, {}], [0, 0, 1]),
        ([{"image": "a.png"}, {"image": "a.png", "mask": "m.png"}, {}], [0, 0, 1]),
        ([{"source_volume": "v", "subject": "s"}, {"source_volume": "w", "subject": "s"}], [0, 0]),
    ],
)
def test_statistics_draw_together_what_belongs_together(
    make_set: MakeSet, rows: list[dict[str, str]], expected: list[int]
) -> None:
    """In two folders side by side, whose files and volumes are called alike."""
    make_set(*rows, name="set/x")
    found = read_dataset(make_set(*rows, name="set/y").parent).rows
    # A subject is the same one in both, anything else is not.
    other = [
        place if row.get("subject") else place + max(expected) + 1
        for row, place in zip(rows, expected, strict=True)
    ]
    ranks = {place: rank for rank, place in enumerate(dict.fromkeys([*expected, *other]))}
    wanted = [ranks[place] for place in [*expected, *other]]
    assert patient_rows(entry.group for entry in row_slices(found)) == wanted
    assert patient_rows(entry.group for entry in nameless_slices(found, "set")) == wanted


def test_slices_of_a_volume_are_one_subject_before_and_after_conversion(tmp_path: Path) -> None:
    folder = nnunet(tmp_path / "in", ("a", "b", "c"))
    convert_folder(folder, tmp_path / "out", ConvertOptions())
    for path in (folder, tmp_path / "out"):
        groups = [entry.group for entry in row_slices(read_dataset(path).rows)]
        assert patient_rows(groups) == [0] * 4 + [1] * 4 + [2] * 4
