"""Frames to series: order, copies, overview images, several scans of the same places."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tgcnet.io.dicom import phantoms

from tgcnet.errors import InputError
from tgcnet.io.dicom.arrange import arrange
from tgcnet.io.dicom.read_header import read_headers
from tgcnet.io.dicom.series import Series, Severity


def arranged(paths: list[Path]) -> tuple[Series, ...]:
    return arrange(frame for path in paths for frame in read_headers(path))


def codes(series: Series) -> list[tuple[Severity, str]]:
    return [(one.severity, one.code) for one in series.remarks]


def test_slices_are_stacked_along_their_normal_whatever_their_names(tmp_path: Path) -> None:
    paths = phantoms.write(phantoms.series()[::-1], tmp_path)
    (series,) = arranged(paths)
    assert [Path(one.file) for one in series.frames] == paths[::-1]


def test_the_order_does_not_depend_on_the_order_of_the_files(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path)
    assert arranged(paths) == arranged(paths[::-1])


def test_two_series_are_listed_by_their_number(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path / "b", series=2) + phantoms.write_series(tmp_path / "a")
    assert [one.first.series_number for one in arranged(paths)] == [1, 2]


def test_identical_copies_merge_with_a_notice(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path / "a") + phantoms.write_series(tmp_path / "b")[:2]
    (series,) = arranged(paths)
    assert codes(series) == [(Severity.NOTICE, "merged-duplicates")]
    assert [Path(one.file).parent.name for one in series.frames] == ["a"] * 5
    assert series.remarks[0].sentence == (
        "2 slices were there twice, with the same pixels at the same place; one of each is used."
    )


def test_copies_under_another_identifier_merge(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path / "a")
    other = phantoms.series()[:1]
    other[0].SOPInstanceUID = phantoms.uid(9)
    (series,) = arranged(paths + phantoms.write(other, tmp_path / "b"))
    assert codes(series) == [(Severity.NOTICE, "merged-duplicates")]


def test_a_copy_with_other_pixels_is_refused(tmp_path: Path) -> None:
    values = np.arange(5 * 16 * 12).reshape(5, 16, 12) + 1
    paths = phantoms.write_series(tmp_path / "a")
    paths += phantoms.write_series(tmp_path / "b", values=values)
    (series,) = arranged(paths)
    assert not series.is_readable


def test_a_copy_of_a_multi_frame_file_merges(tmp_path: Path) -> None:
    paths = phantoms.write([phantoms.enhanced_ct()], tmp_path / "a")
    paths += phantoms.write([phantoms.enhanced_ct()], tmp_path / "b")
    (series,) = arranged(paths)
    assert codes(series) == [(Severity.NOTICE, "merged-duplicates")]
    assert len(series.frames) == 4


def test_an_enhanced_ct_is_one_series_in_the_order_of_its_places(tmp_path: Path) -> None:
    made = phantoms.enhanced_ct()
    made.PerFrameFunctionalGroupsSequence = list(made.PerFrameFunctionalGroupsSequence)[::-1]
    (series,) = arranged(phantoms.write([made], tmp_path))
    assert [one.frame for one in series.frames] == [3, 2, 1, 0]
    assert series.remarks == ()


def test_a_localiser_beside_a_whole_stack_is_left_out_with_a_notice(tmp_path: Path) -> None:
    scout = phantoms.dataset(
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
        SOPInstanceUID=phantoms.uid(8),
        Rows=30,
    )
    paths = phantoms.write_series(tmp_path / "a") + phantoms.write([scout], tmp_path / "b")
    (series,) = arranged(paths)
    assert codes(series) == [(Severity.NOTICE, "localiser")]
    assert len(series.frames) == 5
    assert series.remarks[0].sentence == (
        "1 overview image (localiser) lay among the slices and was left out."
    )


def test_the_number_of_a_localiser_is_not_missing(tmp_path: Path) -> None:
    slices = phantoms.series()
    for one in slices:
        one.InstanceNumber += 1
    scout = phantoms.dataset(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], InstanceNumber=1)
    scout.SOPInstanceUID = phantoms.uid(8)
    (series,) = arranged(phantoms.write([*slices, scout], tmp_path))
    assert codes(series) == [(Severity.NOTICE, "localiser")]


@pytest.mark.parametrize("is_interleaved", [True, False])
def test_the_numbers_of_another_scan_are_not_missing(is_interleaved: bool, tmp_path: Path) -> None:
    scans = [
        phantoms.series(AcquisitionNumber=number, values=np.full((5, 16, 12), number))
        for number in (1, 2)
    ]
    for number, scan in enumerate(scans):
        for index, one in enumerate(scan):
            one.SOPInstanceUID = phantoms.uid(7, number, index)
            one.InstanceNumber = 1 + (2 * index + number if is_interleaved else index + 5 * number)
    found = arranged(phantoms.write([*scans[0], *scans[1]], tmp_path))
    assert [codes(one) for one in found] == [[(Severity.WARNING, "several-acquisitions")]] * 2


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"InConcatenationNumber": 1, "InConcatenationTotalNumber": 3}, Severity.REFUSED),
        ({"InConcatenationNumber": 2}, Severity.REFUSED),
        ({"InConcatenationNumber": 1}, Severity.WARNING),
        ({"ConcatenationUID": phantoms.uid(5)}, Severity.WARNING),
        ({"InConcatenationNumber": 1, "InConcatenationTotalNumber": 1}, None),
    ],
)
def test_a_part_of_a_concatenation_is_no_whole_image(
    tags: dict[str, Any], expected: Severity | None, tmp_path: Path
) -> None:
    (series,) = arranged(phantoms.write([phantoms.enhanced_ct(**tags)], tmp_path))
    assert [one.severity for one in series.remarks] == ([] if expected is None else [expected])
    assert all("concatenation" in one.sentence for one in series.remarks)


def test_parts_of_a_concatenation_are_refused_beside_each_other(tmp_path: Path) -> None:
    parts = [
        phantoms.enhanced_ct(
            SOPInstanceUID=phantoms.uid(8, number),
            InConcatenationNumber=number,
            InConcatenationTotalNumber=2,
            origin=(-100.0, -80.0, 10.0 * number),
        )
        for number in (1, 2)
    ]
    found = arranged(phantoms.write(parts, tmp_path))
    assert [codes(one) for one in found] == [[(Severity.REFUSED, "part-of-concatenation")]] * 2


def test_a_localiser_alone_is_a_series(tmp_path: Path) -> None:
    scout = phantoms.dataset(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (series,) = arranged(phantoms.write([scout], tmp_path))
    assert series.remarks == ()


def test_scans_of_the_same_places_are_split_by_acquisition(tmp_path: Path) -> None:
    second = phantoms.series(AcquisitionNumber=2, values=np.full((5, 16, 12), 9))
    for index, one in enumerate(second):
        one.SOPInstanceUID = phantoms.uid(7, index)
    paths = phantoms.write_series(tmp_path / "a") + phantoms.write(second, tmp_path / "b")
    first, other = arranged(paths)
    assert (first.first.acquisition_number, other.first.acquisition_number) == (1, 2)
    assert codes(first) == codes(other) == [(Severity.WARNING, "several-acquisitions")]


def test_scans_of_two_patients_are_not_split(tmp_path: Path) -> None:
    second = phantoms.series(
        AcquisitionNumber=2, values=np.full((5, 16, 12), 9), patient_id="PHANTOM-2"
    )
    for index, one in enumerate(second):
        one.SOPInstanceUID = phantoms.uid(7, index)
    paths = phantoms.write_series(tmp_path / "a") + phantoms.write(second, tmp_path / "b")
    (series,) = arranged(paths)
    assert (Severity.REFUSED, "two-patients") in codes(series)


def test_radiographs_of_one_series_are_listed_one_by_one(tmp_path: Path) -> None:
    films = [
        phantoms.radiograph(SOPInstanceUID=phantoms.uid(1, number), InstanceNumber=number)
        for number in (2, 1)
    ]
    found = arranged(phantoms.write(films, tmp_path))
    assert [one.first.instance_number for one in found] == [1, 2]


def test_slices_of_a_capture_without_places_come_by_number(tmp_path: Path) -> None:
    slices = phantoms.series(Modality="OT", ImagePositionPatient=None)[::-1]
    (series,) = arranged(phantoms.write(slices, tmp_path))
    assert [one.instance_number for one in series.frames] == [1, 2, 3, 4, 5]
    assert (Severity.WARNING, "no-positions") in codes(series)


def test_files_without_a_series_identifier_are_taken_together_and_told(tmp_path: Path) -> None:
    slices = phantoms.series(SeriesInstanceUID=None)
    (series,) = arranged(phantoms.write(slices, tmp_path))
    assert codes(series) == [(Severity.WARNING, "no-series-uid")]


def test_a_copy_that_vanished_is_told(tmp_path: Path) -> None:
    paths = phantoms.write_series(tmp_path / "a") + phantoms.write_series(tmp_path / "b")
    frames = [frame for path in paths for frame in read_headers(path)]
    paths[-1].unlink()
    with pytest.raises(InputError, match="cannot be read to its end"):
        arrange(frames)
