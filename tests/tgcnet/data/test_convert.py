"""Any layout to three columns: nothing lost, nothing half written, no side swapped in vain."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tgcnet.corrections import Correction, Ledger
from tgcnet.data import convert as convert_module
from tgcnet.data.check import check_folder
from tgcnet.data.convert import ConvertOptions, convert_folder
from tgcnet.data.layouts import read_dataset
from tgcnet.data.row_decoding import read_pair
from tgcnet.data.rows import captions_sha256
from tgcnet.data.splits import Division
from tgcnet.domain import Geometry, Modality, SegmentationClass, Volume
from tgcnet.errors import InputError, OutputError
from tgcnet.io.orientation import grid_affine

MakeSet = Callable[..., Path]
RIGHT = {"report": "Pneumonia in the right lung."}


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "captions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_three_columns_are_copied_with_all_they_say(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set(
        {"subject": "s1", "held_out": "true", "license": "CC BY", "image": "sub.x.png"},
        {"subject": "s2", "held_out": "false", "report": 'a, "b"\nc'},
    )
    made = convert_folder(folder, tmp_path / "out", ConvertOptions())
    assert (made.num_rows, made.splits, made.notices) == (2, {}, ())
    before, after = read_dataset(folder), read_dataset(tmp_path / "out")
    for old, new in zip(before.rows, after.rows, strict=True):
        assert new.image.read_bytes() == old.image.read_bytes()
        assert new.mask.read_bytes() == old.mask.read_bytes()
        assert (new.report, new.subject, new.held_out, new.others) == (
            old.report, old.subject, old.held_out, old.others
        )  # fmt: skip
    assert captions_sha256(after.rows) == captions_sha256(before.rows)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["NOTICE.txt", "captions.csv", "images", "masks"]


def test_captions_get_the_patients_side_and_keep_their_words(
    make_set: MakeSet, tmp_path: Path
) -> None:
    both = {"report": "Bilateral pneumonia, lower right lung and upper left lung."}
    folder = make_set(*[RIGHT] * 12, both)
    convert_folder(folder, tmp_path / "out", ConvertOptions(is_patient_side=True))
    first, *_, last = table(tmp_path / "out")
    assert list(first) == ["image", "mask", "report", "report_image_side"]
    assert first["report"] == "Pneumonia in the left lung."
    assert first["report_image_side"] == "Pneumonia in the right lung."
    assert last["report"] == "Bilateral pneumonia, lower left lung and upper right lung."
    report = check_folder(tmp_path / "out")
    assert report.num_errors == 0
    with pytest.raises(InputError, match="has a column report_image_side already"):
        convert_folder(tmp_path / "out", tmp_path / "again", ConvertOptions(is_patient_side=True))


@pytest.mark.parametrize("num_image_side", [0, 12])
def test_captions_that_name_the_patients_side_are_never_swapped(
    make_set: MakeSet, tmp_path: Path, num_image_side: int
) -> None:
    folder = make_set(*[{}] * 12, *[RIGHT] * num_image_side)
    with pytest.raises(InputError, match=r"name the patient's side.*leave out --patient-side"):
        convert_folder(folder, tmp_path / "out", ConvertOptions(is_patient_side=True))
    assert not (tmp_path / "out").exists()


def test_too_few_captions_are_swapped_and_it_is_said(make_set: MakeSet, tmp_path: Path) -> None:
    made = convert_folder(make_set(RIGHT), tmp_path / "out", ConvertOptions(is_patient_side=True))
    assert made.notices[0].endswith("They were swapped because you said so.")
    assert table(tmp_path / "out")[0]["report"] == "Pneumonia in the left lung."


def test_a_division_is_written_and_read(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set(*[{"subject": f"s{i // 2}"} for i in range(20)])
    made = convert_folder(
        folder, tmp_path / "out", ConvertOptions(division=Division(shares=(8, 1, 1)))
    )
    assert made.splits == {"train": 16, "val": 2, "test": 2}
    assert len(read_dataset(tmp_path / "out", "val").rows) == 2
    assert check_folder(tmp_path / "out").num_errors == 0
    with pytest.raises(InputError, match=r"is divided already, into .* which --split would undo"):
        convert_folder(
            tmp_path / "out", tmp_path / "b", ConvertOptions(division=Division(shares=(1, 1)))
        )
    only = ConvertOptions(only="train", division=Division(shares=(1, 1)))
    assert convert_folder(tmp_path / "out", tmp_path / "c", only).num_rows == 16


def test_other_masks_and_their_classes(
    make_set: MakeSet, tmp_path: Path, paint: Callable[..., np.ndarray]
) -> None:
    folder = make_set({}, {})
    (folder / "classes").mkdir()
    values = paint(np.s_[40:50, 40:50]).astype(np.uint8)
    values[45:50] *= 2
    for name in ("0.png", "1.png"):
        Image.fromarray(values).save(folder / "classes" / name)
    options = ConvertOptions(
        masks="classes", class_names=("ground glass opacity", " consolidation")
    )
    convert_folder(folder, tmp_path / "out", options)
    dataset = read_dataset(tmp_path / "out")
    assert [entry.name for entry in dataset.classes] == ["ground glass opacity", "consolidation"]
    assert len({entry.colour for entry in dataset.classes}) == 2
    np.testing.assert_array_equal(read_pair(dataset.rows[0])[1], values)
    (folder / "classes" / "1.png").unlink()
    with pytest.raises(InputError, match=r"^row 3 of captions\.csv has no mask in classes/"):
        convert_folder(folder, tmp_path / "b", options)
    with pytest.raises(InputError, match=r"--masks \.\./set is no folder beside masks/"):
        convert_folder(folder, tmp_path / "b", ConvertOptions(masks="../set"))
    with pytest.raises(InputError, match="3 names of classes were given, expected 1 to 255"):
        convert_folder(folder, tmp_path / "b", ConvertOptions(class_names=("a", "", "a")))


def test_slices_of_ct_keep_values_places_and_labels(tmp_path: Path) -> None:
    folder = tmp_path / "Dataset501_Lungs"
    voxels = np.random.default_rng(0).integers(-1000, 300, (6, 5, 3)).astype(np.int16)
    marked = np.zeros((6, 5, 3), dtype=np.uint8)
    marked[:2, :2, 1], marked[4:, 3:, 1] = 1, 2
    for name, array in (("imagesTr/a_0000.nii.gz", voxels), ("labelsTr/a.nii.gz", marked)):
        (folder / name).parent.mkdir(parents=True)
        nibabel.Nifti1Image(array, np.diag([1.5, 2, 4, 1])).to_filename(folder / name)
    labels = {"background": 0, "one": 1, "two": 2}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    (folder / "captions.csv").write_text("case,report,subject\na,text,p\n")
    convert_folder(folder, tmp_path / "out", ConvertOptions())
    before, after = read_dataset(folder), read_dataset(tmp_path / "out")
    assert [row.name for row in after.rows] == [f"a-000{z}.nii.gz" for z in range(3)]
    assert [entry.name for entry in after.classes] == ["one", "two"]
    for old, new in zip(before.rows, after.rows, strict=True):
        (volume, mask), (again, mask_again) = read_pair(old), read_pair(new)
        np.testing.assert_array_equal(again.array, volume.array)
        assert again.array.dtype == np.int16
        np.testing.assert_array_equal(mask_again, mask)
        np.testing.assert_allclose(again.geometry.affine_lps, volume.geometry.affine_lps)
        assert (new.report, new.subject, new.split) == ("text", "p", "train")
    assert (after.rows[0].mask).suffix == ".png"


def test_a_ledger_keeps_its_reports_unless_asked(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "ledger")
    array = np.random.default_rng(0).integers(0, 255, (1, 9, 9)).astype(np.uint8)
    ledger.save(Correction(
        volume=Volume(array=array, geometry=Geometry(affine_lps=grid_affine()),
                      modality=Modality.XRAY, is_display_ready=True, patient_id="DOE"),
        labels=(array > 99).astype(np.uint8),
        classes=(SegmentationClass(name="fluid", colour=(1, 2, 3)),),
        reviewed_slices=(0,),
        report="Mrs Doe's left lung.",
    ))  # fmt: skip
    made = convert_folder(ledger.folder, tmp_path / "out", ConvertOptions())
    (row,) = table(tmp_path / "out")
    assert (row["report"], row["subject"], row["held_out"]) == ("", "1", "false")
    assert "--with-reports takes them" in made.notices[-1]
    dataset = read_dataset(tmp_path / "out")
    assert dataset.classes[0] == SegmentationClass(name="fluid", colour=(1, 2, 3))
    np.testing.assert_array_equal(read_pair(dataset.rows[0])[0].array, array)
    convert_folder(ledger.folder, tmp_path / "with", ConvertOptions(with_reports=True))
    assert table(tmp_path / "with")[0]["report"] == "Mrs Doe's left lung."


def test_pictures_of_one_name_from_two_sets_get_two(tmp_path: Path) -> None:
    for split in ("Train", "Test"):
        for part in ("img", "labelcol"):
            (tmp_path / "in" / f"{split}_Folder" / part).mkdir(parents=True)
            values = np.full((4, 4), 1 if split == "Train" else 2, dtype=np.uint8)
            values[0, 0] = 0
            Image.fromarray(values).save(tmp_path / "in" / f"{split}_Folder" / part / "a.tif")
        text = tmp_path / "in" / f"{split}_Folder" / f"{split}_text.csv"
        text.write_text(f"Image,Description\na.tif,{split}\n")
    convert_folder(tmp_path / "in", tmp_path / "out", ConvertOptions())
    first, second = read_dataset(tmp_path / "out").rows
    assert (first.image.name, second.image.name) == ("a.tif", "a-2.tif")
    assert (first.mask.name, second.mask.name) == ("a.png", "a-2.png")
    assert (first.split, second.split) == ("train", "test")
    assert read_pair(second)[0].array.max() == 2
    with Image.open(second.mask) as mask:
        assert mask.getextrema() == (0, 255)


def test_an_image_asked_for_twice_is_copied_once(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set({"image": "a.png", "mask": "a-l.png"}, {"image": "a.png", "mask": "a-r.png"})
    convert_folder(folder, tmp_path / "out", ConvertOptions())
    assert [row["image"] for row in table(tmp_path / "out")] == ["a.png", "a.png"]
    assert len(list((tmp_path / "out" / "images").iterdir())) == 1
    assert len(list((tmp_path / "out" / "masks").iterdir())) == 2


def test_what_cannot_be_read_is_not_converted(make_set: MakeSet, tmp_path: Path) -> None:
    folder = make_set({}, {})
    (folder / "masks" / "1.png").write_bytes(b"no")
    with pytest.raises(InputError, match=r"^set cannot be converted: row 3 of captions\.csv: the"):
        convert_folder(folder, tmp_path / "out", ConvertOptions())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_a_full_disk_leaves_nothing(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_set({})

    def refuse(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(convert_module, "write_three_columns", refuse)
    with pytest.raises(OutputError, match="out was not written, the disk is full"):
        convert_folder(folder, tmp_path / "out", ConvertOptions())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_an_existing_folder_is_never_touched(make_set: MakeSet, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="out is there already"):
        convert_folder(make_set({}), tmp_path / "out", ConvertOptions())
    assert not list((tmp_path / "out").iterdir())
