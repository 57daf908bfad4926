"""Wrong series are told, not guessed: each fault by its code, each harmless variation accepted."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage
from tests.tgcnet.io.dicom import phantoms
from tests.tgcnet.io.dicom.changes import Change, changed, listed, move, on_all, on_one

from tgcnet.io.dicom.series import Severity


def without_a_slice(slices: list[Dataset]) -> list[Dataset]:
    return slices[:2] + slices[3:]


def with_another_slice_at_one_place(slices: list[Dataset]) -> list[Dataset]:
    (other,) = phantoms.series(
        shape=(1, 16, 12), values=np.full((1, 16, 12), 7), SOPInstanceUID=phantoms.uid(9)
    )
    other.ImagePositionPatient = slices[3].ImagePositionPatient
    return [*slices, other]


def with_one_slice_off_by_a_third(slices: list[Dataset]) -> None:
    move(slices[3], 0, 0, 0.8)


def with_a_wider_step_from_the_middle(slices: list[Dataset]) -> None:
    for index, one in enumerate(slices[4:]):
        move(one, 0, 0, 0.5 * (index + 1))


def with_a_step_that_grows(slices: list[Dataset]) -> None:
    for index, one in enumerate(slices):
        move(one, 0, 0, 0.09 * index**2)


def sheared(slices: list[Dataset]) -> None:
    for index, one in enumerate(slices):
        move(one, 0, 0.1 * index, 0)


def with_one_slice_beside(slices: list[Dataset]) -> None:
    move(slices[3], 2, 0, 0)


def with_a_larger_plane(slices: list[Dataset]) -> None:
    slices[3].Rows, slices[3].PixelData = 20, bytes(20 * 12 * 2)


def with_a_short_plane(slices: list[Dataset]) -> None:
    slices[3].PixelData = bytes(16 * 12)


def with_a_signed_slice(slices: list[Dataset]) -> None:
    on_all(PixelRepresentation=0, BitsStored=12, HighBit=11)(slices)
    slices[3].PixelRepresentation = 1


def with_a_long_plane(slices: list[Dataset]) -> None:
    slices[3].PixelData = bytes(16 * 12 * 2 + 2)


def with_a_second_picture(slices: list[Dataset]) -> None:
    for one in slices:
        one.compress(RLELossless, generate_instance_uid=False)
    pictures = [get_frame(one.PixelData, 0, number_of_frames=1) for one in slices[3:5]]
    slices[3].PixelData = encapsulate(pictures)


def with_a_localiser_and_a_hole(slices: list[Dataset]) -> list[Dataset]:
    return [*without_a_slice(slices), localiser()]


def localiser() -> Dataset:
    return phantoms.dataset(
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
        SOPInstanceUID=phantoms.uid(8),
    )


FAULTS: dict[str, tuple[Change, str]] = {
    "a slice is missing": (without_a_slice, "missing-slice"),
    "two slices at one place": (with_another_slice_at_one_place, "duplicate-slice"),
    "a slice is off": (with_one_slice_off_by_a_third, "non-uniform-spacing"),
    "the step changes": (with_a_wider_step_from_the_middle, "non-uniform-spacing"),
    "the step grows": (with_a_step_that_grows, "non-uniform-spacing"),
    "another series number": (on_one(SeriesNumber=2), "mixed-series"),
    "another modality": (on_one(Modality="MR"), "mixed-series"),
    "another kind of object": (on_one(SOPClassUID=SecondaryCaptureImageStorage), "mixed-series"),
    "another study": (on_one(StudyInstanceUID=phantoms.uid(5)), "mixed-studies"),
    "another orientation": (
        on_one(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
        "mixed-orientation",
    ),
    "an orientation turned by half a degree": (
        on_one(ImageOrientationPatient=[0.99996, 0.00873, 0, -0.00873, 0.99996, 0]),
        "mixed-orientation",
    ),
    "a skew orientation": (
        on_all(ImageOrientationPatient=[1, 0, 0, 0.1, 1, 0]),
        "broken-orientation",
    ),
    "an orientation of zeros": (on_one(ImageOrientationPatient=[0] * 6), "broken-orientation"),
    "an orientation is missing": (on_one(ImageOrientationPatient=None), "missing-orientation"),
    "no orientation": (on_all(ImageOrientationPatient=None), "missing-orientation"),
    "another pixel spacing": (on_one(PixelSpacing=[0.7, 0.81]), "mixed-pixel-spacings"),
    "a pixel spacing is missing": (on_one(PixelSpacing=None), "missing-pixel-spacing"),
    "another frame of reference": (
        on_one(FrameOfReferenceUID=phantoms.uid(6)),
        "mixed-frames-of-reference",
    ),
    "a frame of reference is missing": (
        on_one(FrameOfReferenceUID=None),
        "mixed-frames-of-reference",
    ),
    "another position of the patient": (on_one(PatientPosition="FFS"), "mixed-positions"),
    "a position of the patient is missing": (on_one(PatientPosition=None), "mixed-positions"),
    "another patient": (on_one(PatientID="PHANTOM-2"), "two-patients"),
    "another patient of the same number": (on_one(PatientName="Phantom^Two"), "two-patients"),
    "a stated tilt": (on_all(GantryDetectorTilt=12), "gantry-tilt"),
    "a sheared stack": (sheared, "gantry-tilt"),
    "a slice beside the others": (with_one_slice_beside, "shifted-slices"),
    "a rescale is missing": (on_one(RescaleSlope=None, RescaleIntercept=None), "missing-rescale"),
    "an intercept is missing": (on_one(RescaleIntercept=None), "missing-rescale"),
    "a slope of zero": (on_one(RescaleSlope=0), "zero-slope"),
    "another unit": (on_one(RescaleType="US"), "mixed-units"),
    "inverted grey": (on_one(PhotometricInterpretation="MONOCHROME1"), "mixed-pixels"),
    "a signed slice among unsigned": (with_a_signed_slice, "mixed-pixels"),
    "an unsigned slice among signed": (on_one(PixelRepresentation=0), "mixed-pixels"),
    "high bits that are used": (on_all(BitsStored=12, HighBit=15), "high-bit"),
    "another high bit": (on_one(HighBit=11), "high-bit"),
    "slopes of both signs": (on_one(RescaleSlope=-1), "mixed-slopes"),
    "more pixels than declared": (with_a_long_plane, "surplus-pixels"),
    "more compressed pictures than declared": (with_a_second_picture, "surplus-pixels"),
    "a larger plane": (with_a_larger_plane, "mixed-sizes"),
    "pixels are cut off": (with_a_short_plane, "truncated"),
    "a position is missing": (on_one(ImagePositionPatient=None), "missing-position"),
    "no positions": (on_all(ImagePositionPatient=None), "no-positions"),
    "an identifier twice": (on_one(SOPInstanceUID=phantoms.uid(1, 1)), "repeated-identifier"),
    "a localiser beside a stack with a hole": (with_a_localiser_and_a_hole, "localiser"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_refused_and_named(name: str, tmp_path: Path) -> None:
    change, code = FAULTS[name]
    series = listed(changed(change), tmp_path)
    assert not series.is_readable
    assert code in [one.code for one in series.remarks if one.severity is Severity.REFUSED]


@pytest.mark.parametrize("name", FAULTS)
def test_a_remark_says_what_was_expected_and_names_nobody(name: str, tmp_path: Path) -> None:
    for remark in listed(changed(FAULTS[name][0]), tmp_path).remarks:
        assert "expected" in remark.sentence
        assert "; " in remark.sentence
        assert "PHANTOM" not in remark.sentence
        assert str(tmp_path) not in remark.sentence


@pytest.mark.parametrize(
    "orientation",
    [
        phantoms.AXIAL,
        (0, 1, 0, 0, 0, -1),
        (1, 0, 0, 0, 0, -1),
        (0.8, 0.6, 0, 0, 0, -1),
        (0.36, 0.48, -0.8, -0.8, 0.6, 0),
    ],
)
def test_a_stack_may_lie_in_any_direction(orientation: tuple[float, ...], tmp_path: Path) -> None:
    series = listed(phantoms.series(orientation=orientation), tmp_path)
    assert series.remarks == ()


def test_a_missing_slice_is_told_by_its_place_and_neighbours(tmp_path: Path) -> None:
    series = listed(changed(without_a_slice), tmp_path)
    assert series.remarks[0].sentence == (
        "1 slice is missing, at -295.00 mm, between slices 2 and 3, which are 5.00 mm apart; "
        "expected 2.50 mm; copy or export the whole series again."
    )


def test_every_other_slice_missing_in_a_part_is_told(tmp_path: Path) -> None:
    slices = phantoms.series(shape=(9, 16, 12))
    series = listed([*slices[:5], slices[6], slices[8]], tmp_path)
    assert "2 slices are missing" in series.remarks[0].sentence


def test_one_of_three_slices_missing_is_told(tmp_path: Path) -> None:
    slices = phantoms.series(shape=(4, 16, 12))
    series = listed([slices[0], slices[1], slices[3]], tmp_path)
    assert [one.code for one in series.remarks] == ["missing-slice"]


def test_a_tilt_is_told_in_degrees(tmp_path: Path) -> None:
    series = listed(changed(on_all(GantryDetectorTilt=-12)), tmp_path)
    assert series.remarks[0].sentence == (
        "The gantry was tilted by 12.0 degrees, expected slices stacked straight above each "
        "other; resample first, to slices without tilt."
    )


def test_a_single_slice_has_no_spacing_to_be_wrong(tmp_path: Path) -> None:
    series = listed(phantoms.series(shape=(1, 16, 12), GantryDetectorTilt=12), tmp_path)
    assert series.remarks == ()


def test_a_single_ct_slice_without_a_position_is_a_warning(tmp_path: Path) -> None:
    slices = phantoms.series(
        shape=(1, 16, 12), ImagePositionPatient=None, ImageOrientationPatient=None
    )
    series = listed(slices, tmp_path)
    assert [(one.severity, one.code) for one in series.remarks] == [
        (Severity.WARNING, "no-positions")
    ]


def test_a_radiograph_needs_no_position(tmp_path: Path) -> None:
    series = listed([phantoms.radiograph()], tmp_path)
    assert series.remarks == ()
