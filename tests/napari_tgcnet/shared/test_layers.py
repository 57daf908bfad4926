"""Layers to volumes and back: ours, and those that others opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_tgcnet._reader import get_reader, read
from napari_tgcnet._sample_data import phantom, radiograph
from napari_tgcnet._writer import write_labels
from napari_tgcnet.segment import messages
from napari_tgcnet.segment.sides import letters_at_edges
from napari_tgcnet.segment.viewer_layers import ViewerLayers
from napari_tgcnet.shared import layers
from tgcnet.domain import Modality, SegmentationClass, SideKnowledge
from tgcnet.errors import InputError, OutputError
from tgcnet.io import load_volume

CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)
# Index (z, y, x) to LPS, axial: x runs to the patient's left, y to the back, z to the head.
AXIAL = np.array([[0, 0, 0.7, 0], [0, 0.7, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 1.0]])


@pytest.fixture
def viewer(qapp) -> ViewerModel:
    return ViewerModel()


def test_the_phantom_comes_back_as_the_volume_it_was(viewer) -> None:
    image = viewer.add_layer(Layer.create(*phantom()[0]))
    volume = layers.build_volume(layers.snapshot_source(image))
    assert volume.array is image.data
    assert volume.modality is Modality.CT
    assert volume.geometry.spacing_zyx == pytest.approx((2.5, 1.4, 1.4))
    assert [str(unit) for unit in image.units] == ["millimeter"] * 3
    info = layers.list_images(viewer.layers)[0]
    assert info.num_slices == 40
    assert "phantom" in info.notices[0]


def test_the_radiograph_is_planar_and_carries_its_text(viewer) -> None:
    image = viewer.add_layer(Layer.create(*radiograph()[0]))
    volume = layers.build_volume(layers.snapshot_source(image))
    assert image.ndim == 2
    assert volume.array.shape == (1, *image.data.shape)
    assert volume.is_display_ready
    info = layers.list_images(viewer.layers)[0]
    assert info.sample_report is not None
    assert "infection" in info.sample_report
    assert any("CC BY" in notice for notice in info.notices)


@pytest.mark.parametrize(
    ("data", "rgb", "shape", "dtype"),
    [
        (np.zeros((6, 7), np.uint16), False, (1, 6, 7), np.uint16),
        (np.zeros((5, 6, 7), np.int16), False, (5, 6, 7), np.int16),
        (np.full((6, 7, 4), 200, np.uint8), True, (1, 6, 7), np.uint8),
        (np.zeros((6, 7), bool), False, (1, 6, 7), np.uint8),
        (np.zeros((6, 7), np.float64), False, (1, 6, 7), np.float32),
    ],
)
def test_images_of_others_become_volumes(data, rgb, shape, dtype) -> None:
    image = Image(data, rgb=rgb, scale=(0.5,) * (2 if rgb else data.ndim))
    volume = layers.build_volume(layers.snapshot_source(image))
    assert (volume.array.shape, volume.array.dtype) == (shape, dtype)
    assert volume.modality is Modality.UNKNOWN
    assert volume.geometry.side_knowledge is SideKnowledge.UNKNOWN
    assert volume.geometry.unit == "pixel"
    if rgb:
        assert int(volume.array.max()) == 200


def test_units_of_length_become_millimetres() -> None:
    image = Image(np.zeros((2, 3, 4)), scale=(1, 500, 500), units=("mm", "um", "um"))
    geometry = layers.geometry_of(image)
    assert geometry.unit == "mm"
    assert geometry.spacing_zyx == pytest.approx((1.0, 0.5, 0.5))


def test_too_many_axes_and_complex_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="This layer has 4 axes"):
        layers.build_volume(layers.snapshot_source(Image(np.zeros((2, 2, 4, 4)))))
    source = layers.snapshot_source(Image(np.zeros((4, 4))))
    odd = replace(source, data=np.zeros((4, 4), complex))
    with pytest.raises(InputError, match="complex numbers"):
        layers.build_volume(odd)


def test_links_are_by_id_and_a_duplicate_gets_its_own(viewer) -> None:
    first = viewer.add_image(np.zeros((4, 4)), name="same")
    layers.list_images(viewer.layers)
    viewer.add_image(np.zeros((4, 4)), name="same", metadata=dict(first.metadata))
    ids = [info.id for info in layers.list_images(viewer.layers)]
    assert len(set(ids)) == 2
    first.name = "renamed"
    assert layers.find_image(viewer.layers, ids[0]) is first


def test_current_slice_and_jump(viewer) -> None:
    image = viewer.add_image(np.zeros((9, 4, 4)), scale=(2.5, 1, 1), translate=(-30, 0, 0))
    layers.show_slice(viewer, image, 7)
    assert layers.current_slice(viewer, image) == 7
    viewer.dims.set_current_step(0, 3)
    assert layers.current_slice(viewer, image) == 3


def test_reader_and_writer_keep_the_grid(tmp_path: Path, viewer) -> None:
    data, attributes, _ = phantom()[0]
    image = viewer.add_image(data, **attributes)
    mask = layers.build_mask_layer(image, CLASSES, name="mask", role="mask_of")
    mask.data[3, 4, 5] = 1
    path = tmp_path / "mask.nii.gz"
    assert write_labels(str(path), mask.data, mask.as_layer_data_tuple()[1]) == [str(path)]
    back = load_volume(path)
    np.testing.assert_allclose(back.geometry.affine_lps, layers.geometry_of(image).affine_lps)
    np.testing.assert_array_equal(back.array, mask.data)
    assert get_reader(str(path)) is read
    assert get_reader([str(path), "notes.txt"]) is None
    again = Layer.create(*read(str(path))[0])
    assert again.name == "mask"
    np.testing.assert_allclose(again.scale, image.scale, rtol=1e-5)
    np.testing.assert_allclose(again.translate, image.translate, rtol=1e-5)


def test_labels_that_do_not_fit_a_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.tif"
    with pytest.raises(OutputError, match="labels from 0 to 300; labels from 0 to 255"):
        write_labels(str(path), np.array([[0, 300]]), {})
    write_labels(str(path), np.array([[0, 3]]), {})
    np.testing.assert_array_equal(load_volume(path).array[0], [[0, 3]])


def test_a_saved_mask_carries_its_provenance(viewer) -> None:
    bridge = ViewerLayers(viewer)
    image_id = bridge.add(phantom()[0])
    with pytest.raises(InputError, match="no mask yet"):
        bridge.snapshot_mask(image_id)
    bridge.open_run(image_id, range(2), CLASSES, {})
    bridge.write_slice(0, np.ones((256, 256), dtype=np.uint8))
    assert bridge.commit({"model": "mini"}) == 256 * 256
    taken = bridge.snapshot_mask(image_id)
    assert taken.provenance == {"model": "mini"}
    assert taken.geometry is layers.geometry_of(viewer.layers[0])
    assert bridge.has_paint(image_id, range(1))
    bridge.show_window(image_id, -1350.0, 150.0)
    assert viewer.layers[0].contrast_limits == [-1350.0, 150.0]
    bridge.set_modality(image_id, "xray")
    assert bridge.images()[0].modality == "xray"
    with pytest.raises(InputError, match="was removed"):
        bridge.source("gone")


@pytest.mark.parametrize(
    ("right", "down", "letters"),
    [
        ((0, 0, 1), (0, 1, 0), {"left": "R", "right": "L"}),  # axial
        ((0, 0, -1), (0, 1, 0), {"left": "L", "right": "R"}),  # axial, mirrored
        ((0, 1, 0), (0, 0, 1), {"top": "R", "bottom": "L"}),  # transposed
        ((0, 0, 1), (-1, 0, 0), {"left": "R", "right": "L"}),  # coronal
        ((0, 1, 0), (-1, 0, 0), {}),  # sagittal
    ],
)
def test_letters_follow_the_plane(right, down, letters) -> None:
    assert letters_at_edges(AXIAL, np.array(right), np.array(down)) == letters


def shown_sides(viewer: ViewerModel) -> dict[str, str]:
    return {
        name.removeprefix("patient_side_"): overlay.text
        for name, overlay in viewer.canvas.overlays.items()
        if name.startswith("patient_side_") and overlay.visible
    }


def test_sides_on_the_canvas_follow_flips_planes_and_the_chosen_image(viewer) -> None:
    bridge = ViewerLayers(viewer)
    image_id = bridge.add(phantom()[0])
    bridge.choose(image_id)
    assert shown_sides(viewer) == {"left": "R", "right": "L"}
    viewer.scene.camera.orientation = ("towards", "down", "left")
    assert shown_sides(viewer) == {"left": "L", "right": "R"}
    viewer.scene.camera.orientation = ("towards", "down", "right")
    viewer.dims.order = (0, 2, 1)
    assert shown_sides(viewer) == {"top": "R", "bottom": "L"}
    viewer.scene.camera.orientation = ("towards", "up", "right")
    assert shown_sides(viewer) == {"top": "L", "bottom": "R"}
    viewer.scene.camera.orientation = ("towards", "down", "right")
    viewer.dims.order = (2, 0, 1)  # sagittal
    assert shown_sides(viewer) == {}
    viewer.dims.order = (1, 0, 2)  # coronal
    assert shown_sides(viewer) == {"left": "R", "right": "L"}
    image = viewer.layers[0]
    image.affine = np.diag([1.0, 1.0, -1.0, 1.0])
    assert shown_sides(viewer) == {"left": "L", "right": "R"}
    other = viewer.add_image(np.zeros((4, 4)))
    bridge.choose(layers.list_images([other])[0].id)
    assert shown_sides(viewer) == {"note": messages.SIDE_UNKNOWN}
    bridge.choose(None)
    assert shown_sides(viewer) == {}


def test_an_assumed_side_says_that_it_is_assumed(viewer) -> None:
    bridge = ViewerLayers(viewer)
    bridge.choose(bridge.add(radiograph()[0]))
    assert shown_sides(viewer) == {
        "left": "R",
        "right": "L",
        "note": messages.SIDE_ASSUMED,
    }
