"""What leaves the ledger: reviewed slices, for programs of ours and for nnU-Net."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from tgcnet.corrections import Correction, Ledger
from tgcnet.corrections.export_nnunet import export_nnunet
from tgcnet.corrections.export_three_columns import export_folder
from tgcnet.data.classes import read_mask
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.domain import Modality, SegmentationClass
from tgcnet.errors import InputError, OutputError
from tgcnet.io import load_volume

MakeCorrection = Callable[..., Correction]
PRIVATE = (b"DOE", b"JOHN-4711", b"1.2.840.113619", b"Consolidation", b"rim too wide")


@pytest.fixture
def filled(ledger: Ledger, make_correction: MakeCorrection) -> Ledger:
    """Two patients, the second held out, and a case that nobody reviewed."""
    ledger.save(make_correction(0))
    ledger.save(make_correction(1, patient="DOE^JANE", reviewed_slices=(0, 1, 2)))
    ledger.save(make_correction(2, reviewed_slices=()))
    return ledger


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_folder_is_read_by_evaluate(filled: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported = export_folder(filled, out)
    assert (exported.num_cases, exported.num_slices, exported.problems) == (2, 5, ())
    rows = read_folder(out)
    assert [row.subject for row in rows] == ["1", "1", "2", "2", "2"]
    assert {row.report for row in rows} == {""}
    flags = [row["held_out"] for row in rows_of(out / "captions.csv")]
    assert flags == ["false", "false", "true", "true", "true"]
    case = filled.load(rows[0].image.name.split("-")[0])
    for z, row in zip(case.reviewed_slices, rows[:2], strict=True):
        assert row.image.name == f"{case.id}-{z:04d}.png"
        picture = load_volume(row.image)
        assert picture.array.dtype == np.uint8
        expected = np.clip((case.volume.array[z] + 1350.0) / 1500.0, 0, 1) * 255
        np.testing.assert_allclose(picture.array[0], expected, atol=0.51)
        np.testing.assert_array_equal(read_mask(row.mask), case.labels[z] > 0)
    assert "Research use only" in (out / "NOTICE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("export", [export_folder, export_nnunet])
def test_reports_and_keys_leave_only_when_asked_for(
    filled: Ledger, tmp_path: Path, export: Callable[..., Any]
) -> None:
    keys = [case.patient_key.encode() for case in filled.cases().cases]
    for name, with_reports in (("without", False), ("with", True)):
        export(filled, tmp_path / name, with_reports=with_reports)
        content = b"".join(p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file())
        assert all((key in content) is with_reports for key in keys)
        assert (b"Consolidation" in content) is with_reports
        assert not any(private in content for private in PRIVATE[:3] + PRIVATE[4:])


def test_the_raw_folder_of_nnunet(filled: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "Dataset501_Lungs"
    exported = export_nnunet(filled, out)
    assert (exported.num_cases, exported.num_slices) == (2, 5)
    dataset = json.loads((out / "dataset.json").read_bytes())
    assert dataset["channel_names"] == {"0": "CT"}
    assert dataset["labels"] == {"background": 0, "infection": 1, "effusion": 2, "ignore": 3}
    assert (dataset["numTraining"], dataset["file_ending"]) == (1, ".nii.gz")
    for part, is_held_out in (("Tr", False), ("Ts", True)):
        [image] = (out / f"images{part}").iterdir()
        [label] = (out / f"labels{part}").iterdir()
        case = filled.load(label.name.removesuffix(".nii.gz"))
        assert image.name == f"{case.id}_0000.nii.gz"
        assert case.is_held_out is is_held_out
        stored = np.asanyarray(nib.Nifti1Image.from_filename(label).dataobj).T
        reviewed = list(case.reviewed_slices)
        np.testing.assert_array_equal(stored[reviewed], case.labels[reviewed])
        assert (np.delete(stored, reviewed, axis=0) == 3).all()
        np.testing.assert_array_equal(
            np.asanyarray(nib.Nifti1Image.from_filename(image).dataobj).T, case.volume.array
        )
        np.testing.assert_array_equal(
            nib.Nifti1Image.from_filename(image).affine, nib.Nifti1Image.from_filename(label).affine
        )
    assert [row["subject"] for row in rows_of(out / "subjects.csv")] == ["1", "2"]


def test_classes_of_nnunet_are_matched_by_name(
    ledger: Ledger, make_correction: MakeCorrection, tmp_path: Path
) -> None:
    ledger.save(make_correction(0, reviewed_slices=(0, 1, 2)))
    one = (SegmentationClass(name="effusion", colour=(0, 0, 0)),)
    labels = np.ones((3, 6, 7), dtype=np.uint8)
    other = make_correction(
        1, classes=one, labels=labels, model_labels=None, reviewed_slices=(0, 1, 2)
    )
    radiograph = replace(other.volume, modality=Modality.XRAY)
    saved = ledger.save(replace(other, volume=radiograph))
    export_nnunet(ledger, tmp_path / "out")
    dataset = json.loads((tmp_path / "out" / "dataset.json").read_bytes())
    assert dataset["labels"] == {"background": 0, "infection": 1, "effusion": 2}
    assert dataset["channel_names"] == {"0": "intensity"}
    label = nib.Nifti1Image.from_filename(tmp_path / "out" / "labelsTr" / f"{saved.case_id}.nii.gz")
    assert set(np.unique(label.dataobj)) == {2}


def test_nnunets_own_names_are_refused(
    ledger: Ledger, make_correction: MakeCorrection, tmp_path: Path
) -> None:
    names = ("lesion", "ignore")
    classes = tuple(SegmentationClass(name=name, colour=(0, 0, 0)) for name in names)
    ledger.save(make_correction(classes=classes))
    with pytest.raises(InputError, match="none called background or ignore"):
        export_nnunet(ledger, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("export", [export_folder, export_nnunet])
def test_damage_is_skipped_and_named(
    filled: Ledger, tmp_path: Path, export: Callable[..., Any]
) -> None:
    first = filled.cases().cases[0].case_id
    (filled.folder / "cases" / first / "image.nii.gz").write_bytes(b"")
    exported = export(filled, tmp_path / "out")
    assert [problem.case_id for problem in exported.problems] == [first]
    assert exported.num_cases == 1
    assert (filled.folder / "damaged" / first).is_dir()


@pytest.mark.parametrize("export", [export_folder, export_nnunet])
def test_nothing_is_left_of_an_export_that_fails(
    ledger: Ledger, make_correction: MakeCorrection, tmp_path: Path, export: Callable[..., Any]
) -> None:
    with pytest.raises(InputError, match="No case of ledger has a reviewed slice"):
        export(ledger, tmp_path / "out")
    ledger.save(make_correction())
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match=r"^out is there already, expected a folder that is not"):
        export(ledger, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger", "out"]


def test_a_picture_nobody_can_window_is_named(
    ledger: Ledger, make_correction: MakeCorrection, tmp_path: Path
) -> None:
    correction = make_correction()
    unknown = replace(correction.volume, modality=Modality.UNKNOWN)
    saved = ledger.save(replace(correction, volume=unknown))
    with pytest.raises(InputError, match=f"case {saved.case_id} is a CT or a radiograph, expected"):
        export_folder(ledger, tmp_path / "out")
    ledger.delete(saved.case_id)
    flat = replace(correction.volume, array=np.zeros((3, 6, 7), np.int16))
    saved = ledger.save(replace(correction, volume=flat))
    with pytest.raises(InputError, match=rf"^Case {saved.case_id} has no picture to export\. Ever"):
        export_folder(ledger, tmp_path / "out")
