"""Harmless variation within a series is accepted, and told where it may matter."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from tests.tgcnet.io.dicom import phantoms
from tests.tgcnet.io.dicom.changes import Change, changed, listed, move, on_all, on_one

from tgcnet.io.dicom.series import Severity


def jittered(slices: list[Dataset]) -> None:
    for one, by in zip(slices, np.random.default_rng(3).uniform(-0.05, 0.05, 7), strict=True):
        move(one, 0, 0, by)  # 2 % of 2.5 mm


def rounded(slices: list[Dataset]) -> None:
    for index, one in enumerate(slices):
        z = -300 + index * 0.6251
        one.ImagePositionPatient = [-100, -80, round(z, 2)]
        one.SliceThickness = 0.625


def with_noisy_orientations(slices: list[Dataset]) -> None:
    noise = np.random.default_rng(4).uniform(-1e-4, 1e-4, (7, 6))
    for one, by in zip(slices, noise, strict=True):
        one.ImageOrientationPatient = [round(x, 7) for x in np.array(phantoms.AXIAL) + by]


def numbered_otherwise(slices: list[Dataset]) -> None:
    for one, number in zip(slices, (40, 7, 7, 12, 3, 99, 0), strict=True):
        one.InstanceNumber = number


def at_different_times(slices: list[Dataset]) -> None:
    for index, one in enumerate(slices):
        one.AcquisitionTime = f"10111{index}"
        one.AcquisitionNumber = index


def with_varying_slopes(slices: list[Dataset]) -> None:
    for index, one in enumerate(slices):
        one.RescaleSlope = 1 + index / 10


def numbered(first: int, step: int) -> Change:
    def change(slices: list[Dataset]) -> None:
        for index, one in enumerate(slices):
            one.InstanceNumber = first + index * step

    return change


def unsigned_of_bits(*bits: int) -> Change:
    """Store 7 or fewer bits, and declare as many as given."""

    def change(slices: list[Dataset]) -> None:
        for one, number in zip(slices, bits, strict=True):
            one.PixelRepresentation, one.BitsStored, one.HighBit = 0, number, number - 1

    return change


HARMLESS: dict[str, tuple[Change, set[str]]] = {
    "nothing": (lambda slices: None, set()),
    "2 % jitter": (jittered, {"spacing-jitter"}),
    "positions rounded to 0.01 mm": (rounded, set()),
    "orientations off by 1e-4": (with_noisy_orientations, {"orientation-rounded"}),
    "other instance numbers": (numbered_otherwise, set()),
    "a description in capitals": (on_one(SeriesDescription="CHEST "), set()),
    "another description": (on_one(SeriesDescription="Abdomen"), {"mixed-descriptions"}),
    "another accession number": (on_one(AccessionNumber="A-9"), {"mixed-accession-numbers"}),
    "another study date": (on_one(StudyDate="20240202"), {"mixed-study-dates"}),
    "another kernel": (on_one(ConvolutionKernel=["B70f", "2"]), {"mixed-kernels"}),
    "a position on no slice": (on_all(PatientPosition=None), set()),
    "other times": (at_different_times, set()),
    "varying slopes": (with_varying_slopes, {"varying-rescale"}),
    "another number of bits": (unsigned_of_bits(12, 12, 10, 12, 12, 16, 12), set()),
    "no high bit": (on_all(HighBit=None), set()),
    "another intercept": (on_one(RescaleIntercept=0), {"varying-rescale"}),
    "another thickness": (on_one(SliceThickness=3), {"mixed-thicknesses"}),
    "a thickness rounded": (on_one(SliceThickness=2.51), set()),
    "no thickness on one": (on_one(SliceThickness=None), set()),
    "another image type": (on_one(ImageType=["DERIVED", "SECONDARY"]), {"mixed-image-types"}),
    "another fourth value of the image type": (
        on_one(ImageType=["ORIGINAL", "PRIMARY", "AXIAL", "CT_5"]),
        set(),
    ),
    "numbers from 0": (numbered(0, 1), set()),
    "numbers that fall": (numbered(7, -1), set()),
    "odd numbers": (numbered(1, 2), {"numbers-skipped"}),
    "even numbers that fall": (numbered(14, -2), {"numbers-skipped"}),
    "numbers from 6": (numbered(6, 1), {"numbers-begin-late"}),
    "numbers that fall to 6": (numbered(12, -1), {"numbers-begin-late"}),
    "every third number from 7": (numbered(7, 3), {"numbers-skipped", "numbers-begin-late"}),
    "no numbers": (on_all(InstanceNumber=None), set()),
    "one number": (on_all(InstanceNumber=5), set()),
    "a spacing rounded": (on_one(PixelSpacing=[0.7, 0.80001]), {"pixel-spacing-rounded"}),
    "no rescale at all": (on_all(RescaleSlope=None, RescaleIntercept=None), {"no-rescale"}),
    "no pixel spacing at all": (on_all(PixelSpacing=None), {"no-pixel-spacing"}),
    "thin slices far apart": (on_all(SliceThickness=1), {"gaps-between-slices"}),
    "overlapping slices": (on_all(SliceThickness=5), set()),
    "a broken patient's birth date": (on_all(PatientBirthDate=None), set()),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_variation_is_accepted(name: str, tmp_path: Path) -> None:
    change, codes = HARMLESS[name]
    series = listed(changed(change), tmp_path)
    assert series.is_readable
    assert {one.code for one in series.remarks} == codes
    assert len(series.frames) == 7


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("varying slopes", Severity.WARNING),
        ("another intercept", Severity.WARNING),
        ("another thickness", Severity.WARNING),
        ("another image type", Severity.WARNING),
        ("odd numbers", Severity.WARNING),
        ("numbers from 6", Severity.NOTICE),
    ],
)
def test_a_variation_is_told_as_loudly_as_it_may_harm(
    name: str, severity: Severity, tmp_path: Path
) -> None:
    (remark,) = listed(changed(HARMLESS[name][0]), tmp_path).remarks
    assert remark.severity is severity
    assert "expected" in remark.sentence
    assert "; " in remark.sentence


def test_varying_slopes_of_another_modality_are_only_noticed(tmp_path: Path) -> None:
    series = listed(changed(with_varying_slopes, Modality="PT"), tmp_path)
    assert [(one.severity, one.code) for one in series.remarks] == [
        (Severity.NOTICE, "varying-rescale")
    ]


def test_600_slices_with_gaussian_jitter_of_two_percent_are_accepted() -> None:
    from tgcnet.io.dicom.faults import remarks_of
    from tgcnet.io.dicom.series import FrameHeader

    jitter = np.random.default_rng(5).normal(0, 0.02, 600)
    frames = [
        FrameHeader(
            file="",
            frame=index,
            modality="CT",
            position=(0.0, 0.0, index + by),
            orientation=phantoms.AXIAL,
            spacing_yx=(0.7, 0.7),
            slope=1.0,
            intercept=0.0,
        )
        for index, by in enumerate(jitter)
    ]
    assert [one.code for one in remarks_of(frames)] == ["spacing-jitter"]
