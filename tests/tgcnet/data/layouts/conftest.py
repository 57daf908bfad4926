"""Tiny data sets in every layout, written as they are published."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import openpyxl
import pytest
from PIL import Image

CAPTION = "Unilateral pulmonary infection, one infected area, lower left lung."


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def write_xlsx(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    for row in [columns, *rows]:
        sheet.append(list(row))
    workbook.save(path)


def write_picture(path: Path, seed: int) -> None:
    """An image nobody else has, or a mask in the image's right half, by its folder's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.name in ("Ground-truths", "labelcol", "masks"):
        pixels = np.zeros((8, 10), dtype=np.uint8)
        pixels[4:7, 6:9] = 255
    else:
        pixels = np.random.default_rng(seed).integers(0, 255, (8, 10)).astype(np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def qata(tmp_path: Path) -> Path:
    """Two pictures to train, one to validate, one to test, texts beside the two sets."""
    root = tmp_path / "QaTa-COV19-v2"
    train = ["covid_1", "sub-S09345_ses-E18817_run-1_bp-chest_vp-ap_cr", "covid_3"]
    for seed, (part, stem) in enumerate([*(("Train Set", s) for s in train), ("Test Set", "t_9")]):
        write_picture(root / part / "Images" / f"{stem}.png", seed)
        write_picture(root / part / "Ground-truths" / f"mask_{stem}.png", seed)
    texts = [(f"mask_{stem}.png", f"{CAPTION} {stem}") for stem in train]
    write_xlsx(root / "Train_text_for_Covid19.xlsx", ("Image", "Description"), texts)
    write_xlsx(root / "Val_ID.xlsx", ("Image",), [("mask_covid_3.png",)])
    write_csv(root / "Test_text_for_Covid19.csv", ("Image", "Description"),
              [("mask_t_9.png", CAPTION)])  # fmt: skip
    return tmp_path


@pytest.fixture
def lvit(tmp_path: Path) -> Path:
    """Three folders of MosMedData+, one study in two of them."""
    folder = tmp_path / "MosMedData"
    names = {
        "Train": ["Morozov_study_0255_12", "Jun_coronacases_case1_119", "bjorke_1"],
        "Val": ["Morozov_study_0255_14"],
        "Test": ["bjorke_2"],
    }
    seed = 0
    for split, stems in names.items():
        part = folder / f"{split}_Folder"
        for stem in stems:
            seed += 1
            write_picture(part / "img" / f"{stem}.jpg", seed)
            write_picture(part / "labelcol" / f"{stem}.png", seed)
        texts = [(f"{stem}.png", f"{CAPTION} {stem}") for stem in stems]
        write_xlsx(part / f"{split}_text.xlsx", ("Image", "Description"), texts)
    return folder


@pytest.fixture
def mosmed(tmp_path: Path) -> Path:
    """As unpacked from Kaggle, with the tables as people download them."""
    folder = tmp_path / "MosMedData+"
    for seed, stem in enumerate(["Morozov_study_0001_1", "bjorke_7"]):
        write_picture(folder / "frames" / f"{stem}.png", seed)
        write_picture(folder / "masks" / f"{stem}.png", seed)
    columns = ("Image", "Description")
    write_csv(folder / "Train_text_MosMedData+ 1(in).csv", columns,
              [("Morozov_study_0001_1.png", "a")])  # fmt: skip
    write_csv(folder / "Test_text_MosMedData+.csv", columns, [("bjorke_7.png", "b")])
    return folder


def write_volume(path: Path, array: np.ndarray, shift: float = 0) -> None:
    """``array`` (X, Y, Z), stored against L and P so that reading has to turn it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([1.5, 1.5, 4.0, 1.0])
    affine[0, 3] = shift
    nibabel.Nifti1Image(array, affine).to_filename(path)


@pytest.fixture
def make_nnunet(tmp_path: Path) -> Callable[..., Path]:
    """Two CT cases of three slices, labels 1 and 3, the second class's number skipping one."""

    def make(labels: Mapping[str, Any] | None = None, **changes: Any) -> Path:
        folder = tmp_path / "Dataset501_Lungs"
        for index, case in enumerate(("DOE_1", "DOE_2")):
            voxels = np.random.default_rng(index).integers(-1000, 300, (6, 5, 3))
            marked = np.zeros((6, 5, 3), dtype=np.uint8)
            marked[:2, :2, 1], marked[4:, 3:, 1] = 1, 3
            write_volume(folder / "imagesTr" / f"{case}_0000.nii.gz", voxels.astype(np.int16))
            write_volume(folder / "labelsTr" / f"{case}.nii.gz", marked)
        header = {
            "channel_names": {"0": "CT"},
            "labels": labels or {"background": 0, "ground glass": 1, "consolidation": 3},
            "numTraining": 2,
            "file_ending": ".nii.gz",
            **changes,
        }
        (folder / "dataset.json").write_text(json.dumps(header))
        write_csv(folder / "captions.csv", ("case", "report", "subject"),
                  [("DOE_1", CAPTION, "p1"), ("DOE_2", "Clear.", "p2")])  # fmt: skip
        return folder

    return make


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three columns with everything that is optional."""
    folder = tmp_path / "three"
    for seed, stem in enumerate("abc"):
        write_picture(folder / "images" / f"{stem}.png", seed)
        write_picture(folder / "masks" / f"{stem}.png", seed)
    columns = ("image", "mask", "report", "subject", "held_out", "split", "license")
    write_csv(folder / "captions.csv", columns, [
        ("a.png", "a.png", "A", "s1", "false", "train", "CC BY"),
        ("b.png", "b.png", "B", "s2", "true", "test", ""),
        ("c.png", "c.png", "C", "", "false", "train", ""),
    ])  # fmt: skip
    return folder
