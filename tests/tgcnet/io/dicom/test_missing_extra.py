"""DICOM without the libraries for it: a sentence that names the extra."""

from pathlib import Path

import numpy as np
import pytest
from tests.tgcnet.io.dicom.phantoms import write_series

from tgcnet.domain import DicomSource, Geometry
from tgcnet.errors import MissingExtraError
from tgcnet.io import load_volume, save_labels
from tgcnet.io.orientation import grid_affine
from tgcnet.io.read import decode_volume
from tgcnet.io.report_file import read_report_file
from tgcnet.io.sandbox import list_studies

ADVICE = r"^{0} needs the libraries for DICOM, which are not installed; run: pip install 'napari-"


@pytest.fixture(autouse=True)
def _no_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tgcnet.io.dicom.find_spec", lambda name: None)


def test_images_name_the_extra(tmp_path: Path) -> None:
    write_series(tmp_path / "series")
    for read in (load_volume, decode_volume, list_studies):
        with pytest.raises(MissingExtraError, match=ADVICE.format("series")):
            read(tmp_path / "series")


def test_a_structured_report_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "sr.dcm").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(MissingExtraError, match=ADVICE.format(r"sr\.dcm")):
        read_report_file(tmp_path / "sr.dcm")


def test_a_segmentation_names_the_extra(tmp_path: Path) -> None:
    (tmp_path / "image.dcm").touch()
    with pytest.raises(MissingExtraError, match=ADVICE.format(r"mask\.dcm")):
        save_labels(
            np.zeros((1, 2, 2), np.uint8),
            Geometry(affine_lps=grid_affine()),
            tmp_path / "mask.dcm",
            source=DicomSource(files=(tmp_path / "image.dcm",), frames=(0,)),
        )
    assert not (tmp_path / "mask.dcm").exists()
