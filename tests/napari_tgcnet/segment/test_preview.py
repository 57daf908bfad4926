"""Streaming into the preview and the one write into the mask, on real napari layers."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_tgcnet.segment.preview import PreviewRun, has_paint
from napari_tgcnet.shared import layers
from tgcnet.domain import SegmentationClass

CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)
SHAPE = (150, 48, 40)


@pytest.fixture
def viewer(qapp) -> ViewerModel:
    return ViewerModel()


def start_run(viewer: ViewerModel, shape=SHAPE, slices: range | None = None):
    image = viewer.add_image(np.zeros(shape, dtype=np.uint8), name="scan")
    layers.list_images(viewer.layers)
    target = layers.build_mask_layer(image, CLASSES, name="mask", role="mask_of")
    viewer.add_layer(target)
    slices = range(shape[0] if len(shape) == 3 else 1) if slices is None else slices
    run = PreviewRun(viewer, image=image, target=target, slices=slices, classes=CLASSES)
    return image, target, run


def predicted(shape=SHAPE) -> np.ndarray:
    return (np.random.default_rng(1).random(shape) > 0.8).astype(np.uint8)


def test_150_slices_painting_in_mid_run_and_one_undo(viewer) -> None:
    _, target, run = start_run(viewer)
    answer = predicted()
    for z in range(75):
        run.write_slice(z, answer[z])
    # Strokes in a finished slice and in one still to come.
    for z in (10, 120):
        viewer.dims.set_current_step(0, z)
        target.paint((z, 20, 20), 1)
        target.paint((z, 30, 10), 1)
    painted = target.data.copy()
    assert painted.any()
    for z in range(75, 150):
        run.write_slice(z, answer[z])
    num_written = run.commit()
    expected = np.where(painted != 0, painted, answer)
    assert target.data.tobytes() == expected.tobytes()
    assert num_written == np.count_nonzero(expected != painted)
    target.undo()
    assert target.data.tobytes() == painted.tobytes()
    target.redo()
    assert target.data.tobytes() == expected.tobytes()
    for _ in range(5):
        target.undo()  # the commit, then the four strokes
    assert not target.data.any()


def test_what_was_erased_in_mid_run_stays_erased(viewer) -> None:
    _, target, run = start_run(viewer, shape=(2, 20, 20))
    run.write_slice(0, np.zeros((20, 20), dtype=np.uint8))
    run.commit()
    target.data_setitem((np.array([0]), np.array([5]), np.array([5])), np.array([1], np.uint8))
    image = viewer.layers["scan"]
    again = PreviewRun(viewer, image=image, target=target, slices=range(2), classes=CLASSES)
    target.data_setitem((np.array([0]), np.array([5]), np.array([5])), np.array([0], np.uint8))
    again.write_slice(0, np.full((20, 20), 1, dtype=np.uint8))
    again.commit()
    assert target.data[0, 5, 5] == 0
    assert target.data[0].sum() == 399
    assert not target.data[1].any()


def test_only_finished_slices_are_written_and_old_labels_give_way(viewer) -> None:
    _, target, run = start_run(viewer, shape=(4, 8, 8), slices=range(1, 3))
    run.write_slice(1, np.ones((8, 8), dtype=np.uint8))
    run.commit()
    assert [int(plane.sum()) for plane in target.data] == [0, 64, 0, 0]
    assert has_paint(target, range(1, 2))
    assert not has_paint(target, range(2, 4))
    image = viewer.layers["scan"]
    again = PreviewRun(viewer, image=image, target=target, slices=range(1, 2), classes=CLASSES)
    again.write_slice(1, np.zeros((8, 8), dtype=np.uint8))
    again.commit()
    assert not target.data.any()


def test_the_preview_lies_above_is_not_editable_and_goes(viewer) -> None:
    _, target, run = start_run(viewer, shape=(3, 8, 8))
    preview = viewer.layers[-1]
    assert isinstance(preview, Labels)
    assert preview is not target
    assert not preview.editable
    assert viewer.layers.selection.active is target
    assert not np.shares_memory(preview.data, target.data)
    run.commit()
    assert list(viewer.layers) == [viewer.layers["scan"], target]
    assert target.editable
    assert viewer.layers.selection.active is target


def test_a_plane_is_written_too(viewer) -> None:
    _, target, run = start_run(viewer, shape=(8, 9))
    plane = np.zeros((8, 9), dtype=np.uint8)
    plane[2, 3] = 1
    run.write_slice(0, plane)
    run.commit()
    assert target.data.tobytes() == plane.tobytes()
    target.undo()
    assert not target.data.any()


def test_preview_and_mask_removed_in_mid_run_break_nothing(viewer) -> None:
    _, target, run = start_run(viewer, shape=(3, 8, 8))
    viewer.layers.remove(viewer.layers[-1])
    viewer.layers.remove(target)
    run.write_slice(0, np.ones((8, 8), dtype=np.uint8))
    assert run.commit() == 64
    assert target in viewer.layers, "the result comes back with its layer"


def test_a_mask_lies_exactly_on_its_image(viewer) -> None:
    affine = np.eye(4)
    affine[0, 3] = 7.0
    image = viewer.add_image(
        np.zeros((3, 8, 8)),
        scale=(2.5, 0.7, 0.7),
        translate=(1, 2, 3),
        affine=affine,
        units=("mm", "mm", "mm"),
        axis_labels=("z", "y", "x"),
    )
    assert isinstance(image, Image)
    layers.list_images(viewer.layers)
    mask = layers.build_mask_layer(image, CLASSES, name="mask", role="mask_of")
    for name in ("scale", "translate"):
        np.testing.assert_array_equal(getattr(mask, name), getattr(image, name))
    np.testing.assert_array_equal(mask.affine.affine_matrix, image.affine.affine_matrix)
    assert (mask.units, mask.axis_labels) == (image.units, image.axis_labels)
    np.testing.assert_allclose(mask.get_color(1)[:3], np.array([230, 60, 60]) / 255, atol=1e-3)
    viewer.add_layer(mask)
    assert layers.find_mask(viewer.layers, image) is mask
