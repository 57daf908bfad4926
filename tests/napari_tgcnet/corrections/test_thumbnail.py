"""Thumbnails of phantoms, pixel by pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_tgcnet.corrections.thumbnail import (
    MODEL_COLOURS,
    SIDE_PX,
    draw_thumbnail,
    representative_slice,
    thumbnail_of,
)
from tgcnet.domain import SegmentationClass

RED, BLUE = (230, 60, 60), (60, 60, 230)
CLASSES = (
    SegmentationClass(name="infection", colour=RED),
    SegmentationClass(name="effusion", colour=BLUE),
)


def draw(plane: np.ndarray, labels: np.ndarray | None = None, **changes: Any) -> np.ndarray:
    arguments: dict = {
        "classes": CLASSES,
        "spacing_yx": (1.0, 1.0),
        "window": (0.0, 100.0),
        "model_labels": None,
        **changes,
    }
    nothing = np.zeros(plane.shape, dtype=np.uint8)
    picture = draw_thumbnail(plane, nothing if labels is None else labels, **arguments)
    assert (picture.shape, picture.dtype.name) == ((SIDE_PX, SIDE_PX, 3), "uint8")
    return picture


def has_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    ledger_status: np.ndarray = (picture == np.array(colour, dtype=np.uint8)).all(axis=-1)
    return ledger_status


def test_the_slice_is_the_reviewed_one_with_the_largest_mask() -> None:
    labels = np.zeros((5, 4, 4), dtype=np.uint8)
    labels[1, :2], labels[3, :1], labels[4] = 1, 1, 2
    assert representative_slice(labels, (0, 1, 3)) == 1
    assert representative_slice(labels, ()) == 4
    assert representative_slice(labels * 0, (0, 1, 3)) == 1, "the middle reviewed one"
    assert representative_slice(labels * 0, ()) == 2


def test_the_window_decides_black_and_white() -> None:
    plane = np.tile(np.linspace(-50, 150, SIDE_PX), (SIDE_PX, 1))
    picture = draw(plane)
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[0, -1].tolist() == [255, 255, 255]
    assert 120 < picture[0, SIDE_PX // 2, 0] < 136


def test_without_a_window_percentiles_are_taken_and_outliers_do_not_count() -> None:
    plane = np.tile(np.linspace(10, 20, 100), (100, 1))
    plane[0, 0], plane[0, 1] = 1e6, np.nan
    picture = draw(plane, window=None)
    assert picture[32, 0, 0] < 5
    assert picture[32, -1, 0] > 250


def test_a_slice_of_one_value_or_of_no_number_is_drawn() -> None:
    assert not draw(np.full((8, 8), 7.0), window=None).any()
    assert not draw(np.full((8, 8), np.nan), window=None).any()


def test_the_proportions_are_those_in_the_patient() -> None:
    bright = np.full((40, 20), 100.0)
    rows, columns, _ = np.nonzero(draw(bright))
    assert (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1) == (64, 32)
    rows, columns, _ = np.nonzero(draw(bright, spacing_yx=(0.5, 2.0)))
    assert (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1) == (32, 64)
    assert (rows.min(), columns.min()) == (16, 0), "in the middle"


def test_a_mean_of_a_block_and_no_single_pixel_is_shown() -> None:
    chequered = np.indices((512, 512)).sum(axis=0) % 2 * 100.0
    assert np.unique(draw(chequered)).tolist() == [128]


def test_outlines_leave_the_inside_visible_and_the_users_lies_on_top() -> None:
    plane = np.full((64, 64), 50.0)
    labels = np.zeros((64, 64), dtype=np.uint8)
    labels[10:20, 10:20], labels[40:50, 10:20] = 1, 2
    model = np.zeros_like(labels)
    model[10:20, 10:30] = 1
    picture = draw(plane, labels, model_labels=model)
    assert has_colour(picture, RED).sum() == 36
    assert has_colour(picture, RED)[10:20, 10].all()
    assert has_colour(picture, BLUE)[40, 10:20].all()
    assert has_colour(picture, MODEL_COLOURS[0])[10, 20:30].all()
    assert has_colour(picture, MODEL_COLOURS[0])[11:19, 29].all()
    assert picture[15, 12].tolist() == [128, 128, 128]


def test_a_mask_of_one_pixel_does_not_vanish() -> None:
    labels = np.zeros((512, 512), dtype=np.uint8)
    labels[500, 13] = 1
    assert has_colour(draw(np.zeros((512, 512)), labels), RED).sum() == 1


def test_the_models_outline_avoids_the_colour_of_a_class() -> None:
    cyan = (replace(CLASSES[0], colour=(0, 230, 230)),)
    model = np.ones((64, 64), dtype=np.uint8)
    picture = draw(np.zeros((64, 64)), model_labels=model, classes=cyan)
    assert has_colour(picture, MODEL_COLOURS[1])[0].all()


def test_a_case_of_the_ledger(ledger, make_correction) -> None:
    saved = ledger.save(make_correction(num_slices=1))
    picture = thumbnail_of(ledger.load(saved.case_id))
    assert has_colour(picture, RED).any()
    assert has_colour(picture, MODEL_COLOURS[0]).any()
    bare = make_correction(seed=1, model_labels=None, provenance={}, window=None)
    picture = thumbnail_of(ledger.load(ledger.save(bare).case_id))
    assert has_colour(picture, RED).any()
    assert not has_colour(picture, MODEL_COLOURS[0]).any()
