"""DICOM files as layers: by the reader, and saved again."""

from __future__ import annotations

import logging
from pathlib import Path
from unittest.mock import Mock

import napari
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from tests.tgcnet.io.dicom.phantoms import radiograph, write, write_series

from napari_tgcnet import _reader
from napari_tgcnet._reader import NO_LAYER, read
from napari_tgcnet.shared import layers, snapshots
from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Modality, SegmentationClass
from tgcnet.errors import InputError

OBLIQUE = (0.8, 0.6, 0.0, -0.6, 0.8, 0.0)
CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_series(tmp_path / "study", patient_id="PATIENT-0815")
    return tmp_path / "study"


@pytest.fixture
def panel(monkeypatch) -> Mock:
    """A window with the panel in it, of which no test needs more."""
    viewer = Mock()
    viewer.window.add_plugin_dock_widget.return_value = (Mock(), Mock())
    monkeypatch.setattr(napari, "current_viewer", lambda: viewer)
    return viewer.window.add_plugin_dock_widget.return_value[1]


def test_the_only_series_of_a_folder_is_a_lazy_layer_in_millimetres(folder: Path, qapp) -> None:
    (found,) = read(str(folder))
    image = Layer.create(*found)
    assert not isinstance(image.data, np.ndarray)
    assert image.data.shape == (5, 16, 12)
    assert tuple(image.scale) == pytest.approx((2.5, 0.7, 0.8))
    assert [str(unit) for unit in image.units] == ["millimeter"] * 3
    assert image.axis_labels == ("z", "y", "x")
    assert image.name == "CT Chest"
    assert tuple(image.contrast_limits) == (-1350, 150), "the file's first window"
    assert np.asarray(image.data[2]).min() >= -1024


def test_a_radiograph_is_a_plane_in_memory(tmp_path: Path, qapp) -> None:
    (path,) = write([radiograph()], tmp_path)
    (found,) = read(str(path))
    image = Layer.create(*found)
    assert (image.ndim, type(image.data)) == (2, np.ndarray)


def test_what_a_segmentation_refers_to_comes_back_from_the_layer(folder: Path, qapp) -> None:
    image = Layer.create(*read(str(folder))[0])
    volume = layers.build_volume(layers.snapshot_source(image))
    assert volume.array.shape == (5, 16, 12)
    assert volume.patient_id == "PATIENT-0815"
    assert (volume.accession_number, volume.modality) == ("A-1", Modality.CT)
    assert volume.source is not None
    assert len(volume.source.files) == 5
    assert volume.study_id
    assert volume.windows[1].name == "MEDIASTINUM"
    viewer = ViewerModel()
    viewer.add_layer(image)
    layers.list_images(viewer.layers)
    mask = layers.build_mask_layer(image, CLASSES, name="mask", role="mask_of")
    header = layers.header_of(mask)
    assert header is not None
    assert header.source == volume.source


def test_a_part_of_a_stack_has_not_the_frames_of_the_whole(folder: Path, qapp) -> None:
    source = layers.snapshot_source(Layer.create(*read(str(folder))[0]))
    part, first = layers.narrow(source, range(2, 4))
    volume = layers.build_volume(part)
    assert (first, volume.array.shape, volume.source) == (2, (2, 16, 12), None)


def test_an_oblique_series_keeps_its_affine_and_its_mask_is_on_the_files_grid(
    tmp_path: Path, qapp
) -> None:
    write_series(tmp_path, orientation=OBLIQUE)
    image = Layer.create(*read(str(tmp_path))[0])
    viewer = ViewerModel()
    viewer.add_layer(image)
    layers.list_images(viewer.layers)
    header = layers.header_of(image)
    assert header is not None
    geometry = header.geometry
    column_step = geometry.affine_lps[:3, 2] / 0.8
    np.testing.assert_allclose(np.abs(column_step), (0.8, 0.6, 0.0), atol=1e-6)
    mask = layers.build_mask_layer(image, CLASSES, name="mask", role="mask_of")
    viewer.add_layer(mask)
    taken = snapshots.snapshot_mask(viewer.layers, mask)
    assert taken.geometry is geometry


def test_a_ledger_keeps_neither_files_nor_identifiers(folder: Path, tmp_path: Path, qapp) -> None:
    volume = layers.build_volume(layers.snapshot_source(Layer.create(*read(str(folder))[0])))
    ledger = Ledger.create(tmp_path / "ledger")
    saved = ledger.save(
        Correction(
            volume=volume,
            labels=np.zeros(volume.array.shape, dtype=np.uint8),
            classes=CLASSES,
            reviewed_slices=(0,),
        )
    )
    case = ledger.load(saved.case_id).volume
    assert (case.source, case.study_id, case.accession_number, case.patient_id) == (None,) * 4
    kept = b"".join(one.read_bytes() for one in ledger.folder.rglob("*") if one.is_file())
    assert volume.study_id is not None
    for secret in ("PATIENT-0815", "A-1", volume.study_id, "slice_0000.dcm", str(folder)):
        assert secret.encode() not in kept


def test_several_series_without_a_window_are_a_sentence(folder: Path) -> None:
    write_series(folder / "second", series=2)
    with pytest.raises(InputError, match="holds 2 series that can be opened, expected exactly one"):
        read(str(folder))


def test_several_series_are_shown_in_the_panel(folder: Path, panel) -> None:
    write_series(folder / "second", series=2)
    assert read(str(folder)) == NO_LAYER
    source, listing = panel.controller.show_listing.call_args.args
    assert (source, len(listing.series)) == ("study", 2)


def test_a_large_folder_is_listed_by_the_panel_and_not_by_the_window(
    folder: Path, panel, monkeypatch
) -> None:
    monkeypatch.setattr(_reader, "is_large", lambda path: True)
    assert read(str(folder)) == NO_LAYER
    panel.controller.list_path.assert_called_once_with(str(folder), opens_single=True)


def test_a_refused_series_is_its_sentence(folder: Path) -> None:
    (folder / "slice_0002.dcm").unlink()
    with pytest.raises(InputError, match="study cannot be opened: "):
        read(str(folder))


def test_nothing_of_the_patient_reaches_the_log(folder: Path, caplog, qapp) -> None:
    with caplog.at_level(logging.DEBUG):
        read(str(folder))
    assert "PATIENT-0815" not in caplog.text
