"""Masks out of the viewer: the writer and the panel's saving are one path."""

import json
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
from napari.layers import Labels
from PIL import Image
from tests.tgcnet.io.dicom.phantoms import write_series

from napari_tgcnet._writer import write_labels
from napari_tgcnet.segment.files import DiskFiles
from napari_tgcnet.shared.case import ModelMask
from napari_tgcnet.shared.layers import KEY
from napari_tgcnet.shared.snapshots import snapshot_mask
from tgcnet.domain import DicomSource, Geometry, Modality, SegmentationClass, VolumeHeader
from tgcnet.errors import OutputError
from tgcnet.io.orientation import grid_affine

MODEL = {"model": "mini", "sha256": "ab" * 32}


@pytest.fixture
def mask(tmp_path: Path) -> Labels:
    """A model's mask of a DICOM series, as it is in the viewer."""
    labels = np.zeros((5, 16, 12), np.uint8)
    labels[2, 3:6, 4:8] = 1
    own: dict[str, Any] = {
        "mask_of": "an image that is gone",
        "classes": (SegmentationClass(name="mass", colour=(1, 2, 3)),),
        "header": VolumeHeader(
            geometry=Geometry(affine_lps=grid_affine((2.5, 0.7, 0.8)), unit="mm"),
            modality=Modality.CT,
            source=DicomSource(files=tuple(write_series(tmp_path / "series")), frames=(0,) * 5),
        ),
        "provenance": MODEL,
        "model_mask": ModelMask(labels=labels.copy(), slices=(2,), provenance=MODEL, since_s=None),
    }
    return Labels(labels, name="Mask", metadata={KEY: own})


def kind(path: Path) -> str:
    return str(highdicom.seg.segread(path).SegmentSequence[0].SegmentAlgorithmType)


def test_writer_and_panel_write_the_same_segmentation(mask: Labels, tmp_path: Path) -> None:
    data, attributes, _ = mask.as_layer_data_tuple()
    assert write_labels(str(tmp_path / "a.dcm"), data, attributes) == [str(tmp_path / "a.dcm")]
    DiskFiles().save_mask(snapshot_mask([mask], mask), tmp_path / "b.dcm")
    one, other = (highdicom.seg.segread(tmp_path / name) for name in ("a.dcm", "b.dcm"))
    assert one.DerivationDescription == other.DerivationDescription
    assert one.SegmentSequence == other.SegmentSequence
    np.testing.assert_array_equal(one.pixel_array, other.pixel_array)
    assert kind(tmp_path / "a.dcm") == "AUTOMATIC"
    assert str(one.PatientName) == "Phantom^One"


def test_a_stroke_makes_it_semiautomatic(mask: Labels, tmp_path: Path) -> None:
    mask.data[0, 0, 0] = 1
    DiskFiles().save_mask(snapshot_mask([mask], mask), tmp_path / "m.dcm")
    assert kind(tmp_path / "m.dcm") == "SEMIAUTOMATIC"


def test_a_stroke_is_told_in_the_other_formats_too(mask: Labels, tmp_path: Path) -> None:
    plane = Labels(np.ones((4, 3), np.uint8))
    write_labels(str(tmp_path / "m.png"), *plane.as_layer_data_tuple()[:2])
    with Image.open(tmp_path / "m.png") as image:
        assert json.loads(image.info["Comment"])["edited"] == "yes"


def test_a_deidentified_mask_names_nobody(mask: Labels, tmp_path: Path) -> None:
    DiskFiles().save_mask(snapshot_mask([mask], mask), tmp_path / "m.dcm", deidentify=True)
    assert b"Phantom" not in (tmp_path / "m.dcm").read_bytes()


def test_a_mask_of_another_format_has_no_segmentation(tmp_path: Path) -> None:
    plain = Labels(np.zeros((5, 4, 3), np.uint8))
    with pytest.raises(OutputError, match=r"m\.dcm: a DICOM segmentation belongs to DICOM images"):
        write_labels(str(tmp_path / "m.dcm"), *plain.as_layer_data_tuple()[:2])
    assert list(tmp_path.iterdir()) == []
