"""QaTa-COV19-v2 and MosMedData+ as people have them on their disks."""

import shutil
from pathlib import Path

import pytest

from tgcnet.data.check import check_folder
from tgcnet.data.layouts import Part, read_dataset, scan_dataset
from tgcnet.data.row_decoding import read_pair
from tgcnet.domain import Modality
from tgcnet.errors import InputError


def test_qata_is_read_with_the_texts_of_lvit(qata: Path) -> None:
    dataset = read_dataset(qata)
    assert (dataset.layout, dataset.splits) == ("QaTa-COV19-v2", ("train", "val", "test"))
    assert [(row.number, row.name, row.split, row.subject) for row in dataset.rows] == [
        (1, "covid_1.png", "train", ""),
        (2, "sub-S09345_ses-E18817_run-1_bp-chest_vp-ap_cr.png", "train", "S09345"),
        (3, "covid_3.png", "val", ""),
        (4, "t_9.png", "test", ""),
    ]
    assert dataset.rows[0].report.endswith("left lung. covid_1")
    assert dataset.rows[2].where == "row 4 of Train_text_for_Covid19.xlsx"
    volume, labels = read_pair(dataset.rows[0])
    assert volume.modality is Modality.XRAY
    assert (volume.array.shape, labels.shape, labels.sum()) == ((1, 8, 10), (8, 10), 9)
    assert dataset.notices == ("3 of 4 files do not say in their names whose they are.",)


def test_qata_may_lie_a_level_or_two_deep_or_be_named_itself(qata: Path, tmp_path: Path) -> None:
    rows = read_dataset(qata / "QaTa-COV19-v2").rows
    outer = tmp_path / "outer"
    (outer / "QaTa-COV19").mkdir(parents=True)
    shutil.move(qata / "QaTa-COV19-v2", outer / "QaTa-COV19")
    assert [row.report for row in read_dataset(outer).rows] == [row.report for row in rows]


def test_the_spreadsheet_wins_over_its_copy_and_validation_over_training(qata: Path) -> None:
    root = qata / "QaTa-COV19-v2"
    (root / "Train_text_for_Covid19.csv").write_text("nothing of use")
    (root / "Val_text_for_Covid19.csv").write_text("Image,Description\nmask_covid_3.png,other\n")
    row = read_dataset(qata, "val").rows[0]
    assert (row.name, row.report) == ("covid_3.png", "other")


def test_lvits_folders_are_read(lvit: Path) -> None:
    dataset = read_dataset(lvit)
    assert dataset.layout == "LViT"
    assert [(row.image.suffix, row.mask.suffix) for row in dataset.rows] == [(".jpg", ".png")] * 5
    assert [(row.split, row.subject) for row in dataset.rows] == [
        ("train", "Morozov_study_0255"),
        ("train", "Jun_coronacases_case1"),
        ("train", ""),
        ("val", "Morozov_study_0255"),
        ("test", ""),
    ]


def test_a_study_on_both_sides_of_a_public_division_is_found(lvit: Path) -> None:
    finding = check_folder(lvit, is_quick=True).findings[0]
    assert (finding.kind, finding.severity) == ("shared-subject", "error")
    assert [[found.place for found in group] for group in finding.groups] == [
        ["row 2 of Train_text.xlsx", "row 2 of Val_text.xlsx"]
    ]


def test_mosmed_as_on_kaggle_is_divided_by_its_tables(mosmed: Path) -> None:
    dataset = read_dataset(mosmed)
    assert dataset.layout == "MosMedData+"
    assert [(row.name, row.report, row.split) for row in dataset.rows] == [
        ("Morozov_study_0001_1.png", "a", "train"),
        ("bjorke_7.png", "b", "test"),
    ]


def test_what_is_missing_is_told_by_the_row_of_its_table(lvit: Path) -> None:
    part = lvit / "Train_Folder"
    (part / "img" / "bjorke_1.jpg").unlink()
    (part / "labelcol" / "Jun_coronacases_case1_119.png").unlink()
    dataset = scan_dataset(lvit)
    assert [(gap.lacks, gap.is_named, gap.place) for gap in dataset.gaps] == [
        (Part.MASK, True, "row 3 of Train_text.xlsx"),
        (Part.IMAGE, True, "row 4 of Train_text.xlsx"),
    ]
    with pytest.raises(
        InputError,
        match=r"^MosMedData is not whole: row 3 of Train_text\.xlsx has no mask, and 1 more are "
        r"like it; `tgcnet data check` lists them all$",
    ):
        read_dataset(lvit)


def test_pictures_that_no_text_names_are_left_out_and_counted(qata: Path) -> None:
    root = qata / "QaTa-COV19-v2" / "Test Set"
    shutil.copy(root / "Images" / "t_9.png", root / "Images" / "t_10.png")
    shutil.copy(root / "Ground-truths" / "mask_t_9.png", root / "Ground-truths" / "mask_t_11.png")
    dataset = read_dataset(qata)
    assert [(gap.lacks, gap.is_named) for gap in dataset.gaps] == [
        (Part.MASK, False),
        (Part.IMAGE, False),
    ]
    assert dataset.notices[-1] == "2 files that no text names are left out."


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_texts_have_to_be_there(qata: Path, ending: str) -> None:
    for table in (qata / "QaTa-COV19-v2").glob("*_text_*"):
        table.unlink()
    for table in (qata / "QaTa-COV19-v2").glob("*_ID*"):
        table.unlink()
    with pytest.raises(InputError, match="is laid out as QaTa-COV19-v2 but has no table of texts"):
        read_dataset(qata)


def test_two_texts_of_one_picture_are_refused(mosmed: Path) -> None:
    with (mosmed / "Test_text_MosMedData+.csv").open("a") as file:
        file.write("bjorke_7.png,again\n")
    with pytest.raises(InputError, match=r"row 3 of Test_text_MosMedData\+\.csv names a picture"):
        read_dataset(mosmed)


def test_a_picture_to_train_and_to_test_is_refused(mosmed: Path) -> None:
    with (mosmed / "Test_text_MosMedData+.csv").open("a") as file:
        file.write("Morozov_study_0001_1.png,a\n")
    with pytest.raises(InputError, match=r"row 3 of Test_text_MosMedData\+\.csv names a picture"):
        read_dataset(mosmed)


def test_a_picture_in_two_formats_is_refused(lvit: Path) -> None:
    images = lvit / "Val_Folder" / "img"
    shutil.copy(images / "Morozov_study_0255_14.jpg", images / "Morozov_study_0255_14.png")
    with pytest.raises(InputError, match=r"Val_Folder/img holds 1 pictures twice") as caught:
        read_dataset(lvit)
    assert "Morozov" not in str(caught.value)
