"""Formats by the endings of names."""

from pathlib import Path

import pytest

from tgcnet.io.formats import (
    DICOM_SEG,
    IMAGES,
    MASKS,
    NIFTI,
    PICTURES,
    PNG,
    dialog_filter,
    ending_of,
    endings_of,
    format_of,
    name_without_ending,
    one_of,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mask.nii.gz", NIFTI),
        ("MASK.NII", NIFTI),
        ("mask.v2.png", PNG),
        ("mask.dcm", DICOM_SEG),
        ("mask.gz", None),
        ("mask", None),
    ],
)
def test_the_ending_says_the_format(name: str, expected: object) -> None:
    assert format_of(name, MASKS) is expected
    assert format_of(Path("some.png") / name, MASKS) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scan.nii.gz", "scan"),
        ("Scan.v2.NII", "Scan.v2"),
        ("1.2.840.5", "1.2.840.5"),
        ("scan.dcm", "scan.dcm"),
        (".png", ".png"),
        ("folder/scan.tiff", "scan"),
    ],
)
def test_only_a_known_ending_is_taken_off_a_name(name: str, expected: str) -> None:
    assert name_without_ending(name) == expected


def test_a_name_keeps_endings_of_other_formats() -> None:
    assert name_without_ending("slice.nii", PICTURES) == "slice.nii"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.nii.gz", ".nii.gz"), ("a.NII.GZ", ".NII.GZ"), ("a.b.mha", ".mha"), ("a", "")],
)
def test_any_ending_is_found(name: str, expected: str) -> None:
    assert ending_of(name) == expected


def test_endings_are_lower_case_and_begin_with_a_dot() -> None:
    for ending in endings_of(*IMAGES, *MASKS):
        assert ending.startswith(".")
        assert ending == ending.lower()


def test_endings_in_a_sentence_and_in_a_file_dialog() -> None:
    assert one_of((".png",)) == ".png"
    assert one_of(endings_of(PNG, NIFTI)) == ".png, .nii.gz or .nii"
    assert dialog_filter("Volumes", NIFTI) == "Volumes (*.nii.gz *.nii)"
