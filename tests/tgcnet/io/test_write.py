"""Masks to files; NIfTI's grid is tested beside its reader."""

import errno
import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from tgcnet.domain import DicomSource, Geometry
from tgcnet.errors import MissingExtraError, OutputError
from tgcnet.io import RESEARCH_NOTICE, load_volume, save_labels
from tgcnet.io.orientation import grid_affine


@pytest.fixture
def geometry() -> Geometry:
    return Geometry(affine_lps=grid_affine((2.5, 0.8, 0.7)), unit="mm")


@pytest.fixture
def labels() -> np.ndarray:
    return (np.arange(4 * 5 * 7) % 3).astype(np.uint8).reshape(4, 5, 7)


@pytest.mark.parametrize("name", ["mask.tif", "mask.TIFF", "mask.nii", "mask.nii.gz"])
def test_a_stack_reads_back_as_it_was(
    tmp_path: Path, labels: np.ndarray, geometry: Geometry, name: str
) -> None:
    save_labels(labels, geometry, tmp_path / name)
    volume = load_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, labels)
    assert volume.array.dtype == np.uint8
    np.testing.assert_allclose(volume.geometry.affine_lps, geometry.affine_lps, rtol=1e-6)
    assert volume.geometry.unit == "mm"


@pytest.mark.parametrize("name", ["mask.tif", "mask.nii", "mask.nii.gz"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 1, 4), (1, 4, 1), (3, 3, 1), (5, 1, 4), (3, 5, 1), (4, 1, 1)]
)
def test_sides_of_one_voxel_read_back_or_are_refused(
    tmp_path: Path, geometry: Geometry, shape: tuple[int, int, int], name: str
) -> None:
    labels = (np.arange(np.prod(shape)) % 3).astype(np.uint8).reshape(shape)
    if shape[0] > 1 and name != "mask.tif":
        with pytest.raises(OutputError, match=r"one coronal or sagittal picture .* choose \.tif"):
            save_labels(labels, geometry, tmp_path / name)
        assert list(tmp_path.iterdir()) == []
        return
    save_labels(labels, geometry, tmp_path / name)
    volume = load_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, labels, strict=True)
    np.testing.assert_allclose(volume.geometry.affine_lps, geometry.affine_lps, rtol=1e-6)


def test_a_tiff_says_what_made_it(tmp_path: Path, labels: np.ndarray, geometry: Geometry) -> None:
    save_labels(labels, geometry, tmp_path / "mask.tif", provenance={"model": "mini - ü"})
    with tifffile.TiffFile(tmp_path / "mask.tif") as tiff:
        description = tiff.pages.first.description
        assert tiff.imagej_metadata is not None
        assert tiff.imagej_metadata["unit"] == "mm"
    comment = description.split("provenance=")[1].splitlines()[0]
    assert json.loads(comment) == {"model": "mini - ü", "edited": "no", "notice": RESEARCH_NOTICE}


def test_a_tiff_without_spacing_claims_none(tmp_path: Path, labels: np.ndarray) -> None:
    save_labels(labels, Geometry(affine_lps=grid_affine()), tmp_path / "mask.tif")
    assert load_volume(tmp_path / "mask.tif").geometry.unit == "pixel"


def test_a_png_holds_label_values_and_provenance(
    tmp_path: Path, labels: np.ndarray, geometry: Geometry
) -> None:
    made_by = {"model": "mini"}
    save_labels(labels[:1], geometry, tmp_path / "mask.png", provenance=made_by, is_edited=True)
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), labels[0])
        comment = json.loads(image.info["Comment"])
    assert comment == {"model": "mini", "edited": "yes", "notice": RESEARCH_NOTICE}


def test_a_png_of_a_nifti_is_upright(tmp_path: Path) -> None:
    data = np.arange(35, dtype=np.uint8).reshape(5, 7, 1)
    nib.Nifti1Image(data, np.diag([1, -1, 1, 1])).to_filename(tmp_path / "a.nii")
    volume = load_volume(tmp_path / "a.nii")
    save_labels(volume.array, volume.geometry, tmp_path / "mask.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.png")), volume.array[0])


def test_a_png_holds_one_slice(tmp_path: Path, labels: np.ndarray, geometry: Geometry) -> None:
    with pytest.raises(OutputError, match=r"A PNG holds one slice, got 4; choose \.nii\.gz"):
        save_labels(labels, geometry, tmp_path / "mask.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mask.dcm", r"mask\.dcm: a DICOM segmentation belongs to DICOM images and this image is"),
        ("mask.jpg", r"has no ending a mask can be written as, expected \.nii"),
        ("mask", r"has no ending a mask can be written as, expected \.nii"),
    ],
)
def test_other_endings_are_refused(
    tmp_path: Path, labels: np.ndarray, geometry: Geometry, name: str, message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        save_labels(labels, geometry, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_source_is_never_replaced(
    tmp_path: Path, labels: np.ndarray, geometry: Geometry
) -> None:
    slices = tuple(tmp_path / f"{index}.dcm" for index in range(4))
    for file in slices:
        file.write_bytes(b"a slice")
    (tmp_path / "link.tif").symlink_to(slices[2])
    source = DicomSource(files=slices, frames=(0,) * 4)
    for name in ("2.dcm", "link.tif"):
        with pytest.raises(OutputError, match=f"{name} is a file of the image itself"):
            save_labels(labels, geometry, tmp_path / name, source=source)
    assert slices[2].read_bytes() == b"a slice"
    save_labels(labels, geometry, tmp_path / "mask.tif", source=source)


def test_a_missing_extra_names_its_command(
    tmp_path: Path, labels: np.ndarray, geometry: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    monkeypatch.delitem(sys.modules, "tgcnet.io.dicom.seg", raising=False)
    source = DicomSource(files=(tmp_path / "a.dcm",) * 4, frames=(0,) * 4)
    with pytest.raises(MissingExtraError, match=r"pip install 'napari-tgcnet\[dicom\]'"):
        save_labels(labels, geometry, tmp_path / "mask.dcm", source=source)


def test_other_arrays_are_refused(tmp_path: Path, labels: np.ndarray, geometry: Geometry) -> None:
    for wrong in (labels[0], labels.astype(np.int64)):
        with pytest.raises(OutputError, match=r"written from \(Z, Y, X\) uint8 labels, got"):
            save_labels(wrong, geometry, tmp_path / "mask.nii")


def test_a_mask_of_another_image_is_refused(tmp_path: Path, labels: np.ndarray) -> None:
    nib.Nifti1Image(np.zeros((7, 5, 3), np.int16), np.eye(4)).to_filename(tmp_path / "a.nii")
    geometry = load_volume(tmp_path / "a.nii").geometry
    with pytest.raises(OutputError, match=r"the mask has 7 x 5 x 4 voxels.* image 7 x 5 x 3"):
        save_labels(labels, geometry, tmp_path / "mask.nii")


@pytest.mark.parametrize("name", ["mask.tif", "mask.nii.gz", "mask.png"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, labels: np.ndarray, geometry: Geometry, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / name).write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=f"{name} was not written, the disk is full"):
        save_labels(labels[:1], geometry, tmp_path / name)
    assert (tmp_path / name).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]
