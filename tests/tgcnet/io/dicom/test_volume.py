"""A series to a volume, lazy and whole: the same numbers, their meaning, and scanners' files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from scipy.ndimage import binary_erosion
from tests.tgcnet.io.dicom.phantoms import dataset, radiograph, series, write, write_series

from tgcnet.domain import Modality, NamedWindow, Volume
from tgcnet.errors import InputError
from tgcnet.io.dicom.arrange import arrange
from tgcnet.io.dicom.pixels import decode_frame
from tgcnet.io.dicom.read_header import read_headers
from tgcnet.io.dicom.series import FrameHeader, Remark, Series, Severity
from tgcnet.io.dicom.volume import load_dicom, memory_bytes, open_series, read_series
from tgcnet.io.orientation import to_source
from tgcnet.io.read import decode_volume

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def series_of(paths: Sequence[Path]) -> Series:
    (one,) = arrange(frame for path in paths for frame in read_headers(path))
    return one


def volume_of(one: Dataset, folder: Path) -> Volume:
    return read_series(series_of(write([one], folder)))


def test_a_stack_is_read_in_order_with_its_meaning(tmp_path: Path) -> None:
    values = np.arange(5 * 16 * 12, dtype=np.int16).reshape(5, 16, 12)
    paths = write_series(tmp_path, values=values)
    volume = read_series(series_of(paths[::-1]))
    np.testing.assert_array_equal(volume.array, values - 1024)
    assert volume.array.dtype == np.int16
    assert volume.modality is Modality.CT
    assert volume.intensity_unit == "HU"
    np.testing.assert_allclose(volume.geometry.spacing_zyx, (2.5, 0.7, 0.8))
    np.testing.assert_allclose(volume.geometry.affine_lps[:3, 3], (-100, -80, -300))
    assert volume.patient_id == "PHANTOM-1"
    assert volume.accession_number == "A-1"
    assert volume.study_id is not None
    assert volume.series_id is not None
    assert volume.windows[0] == NamedWindow(name="LUNG", low=-1350.0, high=150.0)
    assert volume.notices == ()


def test_the_source_leads_back_to_each_file(tmp_path: Path) -> None:
    paths = write_series(tmp_path)
    volume = read_series(series_of(paths))
    assert volume.source is not None
    for k, (file, frame) in enumerate(zip(volume.source.files, volume.source.frames, strict=True)):
        stored = to_source(volume.array, volume.geometry)[k]
        np.testing.assert_array_equal(decode_frame(read_headers(file)[frame]), stored)


@pytest.mark.parametrize("orientation", [(1.0, 0, 0, 0, 1, 0), CORONAL, (0.0, 1, 0, 0, 0, -1)])
def test_lazy_and_whole_are_the_same(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    listed = series_of(write_series(tmp_path, orientation=tuple(map(float, orientation))))
    lazy, whole = open_series(listed), read_series(listed)
    assert lazy.array.shape == whole.array.shape
    assert lazy.array.dtype == whole.array.dtype
    np.testing.assert_array_equal(np.asarray(lazy.array), whole.array)
    np.testing.assert_array_equal(lazy.geometry.affine_lps, whole.geometry.affine_lps)
    assert lazy.windows == whole.windows


def test_a_coronal_stack_is_turned_to_axial_slices(tmp_path: Path) -> None:
    listed = series_of(write_series(tmp_path, orientation=CORONAL))
    assert read_series(listed).array.shape == (16, 5, 12)


def test_opening_decodes_only_the_slice_that_is_looked_at(tmp_path: Path) -> None:
    asked: list[FrameHeader] = []

    def read_frame(header: FrameHeader) -> np.ndarray:
        asked.append(header)
        return decode_frame(header)

    listed = series_of(write_series(tmp_path))
    volume = open_series(listed, read_frame=read_frame)
    assert asked == []
    for _ in range(2):
        np.asarray(volume.array[2])
    assert asked == [listed.frames[2]]


def test_slices_of_unlike_rescale_share_one_type(tmp_path: Path) -> None:
    slices = series()
    slices[1].RescaleSlope = 0.5
    listed = series_of(write(slices, tmp_path))
    volume = read_series(Series(frames=listed.frames))
    assert volume.array.dtype == np.float32
    assert volume.array[1, 0, 1] - volume.array[1, 0, 0] == 0.5
    assert volume.array[0, 0, 1] - volume.array[0, 0, 0] == 1.0


def test_memory_is_known_before_a_pixel_is_read(tmp_path: Path) -> None:
    listed = series_of(write_series(tmp_path))
    for path in tmp_path.iterdir():
        path.unlink()
    stack = 5 * 16 * 12 * 2
    assert stack <= memory_bytes(listed) <= stack + 16 * 16 * 12


class Memory(NamedTuple):
    available: int


def test_a_series_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = series_of(write_series(tmp_path))
    large = tuple(replace(frame, rows=8192, columns=8192) for frame in listed.frames)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(available=100 * 2**20))
    with pytest.raises(InputError, match=r"needs 1,664 MiB of memory and 100 MiB are free"):
        open_series(Series(frames=large))


def test_a_refused_series_says_why(tmp_path: Path) -> None:
    listed = series_of(write_series(tmp_path))
    remarks = (
        Remark(severity=Severity.REFUSED, code="x", sentence="A slice is missing, expected all."),
        Remark(severity=Severity.WARNING, code="y", sentence="Spacing jitters."),
    )
    for read in (open_series, read_series):
        with pytest.raises(InputError, match=r"^A slice is missing, expected all\.$"):
            read(replace(listed, remarks=remarks))


def test_remarks_travel_as_notices(tmp_path: Path) -> None:
    listed = series_of(write_series(tmp_path))
    told = Remark(severity=Severity.WARNING, code="y", sentence="Spacing jitters.")
    assert read_series(replace(listed, remarks=(told,))).notices == ("Spacing jitters.",)


def test_mixed_sizes_make_no_stack(tmp_path: Path) -> None:
    frames = series_of(write_series(tmp_path)).frames
    mixed = Series(frames=(*frames[:-1], replace(frames[-1], rows=8)))
    with pytest.raises(InputError, match=r"mixes 2 sizes of slices, expected one"):
        open_series(mixed)


def test_a_slice_of_another_size_than_listed_is_told(tmp_path: Path) -> None:
    listed = series_of(write_series(tmp_path))
    with pytest.raises(InputError, match=r"was decoded to \(2, 2\) pixels, expected \(16, 12\)"):
        read_series(listed, read_frame=lambda header: np.zeros((2, 2), np.int16))


def test_padding_is_told(tmp_path: Path) -> None:
    volume = volume_of(dataset(PixelPaddingValue=-2000), tmp_path)
    assert "Pixels that the file marks as no image are read as -1024 HU." in volume.notices


def test_a_radiograph_is_an_xray_and_its_inversion_is_told(tmp_path: Path) -> None:
    volume = volume_of(radiograph(PhotometricInterpretation="MONOCHROME1"), tmp_path)
    assert volume.modality is Modality.XRAY
    assert volume.intensity_unit == "stored"
    assert volume.array.shape == (1, 20, 14)
    assert not volume.is_display_ready
    assert sum("MONOCHROME1" in notice for notice in volume.notices) == 1


@pytest.mark.parametrize("tags", [{"RescaleType": "US"}, {"Modality": "MR"}])
def test_values_without_hounsfield_units_are_no_ct(tmp_path: Path, tags: dict[str, Any]) -> None:
    volume = volume_of(dataset(**tags), tmp_path)
    assert volume.modality is Modality.UNKNOWN
    assert volume.intensity_unit == "stored"


def test_a_ct_of_another_unit_is_told(tmp_path: Path) -> None:
    volume = volume_of(dataset(RescaleType="US"), tmp_path)
    assert any("not said to be Hounsfield units (unit: US)" in one for one in volume.notices)


def test_a_folder_of_one_series_is_loaded(tmp_path: Path) -> None:
    write_series(tmp_path)
    assert load_dicom(tmp_path).array.shape == (5, 16, 12)


def test_a_folder_of_two_series_lists_them_without_naming_anybody(tmp_path: Path) -> None:
    write_series(tmp_path / "a", series=1)
    write_series(tmp_path / "b", series=2)
    with pytest.raises(InputError) as caught:
        load_dicom(tmp_path)
    assert "series 1 (CT, 5 images); series 2 (CT, 5 images)" in str(caught.value)
    assert "PHANTOM" not in str(caught.value)


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"holds no DICOM image, expected one series; .*notes.txt"):
        load_dicom(tmp_path)


@pytest.mark.parametrize("patient", ["pat_1", "pat_2", "pat_3"])
def test_a_real_ct_equals_its_nifti(data_folder: Path, patient: str) -> None:
    folder = data_folder / "ct_lung_gtv_dicom"
    volume = read_series(series_of(sorted((folder / patient).glob("DCM_IMG*.dcm"))))
    expected = decode_volume(folder / f"{patient}_ct.nii.gz")
    np.testing.assert_array_equal(volume.array, expected.array)
    np.testing.assert_allclose(
        volume.geometry.affine_lps, expected.geometry.affine_lps, rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("patient", ["pat_1", "pat_2", "pat_3"])
def test_the_drawn_outline_lies_on_the_border_of_the_tumour(
    data_folder: Path, patient: str
) -> None:
    folder = data_folder / "ct_lung_gtv_dicom"
    volume = open_series(series_of(sorted((folder / patient).glob("DCM_IMG*.dcm"))))
    mask = decode_volume(folder / f"{patient}_gtv.nii.gz").array > 0
    (outlines,) = (folder / patient).glob("DCM_RS*.dcm")
    contours = dcmread(outlines).ROIContourSequence[0].ContourSequence
    points = np.concatenate([np.reshape(c.ContourData, (-1, 3)) for c in contours]).astype(float)
    to_index = np.linalg.inv(volume.geometry.affine_lps)
    z, y, x = to_index[:3, :3] @ points.T + to_index[:3, 3:]
    planes = np.rint(z).astype(int)
    assert np.abs(z - planes).max() < 0.01
    assert set(planes) == set(np.flatnonzero(mask.any(axis=(1, 2))))
    distances = []
    for plane in sorted(set(planes)):
        border = np.argwhere(mask[plane] & ~binary_erosion(mask[plane]))
        points_yx = np.stack([y, x], axis=1)[planes == plane]
        # A voxel reaches half a step to either side of its centre.
        apart = np.abs(points_yx[:, None] - border[None]) - 0.5
        distances.append(np.linalg.norm(np.maximum(apart, 0.0), axis=2).min(axis=1))
    distance = np.concatenate(distances)
    # A sliver of the outline that is thinner than a voxel holds no voxel's centre.
    assert np.mean(distance <= 1.0) > 0.99
    assert distance.max() < 1.2


def test_a_real_jpeg_2000_ct_lies_where_its_labels_do(data_folder: Path) -> None:
    folder = data_folder / "ct_dicom_jpeg2000"
    volume = read_series(series_of(sorted((folder / "dicom").iterdir())))
    labels = decode_volume(folder / "example_seg_dicom.nii.gz")
    assert volume.array.shape == labels.array.shape
    np.testing.assert_allclose(
        volume.geometry.affine_lps, labels.geometry.affine_lps, rtol=0, atol=1e-4
    )
    # Organs are neither air nor bone: the labels lie on soft tissue.
    inside = volume.array[labels.array > 0]
    assert -100 < np.median(inside) < 300
    assert volume.windows[1].low == -450.0
