"""Before and after in a viewer: the right pixels, in layers that are ours alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.comparison_layers import ViewerComparison, load_compared_case
from napari_tgcnet.finetune.state import ComparedCase
from napari_tgcnet.shared.layers import find_mask, list_images
from tgcnet.corrections import Ledger
from tgcnet.errors import InputError, LedgerError
from tgcnet.finetune.compared_masks import ComparedMasks, write_compared


@pytest.fixture
def held_out(add_case, tmp_path) -> ComparedCase:
    """A case of six slices; before and after differ by a row each in slice 3."""
    case_id = add_case(0)
    case = Ledger.open(tmp_path / "ledger").load(case_id)
    before = np.zeros(case.labels.shape[1:], dtype=bool)
    before[10:20, 10:20] = True
    after = np.roll(before, 1, axis=0)
    write_compared(tmp_path, case_id, {3: ComparedMasks(before=before, after=after)})
    return load_compared_case(run=tmp_path, ledger=tmp_path / "ledger", case_id=case_id)


def layer(viewer: ViewerModel, name: str) -> Labels:
    return viewer.layers[name]


def test_before_after_and_their_difference(held_out: ComparedCase) -> None:
    viewer = ViewerModel()
    ViewerComparison(viewer).show(held_out, 3)
    image = layer(viewer, messages.LAYER_IMAGE)
    np.testing.assert_array_equal(image.data, held_out.case.volume.array)
    assert tuple(image.contrast_limits) == (-1350, 150), "as the user saw it"
    user_mask = layer(viewer, messages.LAYER_USER).data
    np.testing.assert_array_equal(user_mask, held_out.case.labels)
    pair = held_out.masks[3]
    before, after = (
        layer(viewer, name).data for name in (messages.LAYER_BEFORE, messages.LAYER_AFTER)
    )
    np.testing.assert_array_equal(before[3], pair.before)
    np.testing.assert_array_equal(after[3], pair.after)
    assert not before[[0, 1, 2, 4, 5]].any(), "only slice 3 was compared"
    difference = layer(viewer, messages.LAYER_DIFFERENCE).data
    np.testing.assert_array_equal(difference[3] == 1, pair.before & ~pair.after)
    np.testing.assert_array_equal(difference[3] == 2, pair.after & ~pair.before)
    assert difference[3].max() == 2
    assert viewer.dims.current_step[0] == 3


def test_the_layers_lie_on_the_image_and_cannot_be_painted_on(held_out: ComparedCase) -> None:
    viewer = ViewerModel()
    ViewerComparison(viewer).show(held_out, 3)
    image, *masks = viewer.layers
    assert isinstance(image, Image)
    for mask in masks:
        assert isinstance(mask, Labels)
        np.testing.assert_array_equal(mask.scale, image.scale)
        np.testing.assert_array_equal(mask.translate, image.translate)
        assert not mask.editable
    assert find_mask(viewer.layers, image) is None, "none is taken for a mask to correct"
    colours = {tuple(mask.get_color(value)) for mask in masks[:1] for value in (1, 2)}
    assert len(colours) == 2


def test_another_slice_replaces_our_layers_and_no_layer_of_the_users(
    held_out: ComparedCase,
) -> None:
    viewer = ViewerModel()
    mine = viewer.add_labels(np.zeros((6, 4, 4), dtype=np.uint8), name=messages.LAYER_BEFORE)
    ViewerComparison(viewer).show(held_out, 3)
    ours = [one for one in viewer.layers if one is not mine]
    duplicates = []
    for one in (ours[0], ours[2]):
        data, attributes, _ = one.as_layer_data_tuple()
        duplicates.append(type(one)(data, **attributes))
        viewer.layers.insert(viewer.layers.index(one) + 1, duplicates[-1])
    list_images(viewer.layers)  # as the other panel does; it renews the ids of duplicates
    ours[3].name = "renamed"
    ViewerComparison(viewer).show(held_out, 3)
    assert not any(one in viewer.layers for one in ours)
    assert mine in viewer.layers
    assert all(one in viewer.layers for one in duplicates)
    assert len(viewer.layers) == 5 + 1 + 2


def test_a_single_image_stays_planar(held_out: ComparedCase) -> None:
    case = held_out.case
    volume = replace(case.volume, array=case.volume.array[3:4])
    planar = replace(case, volume=volume, labels=case.labels[3:4])
    viewer = ViewerModel()
    ViewerComparison(viewer).show(ComparedCase(case=planar, masks={0: held_out.masks[3]}), 0)
    assert {one.ndim for one in viewer.layers} == {2}
    np.testing.assert_array_equal(layer(viewer, messages.LAYER_AFTER).data, held_out.masks[3].after)


def test_masks_that_are_missing_or_of_another_image(held_out: ComparedCase) -> None:
    viewer = ViewerModel()
    with pytest.raises(InputError, match="kept no masks of this slice"):
        ViewerComparison(viewer).show(held_out, 2)
    small = ComparedMasks(before=np.zeros((2, 2), bool), after=np.zeros((2, 2), bool))
    with pytest.raises(InputError, match="another size"):
        ViewerComparison(viewer).show(replace(held_out, masks={3: small}), 3)
    assert len(viewer.layers) == 0


def test_a_case_or_masks_that_are_gone(held_out: ComparedCase, add_case, tmp_path) -> None:
    other = add_case(1)
    with pytest.raises(InputError, match="cannot be read"):
        load_compared_case(run=tmp_path, ledger=tmp_path / "ledger", case_id=other)
    Ledger.open(tmp_path / "ledger").delete(held_out.case.id)
    with pytest.raises(LedgerError):
        load_compared_case(run=tmp_path, ledger=tmp_path / "ledger", case_id=held_out.case.id)
