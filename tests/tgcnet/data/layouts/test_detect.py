"""Which layout a folder has; and our own, with all that is optional."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.data.classes import LUNG_OPACITY, LabelValueError
from tgcnet.data.layouts import Part, read_dataset, scan_dataset
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.row_decoding import SizeMismatchError, read_pair
from tgcnet.domain import Modality
from tgcnet.errors import InputError


def test_three_columns_are_read_with_what_is_optional(three: Path) -> None:
    dataset = read_dataset(three)
    assert (dataset.layout, dataset.classes) == ("three columns", (LUNG_OPACITY,))
    assert [(r.number, r.subject, r.split, r.held_out) for r in dataset.rows] == [
        (2, "s1", "train", "false"),
        (3, "s2", "test", "true"),
        (4, "", "train", "false"),
    ]
    assert dataset.rows[0].others == (("license", "CC BY"),)
    assert dataset.rows == read_folder(three)
    assert read_pair(dataset.rows[0])[0].modality is Modality.XRAY  # as the file says
    assert read_pair(dataset.rows[0], Modality.CT)[0].modality is Modality.CT


def test_a_split_is_read_alone_or_named(three: Path) -> None:
    assert [row.name for row in read_dataset(three, "train").rows] == ["a.png", "c.png"]
    with pytest.raises(InputError, match=r"no split 'val', expected one of: train, test; name"):
        read_dataset(three, "val")
    (three / "captions.csv").write_text("image,mask,report\na.png,a.png,A\n")
    with pytest.raises(InputError, match=r"has no split 'val', and is not divided at all"):
        read_dataset(three, "val")


def test_classes_are_told_apart(three: Path) -> None:
    classes = [
        {"name": "ground glass", "colour": [1, 2, 3]},
        {"name": "effusion", "colour": [9, 9, 9]},
    ]
    (three / "classes.json").write_text(json.dumps(classes))
    mask = np.zeros((8, 10), dtype=np.uint8)
    mask[0], mask[1] = 1, 2
    Image.fromarray(mask).save(three / "masks" / "a.png")
    first, second, _ = read_dataset(three).rows
    np.testing.assert_array_equal(read_pair(first)[1], mask)
    with pytest.raises(LabelValueError, match=r"^row 3 of captions\.csv: the mask holds the val"):
        read_pair(second)


@pytest.mark.parametrize("colour", [[256, 0, 0], [0, -1, 0]])
def test_a_colour_is_three_bytes(three: Path, colour: list[int]) -> None:
    (three / "classes.json").write_text(json.dumps([{"name": "fluid", "colour": colour}]))
    with pytest.raises(InputError, match=r"gives fluid the colour .* from 0 to 255; correct it"):
        read_dataset(three)


def test_a_mask_of_another_size_is_refused_without_its_name(three: Path) -> None:
    Image.new("1", (10, 9)).save(three / "masks" / "b.png")
    with pytest.raises(
        SizeMismatchError,
        match=r"^row 3 of captions\.csv: its image has shape \(1, 8, 10\) and its mask \(1, 9, 10",
    ):
        read_pair(read_dataset(three).rows[1])


def test_gaps_of_three_columns(three: Path) -> None:
    (three / "images" / "a.png").unlink()
    (three / "masks" / "b.png").unlink()
    (three / "masks" / "more.png").touch()
    (three / "images" / "more.png").touch()
    (three / "images" / ".DS_Store").touch()
    with (three / "captions.csv").open("a") as file:
        file.write(",c.png,text,,,,\n")
    dataset = scan_dataset(three)
    assert [row.name for row in dataset.rows] == ["c.png"]
    assert [(gap.lacks, gap.is_named, gap.place) for gap in dataset.gaps] == [
        (Part.IMAGE, True, "row 2 of captions.csv"),
        (Part.MASK, True, "row 3 of captions.csv"),
        (Part.IMAGE, True, "row 5 of captions.csv"),
        (Part.TEXT, False, "a file of images/"),
        (Part.IMAGE, False, "a file of masks/"),
    ]


def test_no_layout_is_said_without_names(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    (folder / "images").mkdir(parents=True)
    (folder / "DOE.png").touch()
    with pytest.raises(
        InputError, match=r"^some holds images, 1 files and none of the layouts known, expected "
        r"one of: three columns \(images/, masks/ and captions\.csv\); QaTa-COV19-v2 .* ledger \("
    ) as caught:  # fmt: skip
        read_dataset(folder)
    assert "DOE" not in str(caught.value)
    (folder / "images").rmdir()
    (folder / "DOE.png").unlink()
    with pytest.raises(InputError, match="some holds nothing and none of"):
        read_dataset(folder)


def test_two_layouts_at_once_are_refused(three: Path) -> None:
    (three / "Train_Folder").mkdir()
    with pytest.raises(InputError, match="looks like three columns and LViT at once, expected one"):
        read_dataset(three)


def test_a_folder_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^absent is no folder, expected one that holds a data"):
        read_dataset(tmp_path / "absent")


def test_a_data_folder_with_a_table_of_nnunet_is_nnunets(make_nnunet: Callable[..., Path]) -> None:
    assert read_dataset(make_nnunet()).layout == "nnU-Net"


def test_rows_go_to_other_processes(three: Path) -> None:
    import pickle

    rows = read_dataset(three).rows
    assert pickle.loads(pickle.dumps(rows)) == rows  # noqa: S301 - our own bytes
    assert len({*rows, *(replace(row) for row in rows)}) == 3
