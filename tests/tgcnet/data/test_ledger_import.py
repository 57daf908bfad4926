"""A three-column folder becomes a ledger of corrections."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.corrections import Ledger
from tgcnet.data.ledger_import import import_folder
from tgcnet.domain import Modality, Segmentation, SegmentationClass, Volume
from tgcnet.errors import InputError

CLASS = SegmentationClass(name="infection", colour=(230, 60, 60))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four rows of two subjects; the last asks something else of the first picture."""
    made, random = tmp_path / "set", np.random.default_rng(0)
    for part in ("images", "masks"):
        (made / part).mkdir(parents=True)
    rows = [["image", "mask", "report", "subject"]]
    for index in range(4):
        mask = np.zeros((9, 8), dtype=np.uint8)
        mask[index:5] = 255
        Image.fromarray(mask).save(made / "masks" / f"{index}.png")
        pixels = random.integers(0, 255, (9, 8)).astype(np.uint8)
        Image.fromarray(pixels).save(made / "images" / f"{index}.png")
        rows.append([f"{index % 3}.png", f"{index}.png", f"report {index}", f"s{index // 2}"])
    with (made / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "ledger")


def test_every_row_is_a_case(folder: Path, ledger: Ledger) -> None:
    shares: list[float] = []
    imported = import_folder(folder, ledger, on_progress=shares.append)
    assert (imported.num_rows, len(imported.case_ids)) == (4, 4)
    assert shares == [0.25, 0.5, 0.75, 1.0]
    cases = [ledger.load(case_id) for case_id in imported.case_ids]
    for index, case in enumerate(cases):
        assert case.report == f"report {index}"
        assert case.labels.sum() == 8 * (5 - index)
        assert case.reviewed_slices == (0,)
        assert case.volume.modality is Modality.XRAY
        assert case.model_labels is None
        assert [c.name for c in case.record.classes] == ["finding"]
    keys = [case.patient_key for case in cases]
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert [case.is_held_out for case in cases] == [False, False, True, True]


def test_a_second_import_adds_revisions(folder: Path, ledger: Ledger) -> None:
    (folder / "captions.csv").write_text("image,mask,report\n0.png,0.png,a\n1.png,1.png,b\n")
    first = import_folder(folder, ledger)
    assert import_folder(folder, ledger).case_ids == first.case_ids
    assert [case.num_revisions for case in ledger.cases().cases] == [2, 2]


def test_a_model_gives_the_mask_before(folder: Path, ledger: Ledger) -> None:
    told: list[str] = []

    def predict(volume: Volume, report: str) -> Segmentation:
        told.append(report)
        labels = np.ones(volume.array.shape, dtype=np.uint8)
        return Segmentation(
            probability=labels[None].astype(np.float32),
            labels=labels,
            classes=(CLASS,),
            geometry=volume.geometry,
            provenance={"model": "tiny"},
        )

    imported = import_folder(folder, ledger, modality=Modality.CT, predict=predict)
    case = ledger.load(imported.case_ids[0])
    assert told == [f"report {index}" for index in range(4)]
    assert case.model_labels is not None
    assert case.model_labels.all()
    assert case.record.classes == (CLASS,)
    assert case.record.provenance == {"model": "tiny"}
    assert case.volume.modality is Modality.CT
    assert case.record.dice_pooled == pytest.approx(2 * 40 / (40 + 72))


def test_several_classes_and_other_sizes_are_refused(folder: Path, ledger: Ledger) -> None:
    def predict(volume: Volume, report: str) -> Segmentation:
        labels = np.zeros(volume.array.shape, dtype=np.uint8)
        return Segmentation(
            probability=np.zeros((2, *labels.shape), np.float32),
            labels=labels,
            classes=(CLASS, CLASS),
            geometry=volume.geometry,
        )

    with pytest.raises(InputError, match="The model has 2 classes and the masks of a folder one"):
        import_folder(folder, ledger, predict=predict)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "masks" / "0.png")
    with pytest.raises(
        InputError, match=r"row 2 of .* its mask \(9, 9\) \(y, x\), expected one slice"
    ):
        import_folder(folder, ledger)
    assert ledger.cases().cases == ()
