"""The bridge to a viewer's layers: which mask is meant, what a run leaves, sides."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.components.overlays import TextOverlay
from napari.layers import Labels, Layer

from napari_tgcnet._sample_data import phantom, radiograph
from napari_tgcnet.segment import messages
from napari_tgcnet.segment.sides import SideMarks
from napari_tgcnet.segment.viewer_layers import ViewerLayers
from napari_tgcnet.shared import layers
from tgcnet.domain import Modality, SegmentationClass

CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)
KNOWN = {"model": "mini", "sha256": "0", "threshold": "0.4"}
PLANE = np.ones((8, 8), dtype=np.uint8)


@pytest.fixture
def viewer(qapp) -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def bridge(viewer: ViewerModel) -> ViewerLayers:
    return ViewerLayers(viewer)


def add_stack(viewer: ViewerModel, bridge: ViewerLayers) -> str:
    viewer.add_image(np.zeros((4, 8, 8), dtype=np.uint8), name="scan")
    return bridge.images()[-1].id


def make_mask(bridge: ViewerLayers, image_id: str) -> Labels:
    bridge.open_run(image_id, range(4), CLASSES, KNOWN)
    bridge.write_slice(1, PLANE)
    bridge.commit()
    return layers.find_mask(bridge._viewer.layers, bridge._image(image_id))


def duplicate(viewer: ViewerModel, mask: Labels) -> Labels:
    """As napari does: the same metadata, just above the original."""
    data, attributes, kind = mask.as_layer_data_tuple()
    copy = Layer.create(data.copy(), {**attributes, "name": "backup"}, kind)
    viewer.layers.insert(viewer.layers.index(mask) + 1, copy)
    return copy


def test_the_original_is_saved_and_not_its_backup(viewer, bridge) -> None:
    image_id = add_stack(viewer, bridge)
    mask = make_mask(bridge, image_id)
    backup = duplicate(viewer, mask)
    mask.data[0, 0, 0] = 1
    for selected in (viewer.layers["scan"], mask):
        viewer.layers.selection.active = selected
        taken = bridge.snapshot_mask(image_id)
        assert (taken.name, taken.labels[0, 0, 0]) == ("scan mask", 1)
    viewer.layers.selection.active = backup
    taken = bridge.snapshot_mask(image_id)
    assert (taken.name, taken.labels[0, 0, 0]) == ("backup", 0)


def test_the_active_image_is_that_of_the_selected_layer(viewer, bridge) -> None:
    image_id = add_stack(viewer, bridge)
    assert bridge.active_image() == image_id
    mask = make_mask(bridge, image_id)
    viewer.layers.selection.active = mask
    assert bridge.active_image() == image_id
    viewer.add_points()
    assert bridge.active_image() is None
    viewer.layers.selection.clear()
    assert bridge.active_image() is None


def test_a_run_that_wrote_nothing_leaves_no_mask(viewer, bridge) -> None:
    image_id = add_stack(viewer, bridge)
    bridge.open_run(image_id, range(4), CLASSES, KNOWN)
    assert bridge.commit() == 0
    assert list(viewer.layers) == [viewer.layers["scan"]]
    assert not bridge.has_mask(image_id)
    assert viewer.layers.selection.active is viewer.layers["scan"]


def test_what_became_known_after_the_beginning_stands_in_a_cut_short_runs_mask(
    viewer, bridge
) -> None:
    image_id = add_stack(viewer, bridge)
    bridge.open_run(image_id, range(4), CLASSES, KNOWN)
    bridge.add_provenance({"report_hmac_sha256": "00"})
    bridge.write_slice(1, PLANE)
    bridge.commit()
    mask = layers.find_mask(viewer.layers, viewer.layers["scan"])
    known = {**KNOWN, "report_hmac_sha256": "00"}
    assert layers.own_metadata(mask)["provenance"] == known


def test_a_mask_that_was_there_or_painted_on_stays(viewer, bridge) -> None:
    image_id = add_stack(viewer, bridge)
    bridge.open_run(image_id, range(4), CLASSES, KNOWN)
    painted = viewer.layers["scan mask"]
    painted.data_setitem((np.array([0]), np.array([5]), np.array([5])), np.array([1], np.uint8))
    bridge.commit()
    assert painted in viewer.layers
    painted.undo()
    bridge.open_run(image_id, range(4), CLASSES, KNOWN)
    bridge.commit()
    assert painted in viewer.layers
    assert "provenance" not in layers.own_metadata(painted)


def test_a_finished_run_without_a_finding_has_its_empty_mask(viewer, bridge) -> None:
    image_id = add_stack(viewer, bridge)
    bridge.open_run(image_id, range(1), CLASSES, KNOWN)
    bridge.write_slice(0, 0 * PLANE)
    assert bridge.commit({"model": "mini"}) == 0
    assert bridge.has_mask(image_id)


def test_a_run_that_ended_early_knows_its_model(viewer, bridge) -> None:
    image_id = add_stack(viewer, bridge)
    mask = make_mask(bridge, image_id)
    assert bridge.snapshot_mask(image_id).provenance == KNOWN
    bridge.open_run(image_id, range(4), CLASSES, {"model": "another"})
    bridge.commit()  # no slice: the labels are still the first model's
    assert bridge.snapshot_mask(image_id).provenance == KNOWN
    assert mask.data[1].all()


def test_a_panel_that_leaves_in_mid_run_keeps_the_finished_slices(viewer, bridge) -> None:
    image_id = add_stack(viewer, bridge)
    bridge.open_run(image_id, range(4), CLASSES, KNOWN)
    bridge.write_slice(2, PLANE)
    bridge.close()
    bridge.clean_up()
    bridge.clean_up()
    mask = viewer.layers["scan mask"]
    assert [int(plane.sum()) for plane in mask.data] == [0, 0, 64, 0]
    assert len(viewer.layers) == 2
    mask.undo()
    assert not mask.data.any()


def test_a_commit_that_fails_takes_the_preview_along(viewer, bridge, monkeypatch) -> None:
    image_id = add_stack(viewer, bridge)
    bridge.open_run(image_id, range(4), CLASSES, KNOWN)
    bridge.write_slice(2, PLANE)

    def refuse(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Labels, "data_setitem", refuse)
    with pytest.raises(ZeroDivisionError):
        bridge.commit()
    assert [layer.name for layer in viewer.layers] == ["scan", "scan mask"]
    assert bridge.commit() == 0


def test_what_the_user_said_an_image_is_goes_first_and_can_be_taken_back(viewer, bridge) -> None:
    image_id = bridge.add(phantom()[0])
    bridge.set_modality(image_id, "xray")
    info = bridge.images()[0]
    assert (info.modality, info.modality_choice) == ("xray", "xray")
    assert layers.build_volume(bridge.source(image_id)).modality is Modality.XRAY
    bridge.set_modality(image_id, "auto")
    info = bridge.images()[0]
    assert (info.modality, info.modality_choice) == ("ct", "auto")
    assert layers.build_volume(bridge.source(image_id)).modality is Modality.CT


def test_8_bit_grey_of_others_goes_as_it_is_and_booleans_do_not(viewer, bridge) -> None:
    viewer.add_image(np.zeros((8, 8), dtype=np.uint8))
    viewer.add_image(np.zeros((8, 8), dtype=bool))
    grey, boolean = (layers.build_volume(bridge.source(one.id)) for one in bridge.images())
    assert grey.is_display_ready
    assert not boolean.is_display_ready


def test_a_part_of_a_stack_lies_where_it_did(viewer, bridge) -> None:
    image_id = bridge.add(phantom()[0])
    whole = bridge.source(image_id)
    assert layers.narrow(whole, range(3, 5)) == (whole, 0)

    class Lazy:
        def __getitem__(self, slices: slice) -> np.ndarray:
            return whole.data[slices]

    part, first = layers.narrow(replace(whole, data=Lazy()), range(3, 5))
    volume = layers.build_volume(part)
    assert first == 3
    np.testing.assert_array_equal(volume.array, whole.data[3:5])
    np.testing.assert_allclose(
        volume.geometry.affine_lps @ [0, 0, 0, 1],
        bridge.geometry(image_id).affine_lps @ [3, 0, 0, 1],
    )


def test_a_hidden_image_has_no_letters(viewer, bridge) -> None:
    bridge.choose(bridge.add(phantom()[0]))
    overlays = viewer.canvas.overlays
    assert overlays["patient_side_left"].visible
    viewer.layers[0].visible = False
    assert not any(one.visible for name, one in overlays.items() if name.startswith("patient_side"))
    viewer.layers[0].visible = True
    assert overlays["patient_side_left"].text == "R"


def test_sides_on_a_napari_before_0_9(viewer) -> None:
    """There the camera is the viewer's own, and one text overlay is all there is."""
    older = SimpleNamespace(
        dims=viewer.dims, camera=viewer.scene.camera, text_overlay=TextOverlay(text="")
    )
    marks = SideMarks(older)
    image = viewer.add_layer(Layer.create(*radiograph()[0]))
    marks.follow(image)
    assert older.text_overlay.visible
    assert older.text_overlay.position == "top_center"
    assert older.text_overlay.text == f"left: R    right: L    note: {messages.SIDE_ASSUMED}"
    older.camera.orientation = ("towards", "down", "left")
    assert older.text_overlay.text.startswith("left: L    right: R")
    marks.follow(None)
    assert not older.text_overlay.visible
    marks.close()
