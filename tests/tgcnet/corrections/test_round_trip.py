"""What is saved comes back as it was, and other programs can read it."""

import gzip
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from tgcnet.corrections import Correction, Ledger
from tgcnet.corrections.correction import agreement
from tgcnet.corrections.voxels import read_voxels, write_voxels
from tgcnet.domain import Case, Geometry, Modality, SegmentationClass, Volume
from tgcnet.errors import InputError
from tgcnet.io import load_volume
from tgcnet.metrics import MetricAccumulator

MakeCorrection = Callable[..., Correction]
TYPES = ("int8", "int16", "int32", "uint8", "uint16", "float32")


def assert_same(case: Case, correction: Correction) -> None:
    given, back = correction.volume, case.volume
    for one, other in (
        (given.array, back.array),
        (correction.labels, case.labels),
        (correction.model_labels, case.model_labels),
    ):
        assert one is not None
        assert other is not None
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
        assert other.flags.writeable
    assert back.geometry.affine_lps.tobytes() == given.geometry.affine_lps.tobytes()
    assert back.geometry.affine_lps.dtype == np.float64
    for name in ("unit", "side_knowledge", "source_axes", "source_flips"):
        assert getattr(back.geometry, name) == getattr(given.geometry, name)
    np.testing.assert_equal(dict(back.geometry.source_frame), dict(given.geometry.source_frame))
    assert (back.modality, back.intensity_unit) == (given.modality, given.intensity_unit)
    assert back.is_display_ready == given.is_display_ready


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_comes_back(ledger: Ledger, make_correction: MakeCorrection, dtype: str) -> None:
    volume = make_correction().volume
    array = (volume.array % 127).astype(dtype)
    if dtype == "float32":
        array[0, 0, :3] = (np.nan, np.inf, 1e-40)
    modality = Modality.XRAY if dtype == "uint8" else Modality.CT
    correction = make_correction(
        volume=replace(volume, array=array, modality=modality, is_display_ready=dtype == "uint8")
    )
    saved = ledger.save(correction)
    assert_same(ledger.load(saved.case_id), correction)


def test_everything_said_comes_back(ledger: Ledger, make_correction: MakeCorrection) -> None:
    correction = make_correction(reviewed_slices=(2, 1, 1))
    saved = ledger.save(correction)
    case = ledger.load(saved.case_id)
    assert_same(case, correction)
    assert (case.id, case.revision) == (saved.case_id, saved.revision)
    assert case.reviewed_slices == (1, 2)
    assert case.report == correction.report
    record = case.record
    assert record.classes == correction.classes
    assert record.window == correction.window
    assert (record.seconds, record.notes) == (correction.seconds, correction.notes)
    assert record.provenance["model"] == "mini"
    assert record.provenance["sha256"] == "ab" * 32
    assert record.provenance["threshold"] == "0.5"
    assert record.num_changed_voxels == 16


def test_without_a_model_there_is_nothing_to_compare(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    correction = make_correction(model_labels=None, provenance={}, window=None, seconds=None)
    case = ledger.load(ledger.save(correction).case_id)
    assert case.model_labels is None
    record = case.record
    assert (record.num_changed_voxels, record.dice_pooled, record.dice_mean) == (None, None, None)
    assert (record.window, record.seconds) == (None, None)
    [summary] = ledger.cases().cases
    assert summary.model is None


def test_what_no_model_saw_counts_neither_as_its_error_nor_as_a_change(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    # The two masks differ in slice 2 (15 voxels) and slice 0 (one): only slice 2 was segmented.
    whole = make_correction(reviewed_slices=(0, 2))
    in_part = ledger.load(ledger.save(replace(whole, model_slices=(2, 2))).case_id).record
    assert (in_part.model_slices, in_part.num_changed_voxels) == ((2,), 15)
    assert in_part.dice_mean == 0.0
    in_none = ledger.load(ledger.save(replace(whole, model_slices=(1,))).case_id).record
    assert (in_none.num_changed_voxels, in_none.dice_pooled) == (0, None)


def test_no_reviewed_slice_is_kept_but_not_scored(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    case = ledger.load(ledger.save(make_correction(reviewed_slices=())).case_id)
    assert case.reviewed_slices == ()
    assert case.record.dice_pooled is None
    assert list(ledger.load_reviewed(lambda problem: None)) == []


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_a_files_own_grid_comes_back(
    tmp_path: Path, ledger: Ledger, make_correction: MakeCorrection, axes: tuple[int, ...]
) -> None:
    """Any orientation of a NIfTI: the frame that leads back to the file is kept to the bit."""
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-0.7, 0.83, 2.5])[:, axes]
    affine[:3, 3] = (-101.3, 87.9, -412.75)
    data = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) - 300
    nib.Nifti1Image(data, affine).to_filename(tmp_path / "source.nii")
    volume = load_volume(tmp_path / "source.nii")
    correction = make_correction(volume=volume)
    saved = ledger.save(correction)
    assert_same(ledger.load(saved.case_id), correction)
    image = ledger.folder / "cases" / saved.case_id / "image.nii.gz"
    assert_in_place(image, volume)


def test_a_frame_with_unused_fields_comes_back(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    volume = make_correction().volume
    frame = {"pixdim": (1.0, float("nan"), float("inf"), float("-inf"), 0.1)}
    geometry = replace(volume.geometry, source_frame=frame, source_flips=(True, False, True))
    correction = make_correction(volume=replace(volume, geometry=geometry))
    saved = ledger.save(correction)
    assert_same(ledger.load(saved.case_id), correction)
    text = (ledger.folder / "cases" / saved.case_id / "case.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def assert_in_place(path: Path, volume: Volume) -> None:
    """Nibabel finds each voxel where our affine says it lies."""
    image = nib.Nifti1Image.from_filename(path)
    stored = np.asanyarray(image.dataobj)
    lps_to_ras = np.diag([-1, -1, 1, 1])
    for z, y, x in np.ndindex(volume.array.shape):
        ras = lps_to_ras @ volume.geometry.affine_lps @ (z, y, x, 1)
        np.testing.assert_allclose(image.affine @ (x, y, z, 1), ras, rtol=1e-6, atol=1e-4)
        assert stored[x, y, z] == volume.array[z, y, x]


def test_viewers_see_image_and_masks_in_one_place(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    correction = make_correction()
    saved = ledger.save(correction)
    folder = ledger.folder / "cases" / saved.case_id
    assert_in_place(folder / "image.nii.gz", correction.volume)
    for name, labels in (
        ("person", correction.labels),
        ("model", correction.model_labels),
        ("changed", (correction.labels != correction.model_labels).astype(np.uint8)),
    ):
        path = folder / "revisions" / "0001" / f"{name}.nii.gz"
        assert labels is not None
        assert_in_place(path, replace(correction.volume, array=labels))
        assert nib.Nifti1Image.from_filename(path).header.get_data_dtype() == np.uint8


def test_a_case_is_read_without_this_program(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    correction = make_correction()
    folder = ledger.folder / "cases" / ledger.save(correction).case_id
    assert sorted(p.name for p in (folder / "revisions" / "0001").iterdir()) == [
        "changed.nii.gz", "model.nii.gz", "person.nii.gz", "record.json", "report.txt",
    ]  # fmt: skip
    record = json.loads((folder / "revisions" / "0001" / "record.json").read_bytes())
    assert record["schema_version"] == 1
    assert record["notice"] == "Research use only. Not a medical device."
    assert record["reviewed_slices"] == [1, 2]
    assert record["provenance"]["model"] == "mini"
    assert record["window"] == {"low": -1350.0, "high": 150.0, "unit": "HU"}
    assert record["classes"][0] == {
        "label": 1, "name": "infection", "colour": [230, 60, 60], "code": "233604007",
    }  # fmt: skip
    assert record["seconds_since_mask"] == 42.5
    assert record["saved_utc"].endswith("+00:00")
    report = (folder / "revisions" / "0001" / "report.txt").read_bytes()
    assert report == correction.report.encode()


def test_the_same_voxels_are_one_file(tmp_path: Path, make_correction: MakeCorrection) -> None:
    volume = make_correction().volume
    for name in ("one", "two"):
        write_voxels(volume.array, volume.geometry, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_side_too_long_for_the_older_format(tmp_path: Path) -> None:
    array = np.zeros((1, 1, 40_000), dtype=np.uint8)
    array[0, 0, -1] = 7
    write_voxels(array, Geometry(affine_lps=np.eye(4)), tmp_path / "long.nii.gz")
    content = (tmp_path / "long.nii.gz").read_bytes()
    assert int.from_bytes(gzip.decompress(content)[:4], "little") == 540
    np.testing.assert_array_equal(read_voxels(content), array)


def test_dice_is_that_of_the_metrics() -> None:
    random = np.random.default_rng(0)
    model, person = (random.integers(0, 3, (6, 8, 8)).astype(np.uint8) for _ in range(2))
    model[0] = person[0] = 0
    model[1] = 0
    person[2] = 0
    pooled = MetricAccumulator()
    for z in range(6):
        pooled.add(model[z] > 0, person[z] > 0)
    expected = pooled.result()
    assert agreement(model, person, tuple(range(6))) == pytest.approx(
        (expected.dice_pooled, expected.dice_mean), abs=1e-12
    )
    assert agreement(model, person, (0,)) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels": np.zeros((2, 6, 7), np.uint8)},
            r"corrected mask has the shape \(2, 6, 7\)",
        ),
        ({"labels": np.zeros((3, 6, 7), np.int32)}, "of int32, expected .* of uint8"),
        ({"model_labels": np.full((3, 6, 7), 3, np.uint8)}, "The model's mask holds the label 3"),
        ({"classes": ()}, "expected 0 to 0, the number of its classes"),
        (
            {"reviewed_slices": (0, 3)},
            "Slice 3 is said to be reviewed or segmented, expected .* 0 to 2 ",
        ),
        ({"reviewed_slices": (-1,)}, "Slice -1 is said"),
        ({"seconds": float("nan")}, "no finite number"),
        ({"window": (float("-inf"), 1.0, "HU")}, "no finite number"),
        ({"report": "half a \ud83d"}, "half a character"),
    ],
)
def test_what_could_not_be_read_back_is_refused(
    ledger: Ledger, make_correction: MakeCorrection, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ledger.save(make_correction(**changes))
    assert ledger.cases().cases == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"array": np.zeros((6, 7), np.int16)}, r"The image has the shape \(6, 7\) of int16"),
        ({"array": np.zeros((3, 6, 7), np.float16)}, "of float16, expected"),
        ({"geometry": Geometry(affine_lps=np.zeros((4, 4)))}, "affine cannot be inverted"),
        ({"geometry": Geometry(affine_lps=np.full((4, 4), np.nan))}, "affine cannot be inverted"),
    ],
)
def test_an_image_that_has_no_place_is_refused(
    ledger: Ledger, make_correction: MakeCorrection, changes: dict[str, Any], message: str
) -> None:
    correction = make_correction()
    with pytest.raises(InputError, match=message):
        ledger.save(replace(correction, volume=replace(correction.volume, **changes)))


def test_classes_keep_their_order(ledger: Ledger, make_correction: MakeCorrection) -> None:
    classes = tuple(SegmentationClass(name=f"c{i}", colour=(i, 0, 0)) for i in range(5))
    case = ledger.load(ledger.save(make_correction(classes=classes)).case_id)
    assert case.record.classes == classes
