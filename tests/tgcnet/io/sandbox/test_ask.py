"""DICOM is listed and decoded in the child, never here."""

import threading
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from tests.tgcnet.io.dicom.phantoms import dataset, write, write_series

from tgcnet.errors import InputError
from tgcnet.io import load_volume, save_labels
from tgcnet.io.read import decode_volume
from tgcnet.io.sandbox import decode_frame, list_studies


def test_a_series_is_read_in_the_child_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path)
    here = decode_volume(tmp_path)

    def never(*arguments: object) -> None:
        pytest.fail("a foreign file was parsed in this process")

    monkeypatch.setattr("tgcnet.io.dicom.gather.read_headers", never)
    monkeypatch.setattr("tgcnet.io.dicom.pixels.read_stored", never)
    there = load_volume(tmp_path)
    np.testing.assert_array_equal(there.array, here.array)
    np.testing.assert_array_equal(there.geometry.affine_lps, here.geometry.affine_lps)
    assert there.notices == here.notices
    assert there.source == here.source


def test_a_file_that_is_no_image_is_told_as_here(tmp_path: Path) -> None:
    (path,) = write([dataset(Modality="RTSTRUCT")], tmp_path)
    with pytest.raises(InputError, match=r"^slice_0000\.dcm is DICOM, but no image"):
        load_volume(path)


def test_a_slice_does_not_wait_for_a_folder_that_is_listed(tmp_path: Path) -> None:
    (one,) = list_studies(write_series(tmp_path / "one")[0].parent).series
    expected = decode_frame(one.first)
    write_series(tmp_path / "two")
    decoded: list[np.ndarray] = []

    def look(fraction: float) -> None:
        """While the listing has not been answered: its child is not free."""
        if not decoded:
            thread = threading.Thread(target=lambda: decoded.append(decode_frame(one.first)))
            thread.start()
            thread.join(60)

    assert list_studies(tmp_path / "two", look).series
    np.testing.assert_array_equal(decoded, [expected])


def test_a_segmentation_parses_no_foreign_header_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = write_series(tmp_path, PatientWeight="73.25")
    slices[0].write_bytes(slices[0].read_bytes().replace(b"73.25", b"heavy"))
    volume = load_volume(tmp_path)
    out = tmp_path / "mask.dcm"

    def never(*arguments: object) -> None:
        pytest.fail("a foreign file was parsed in this process")

    monkeypatch.setattr("tgcnet.io.dicom.open_header.open_header", never)
    monkeypatch.setattr("tgcnet.io.dicom.seg_headers.open_header", never)
    for _ in range(2):  # the second time over the first one's file
        save_labels(
            np.ones(volume.array.shape, np.uint8), volume.geometry, out, source=volume.source
        )
    found = dcmread(out)
    assert found.NumberOfFrames == len(slices)
    assert found.PatientID == "PHANTOM-1"
