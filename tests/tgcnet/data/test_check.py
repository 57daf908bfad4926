"""The linter: every finding provoked, and clean sets clean."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tgcnet.data.check import CheckReport, Convention, Finding, Severity, SideCount, check_folder
from tgcnet.data.check.pixels import pixel_digest
from tgcnet.data.check.sides import (
    LesionPixels,
    lesion_pixels,
    named_side,
    shares_on_named_side,
)
from tgcnet.data.layouts.volumes import VolumePair
from tgcnet.data.rows import Row
from tgcnet.domain import Side

MakeSet = Callable[..., Path]
RIGHT = {"report": "Pneumonia in the right lung."}


def kinds(report: CheckReport) -> list[str]:
    return [finding.kind for finding in report.findings]


def the(report: CheckReport, kind: str) -> Finding:
    return next(finding for finding in report.findings if finding.kind == kind)


def places(finding: Finding) -> list[list[str]]:
    return [[found.place for found in group] for group in finding.groups]


def test_a_clean_set_is_clean(make_set: MakeSet) -> None:
    report = check_folder(make_set(*[{"subject": f"s{i}"} for i in range(12)]))
    assert kinds(report) == ["captions-sides"]
    assert report.findings[0].severity is Severity.NOTE
    assert (report.num_rows, report.num_subjects, report.num_captions) == (12, 12, 1)
    assert (report.splits, report.num_errors) == ({}, 0)


def test_missing_parts_are_errors_and_left_out_files_warnings(make_set: MakeSet) -> None:
    folder = make_set({}, {}, {}, {})
    (folder / "images" / "0.png").unlink()
    (folder / "masks" / "1.png").unlink()
    shutil.copy(folder / "images" / "2.png", folder / "images" / "more.png")
    shutil.copy(folder / "masks" / "2.png", folder / "masks" / "less.png")
    report = check_folder(folder, is_quick=True)
    assert [(f.kind, f.severity.value, places(f)) for f in report.findings] == [
        ("no-image", "error", [["row 2 of captions.csv"]]),
        ("no-mask", "error", [["row 3 of captions.csv"]]),
        ("unused-no-text", "warning", [["a file of images/"]]),
        ("unused-no-image", "warning", [["a file of masks/"]]),
    ]
    assert the(report, "no-image").sentence == "1 row whose image is not there."
    assert the(report, "unused-no-text").sentence == "1 image left out, for want of their text."
    assert the(report, "unused-no-text").groups[0][0].name == "more.png"


def test_a_row_without_a_text_is_a_warning(make_set: MakeSet) -> None:
    report = check_folder(make_set({"report": " "}, {}), is_quick=True)
    assert kinds(report) == ["empty-text"]
    assert places(report.findings[0]) == [["row 2 of captions.csv"]]


def test_sizes_values_and_damage_are_errors_that_name_no_file(
    make_set: MakeSet, paint: Callable[..., np.ndarray]
) -> None:
    folder = make_set(
        {"image": "DOE.png", "mask_pixels": np.ones((64, 63), dtype=bool)},
        {"image": "ROE.png"},
        {"mask_pixels": np.full((64, 64), 7, dtype=np.uint8)},
    )
    (folder / "images" / "ROE.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    classes = [{"name": n, "colour": [1, 2, 3]} for n in ("one", "two")]
    (folder / "classes.json").write_text(json.dumps(classes))
    report = check_folder(folder)
    assert kinds(report)[:3] == ["size-mismatch", "unreadable", "label-value"]
    assert report.num_errors == 3
    for number, finding in enumerate(report.findings[:3], start=2):
        assert finding.sentence.startswith(f"Row {number} of captions.csv: ")
        assert not re.search("DOE|ROE", finding.sentence)


def test_rows_with_the_same_fault_are_one_finding(make_set: MakeSet) -> None:
    report = check_folder(make_set(*[{"mask_pixels": np.ones((64, 63), dtype=bool)}] * 3))
    assert kinds(report) == ["size-mismatch"]
    assert len(report.findings[0].groups) == 3
    assert report.findings[0].sentence.startswith("Row 2 of captions.csv: its image has shape")
    assert report.findings[0].sentence.endswith("own grid (2 more rows like it)")


def test_empty_masks_alone_are_a_warning(
    make_set: MakeSet, paint: Callable[..., np.ndarray]
) -> None:
    finding = the(check_folder(make_set({"mask_pixels": paint()})), "empty-mask")
    assert finding.severity is Severity.WARNING
    assert finding.sentence.startswith("1 empty mask, and no other; where")


def test_grey_masks_blank_images_and_empty_masks(
    make_set: MakeSet, paint: Callable[..., np.ndarray]
) -> None:
    grey = paint(np.s_[40:50, 40:50]).astype(np.uint8) * 255
    grey[45, 45] = 128
    report = check_folder(make_set(
        {"mask_pixels": grey},
        {"pixels": np.full((64, 64), 9, dtype=np.uint8)},
        {"pixels": np.full((64, 64), 9, dtype=np.uint8)},
        {"mask_pixels": paint()},
    ))  # fmt: skip
    assert places(the(report, "grey-mask")) == [["row 2 of captions.csv"]]
    assert len(the(report, "blank-image").groups) == 2
    assert places(the(report, "empty-mask")) == [["row 5 of captions.csv"]]
    assert the(report, "empty-mask").severity is Severity.NOTE
    assert not any("copied" in kind for kind in kinds(report))  # blank ones equal any other


@pytest.mark.parametrize("is_across", [False, True])
def test_copies_are_told_by_kind(make_set: MakeSet, is_across: bool) -> None:
    split = ["train", "test"] if is_across else ["train", "train"]
    folder = make_set(
        {"split": split[0]}, {"split": split[1]}, {"split": split[0]}, {"split": split[1]},
        {"split": split[0], "image": "same.png"}, {"split": split[1], "image": "same.png"},
    )  # fmt: skip
    images = folder / "images"
    shutil.copy(images / "0.png", images / "1.png")
    with Image.open(images / "2.png") as picture:
        pixels = np.asarray(picture).astype(np.uint16)
    Image.fromarray(pixels).save(images / "3.png", compress_level=1)
    suffix, severity = ("-across-splits", "error") if is_across else ("", "warning")
    report = check_folder(folder)
    copied, anew = the(report, f"copied{suffix}"), the(report, f"encoded-anew{suffix}")
    twice = the(report, f"named-twice{suffix}")
    assert [copied.severity, anew.severity] == [severity, severity]
    assert twice.severity == ("error" if is_across else "note")
    assert places(copied) == [["row 2 of captions.csv", "row 3 of captions.csv"]]
    assert places(anew) == [["row 4 of captions.csv", "row 5 of captions.csv"]]
    assert places(twice) == [["row 6 of captions.csv", "row 7 of captions.csv"]]
    assert anew.sentence.startswith("1 image in several files that differ, encoded anew from the")
    assert ("on two sides of a split" in anew.sentence) == is_across


def test_a_subject_on_two_sides_is_an_error(make_set: MakeSet) -> None:
    folder = make_set(
        {"subject": "s1", "split": "train"}, {"subject": "s1", "split": "train"},
        {"subject": "s1", "split": "test"}, {"subject": "s2", "split": "test"}, {"split": "val"},
    )  # fmt: skip
    finding = the(check_folder(folder, is_quick=True), "shared-subject")
    assert finding.severity is Severity.ERROR
    assert places(finding) == [["row 2 of captions.csv", "row 4 of captions.csv"]]
    assert "1 subject with images in two or more of test; train" in finding.sentence


def test_held_out_is_a_side_too(make_set: MakeSet) -> None:
    folder = make_set({"subject": "s", "held_out": "true"}, {"subject": "s", "held_out": "false"})
    assert kinds(check_folder(folder, is_quick=True)) == ["shared-subject"]


def test_captions_of_the_image_are_an_error_that_says_what_to_run(make_set: MakeSet) -> None:
    report = check_folder(make_set(*[RIGHT] * 19, {}))
    finding = the(report, "image-side-captions")
    assert finding.severity is Severity.ERROR
    assert finding.sentence.startswith("19 of 20 one-sided captions name the half of the image")
    assert "run `tgcnet data convert set --patient-side --out NEW`" in finding.sentence
    odd = the(report, "side-contradiction")
    assert places(odd) == [["row 21 of captions.csv"]]
    assert odd.sentence.endswith("even read as the half of the image.")


def test_a_single_contradiction_is_a_warning(make_set: MakeSet) -> None:
    report = check_folder(make_set(*[{}] * 19, RIGHT))
    assert kinds(report)[0] == "side-contradiction"
    assert places(report.findings[0]) == [["row 21 of captions.csv"]]
    assert report.sides is not None
    assert report.sides.convention is Convention.PATIENT


def test_half_and_half_is_an_error_and_a_few_are_a_note(make_set: MakeSet) -> None:
    mixed = check_folder(make_set(*[{}] * 8, *[RIGHT] * 8))
    assert [f.kind for f in mixed.findings if f.severity is Severity.ERROR] == [
        "mixed-side-captions"
    ]
    few = check_folder(make_set({}, {}, RIGHT, name="few"))
    assert few.num_errors == 0
    assert "too few to tell" in the(few, "captions-sides").sentence


@pytest.mark.parametrize(
    ("patient", "image", "expected"),
    [
        (0, 0, Convention.TOO_FEW),
        (10, 0, Convention.TOO_FEW),
        (12, 1, Convention.TOO_FEW),
        (6, 4, Convention.TOO_FEW),
        (11, 0, Convention.PATIENT),
        (0, 11, Convention.IMAGE),
        (1056, 9, Convention.PATIENT),
        (9, 1056, Convention.IMAGE),
        (60, 40, Convention.MIXED),
        (7500, 2500, Convention.MIXED),
    ],
)
def test_when_captions_have_a_convention(patient: int, image: int, expected: Convention) -> None:
    count = SideCount(num_patient_side=patient, num_image_side=image)
    assert count.convention is expected
    assert count.in_words()


@pytest.mark.parametrize(
    ("report", "side"),
    [
        ("unilateral pulmonary infection, one infected area, lower left lung.", Side.LEFT),
        ("bilateral pulmonary infection, upper left lung and lower right lung.", None),
        ("No effusion on the left. Consolidation in the right lower lobe.", Side.RIGHT),
        ("Pneumonia.", None),
        ("", None),
    ],
)
def test_which_side_a_text_names(report: str, side: Side | None) -> None:
    assert named_side(report) is side


def row_of(report: str, **changes: Any) -> Row:
    return Row(number=2, image=Path("i"), mask=Path("m"), report=report, **changes)


def test_the_patients_left_is_on_the_images_right() -> None:
    labels = np.zeros((3, 5), dtype=np.uint8)
    labels[0, 3:] = 2
    labels[1, 0] = 1
    labels[2, 2] = 1  # the middle column is nobody's
    left, right = (f"Pneumonia in the {side} lung." for side in ("left", "right"))
    assert lesion_pixels(left, labels) == LesionPixels(num_named=2, num_other=1)
    assert lesion_pixels(right, labels) == LesionPixels(num_named=1, num_other=2)
    assert lesion_pixels("Bilateral pneumonia.", labels) is None


def test_slices_of_a_volume_count_once(make_volume: Callable[[str], VolumePair]) -> None:
    rows = [row_of("", volume=make_volume(name), z=z) for name in "ab" for z in range(3)]
    found = [LesionPixels(num_named=n, num_other=o) for n, o in (
        (0, 0), (3, 0), (0, 1), (0, 0), (0, 0), (0, 0)
    )]  # fmt: skip
    assert shares_on_named_side(rows, found) == ((rows[1], 0.75),)
    alone = [row_of("", z=z) for z in range(2)]
    assert len(shares_on_named_side(alone, found[1:3])) == 2


@pytest.fixture
def make_volume() -> Callable[[str], VolumePair]:
    return lambda name: VolumePair(image=Path(name), labels=Path(name), values=(1,))


def test_a_digest_goes_by_numbers_and_shape() -> None:
    plane = np.arange(12, dtype=np.uint8).reshape(3, 4)
    digest = pixel_digest(plane)
    assert pixel_digest(plane.astype(np.int32)) == digest
    assert pixel_digest(plane[:, ::-1][:, ::-1]) == digest
    assert pixel_digest(plane.reshape(4, 3)) != digest
    assert pixel_digest(plane.astype(np.int16) - 1) != digest
    assert pixel_digest(plane.astype(np.float32)) is not None
    assert pixel_digest(np.full((3, 4), 7, dtype=np.uint16)) is None


def test_a_quick_check_opens_nothing(make_set: MakeSet) -> None:
    folder = make_set({}, {})
    (folder / "images" / "0.png").write_bytes(b"")
    report = check_folder(folder, is_quick=True)
    assert (report.findings, report.sides) == ((), None)
    steps: list[float] = []
    assert check_folder(folder, on_progress=steps.append).num_errors == 1
    assert steps == [0.5, 1.0]


def test_checking_changes_nothing(make_set: MakeSet) -> None:
    folder = make_set({}, RIGHT)

    def state() -> str:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()

    before = state()
    check_folder(folder)
    assert state() == before
