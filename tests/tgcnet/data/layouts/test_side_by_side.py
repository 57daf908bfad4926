"""Data sets in folders side by side, read as the splits of one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tgcnet.data.check import Severity, check_folder
from tgcnet.data.convert import ConvertOptions, convert_folder
from tgcnet.data.layouts import read_dataset, scan_dataset
from tgcnet.errors import InputError

MakeSet = Callable[..., Path]


def test_folders_become_splits_and_rows_say_in_which_they_are(make_set: MakeSet) -> None:
    folder = make_set({}, name="set/val").parent
    make_set({}, {}, name="set/train")
    (folder / "papers").mkdir()
    dataset = read_dataset(folder)
    assert (dataset.name, dataset.layout, dataset.splits) == (
        "set", "folders side by side", ("train", "val")
    )  # fmt: skip
    assert [(row.number, row.where, row.split) for row in dataset.rows] == [
        (1, "row 2 of captions.csv of train", "train"),
        (2, "row 3 of captions.csv of train", "train"),
        (3, "row 2 of captions.csv of val", "val"),
    ]
    assert dataset.notices == (
        "The folders train, val are read as splits of one set.",
        "Folders that hold no data set: 1.",
    )
    assert [row.split for row in read_dataset(folder, "val").rows] == ["val"]


def test_a_part_that_is_divided_itself_keeps_its_splits(make_set: MakeSet) -> None:
    make_set({"split": "train"}, {"split": "test"}, name="set/here")
    make_set({"split": "there"}, name="set/there")
    dataset = read_dataset(make_set({}, name="set/z").parent)
    assert dataset.splits == ("here/train", "here/test", "there", "z")


def test_what_is_missing_is_named_with_its_folder(make_set: MakeSet) -> None:
    make_set({}, {}, name="set/train")
    folder = make_set({}, {}, name="set/val").parent
    (folder / "val/images/1.png").unlink()
    (gap,) = scan_dataset(folder).gaps
    assert gap.place == "row 3 of captions.csv of val"
    with pytest.raises(InputError, match=r"^set is not whole: row 3 of captions.csv of val has no"):
        read_dataset(folder)


def test_other_classes_are_refused(make_set: MakeSet) -> None:
    make_set({}, name="set/train")
    folder = make_set({}, name="set/val")
    (folder / "classes.json").write_text(json.dumps([{"name": "fluid", "colour": [1, 2, 3]}]))
    with pytest.raises(InputError, match=r"^train of set has the classes lung opacity and val flu"):
        read_dataset(folder.parent)


def test_one_folder_alone_is_no_division(make_set: MakeSet) -> None:
    with pytest.raises(InputError, match=r"set holds 1 folders and none .* or more folders, such"):
        read_dataset(make_set({}, name="set/train").parent)


def test_copies_and_patients_are_found_across_the_folders(make_set: MakeSet) -> None:
    train = make_set({"subject": "s1"}, {"subject": "s2"}, name="set/train")
    val = make_set({"subject": "s3"}, {"subject": "s1"}, name="set/val")
    shutil.copy(train / "images/1.png", val / "images/1.png")
    found = {
        finding.kind: [[one.place for one in group] for group in finding.groups]
        for finding in check_folder(train.parent).findings
        if finding.severity is Severity.ERROR
    }
    first, second = "row 2 of captions.csv of", "row 3 of captions.csv of"
    assert found == {
        "shared-subject": [[f"{first} train", f"{second} val"]],
        "copied-across-splits": [
            [f"{first} train", f"{first} val"], [f"{second} train", f"{second} val"]
        ],
    }  # fmt: skip


def test_held_out_patients_of_one_folder_are_still_told_apart(make_set: MakeSet) -> None:
    make_set({"subject": "s", "held_out": "true"}, {"subject": "s", "held_out": ""}, name="set/a")
    report = check_folder(make_set({}, name="set/b").parent, is_quick=True)
    (finding,) = (one for one in report.findings if one.severity is Severity.ERROR)
    assert "two or more of a, held out: false; a, held out: true" in finding.sentence


def test_they_convert_to_one_folder_though_files_are_called_alike(
    make_set: MakeSet, tmp_path: Path
) -> None:
    folder = make_set({"report": "Of train."}, name="set/train").parent
    make_set({"report": "Of val."}, name="set/val")
    made = convert_folder(folder, tmp_path / "made", ConvertOptions())
    assert made.splits == {"train": 1, "val": 1}
    rows = read_dataset(tmp_path / "made").rows
    assert [(row.name, row.report, row.split) for row in rows] == [
        ("0.png", "Of train.", "train"), ("0-2.png", "Of val.", "val")
    ]  # fmt: skip
