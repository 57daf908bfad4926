"""Scores against values computed by hand."""

import numpy as np
import pytest

from tgcnet.errors import InputError
from tgcnet.metrics import MetricAccumulator, hd95_px


def mask_of(*rows: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in rows])


EMPTY = mask_of("....", "....")
PAIR = mask_of("##..", "....")
SQUARE = mask_of("##..", "##..")


def test_pooled_and_mean_differ_as_they_should() -> None:
    scores = MetricAccumulator()
    first = scores.add(PAIR, SQUARE)  # 2 of 2 and 4: dice 4/6, iou 2/4
    second = scores.add(mask_of("....", "...#"), mask_of("....", "..##"))  # dice 2/3, iou 1/2
    third = scores.add(mask_of("#...", "...."), mask_of("...#", "...."))  # 0
    result = scores.result()
    assert first.dice == pytest.approx(4 / 6)
    assert second.iou == pytest.approx(1 / 2)
    assert (third.dice, third.iou) == (0, 0)
    assert result.dice_mean == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)
    assert result.iou_mean == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    # Intersections 3, predictions 4, references 7.
    assert result.dice_pooled == pytest.approx(6 / 11)
    assert result.iou_pooled == pytest.approx(3 / 8)
    assert result.iou_pooled == pytest.approx(result.dice_pooled / (2 - result.dice_pooled))
    assert (result.num_images, result.num_empty) == (3, 0)


def test_an_empty_reference_counts_one_or_zero() -> None:
    scores = MetricAccumulator()
    scores.add(EMPTY, EMPTY)
    scores.add(PAIR, EMPTY)
    scores.add(EMPTY, PAIR)
    result = scores.result()
    assert result.dice_mean == pytest.approx(1 / 3)
    assert result.iou_mean == pytest.approx(1 / 3)
    assert result.dice_pooled == 0
    assert result.hd95_px is None
    assert (result.num_images, result.num_empty) == (3, 2)


def test_all_empty_is_right() -> None:
    scores = MetricAccumulator()
    scores.add(EMPTY, EMPTY)
    result = scores.result()
    assert (result.dice_pooled, result.iou_pooled, result.dice_mean) == (1, 1, 1)


def test_equal_masks() -> None:
    scores = MetricAccumulator()
    scores.add(SQUARE, SQUARE)
    result = scores.result()
    assert (result.dice_pooled, result.dice_mean, result.iou_mean, result.hd95_px) == (1, 1, 1, 0)


def test_the_distance_of_two_points_and_of_two_lines() -> None:
    one, other = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    one[1, 1] = other[4, 5] = True
    assert hd95_px(one, other) == pytest.approx(5)
    lines = np.zeros((2, 9, 9), bool)
    lines[0, :, 2] = lines[1, :, 6] = True
    assert hd95_px(lines[0], lines[1]) == pytest.approx(4)


def test_the_95th_percentile_by_hand() -> None:
    line, longer = np.zeros((1, 20), bool), np.zeros((1, 20), bool)
    line[0, :10] = True
    longer[0, :12] = True
    # In one row every pixel is outline. Distances: ten zeros one way; ten zeros, 1 and 2 the
    # other way. Rank 0.95 * 21 = 19.95 lies between the 20th and 21st value: 0 and 1.
    assert hd95_px(line, longer) == pytest.approx(0.95)


def test_only_the_outline_counts() -> None:
    solid = np.zeros((30, 30), bool)
    solid[5:25, 5:25] = True
    ring = solid.copy()
    ring[6:24, 6:24] = False
    inner = np.zeros_like(solid)
    inner[8:22, 8:22] = True
    # A ring's inner edge is one pixel thick, so ring and solid have the same outline.
    assert hd95_px(solid, ring) == 0
    assert hd95_px(solid, inner) == hd95_px(inner, solid)
    assert 3 <= hd95_px(solid, inner) <= 3 * np.sqrt(2)


def test_the_distance_is_averaged_where_both_masks_have_pixels() -> None:
    scores = MetricAccumulator()
    scores.add(mask_of("#...", "...."), mask_of("..#.", "...."))  # 2
    scores.add(mask_of("#...", "...."), mask_of("...#", "...."))  # 3
    scores.add(EMPTY, PAIR)
    assert scores.result().hd95_px == pytest.approx(2.5)


def test_a_large_image_around_changes_nothing() -> None:
    generator = np.random.default_rng(4)
    small = generator.random((2, 20, 20)) > 0.7
    large = np.pad(small, ((0, 0), (300, 7), (9, 200)))
    assert hd95_px(small[0], small[1]) == hd95_px(large[0], large[1])


def test_bad_masks_are_refused() -> None:
    scores = MetricAccumulator()
    with pytest.raises(InputError, match="boolean planes, got 2 axes of uint8 and 2 axes of bool"):
        scores.add(SQUARE.astype(np.uint8), SQUARE)
    with pytest.raises(InputError, match="boolean planes, got 3 axes of bool"):
        scores.add(SQUARE[None], SQUARE[None])
    with pytest.raises(InputError, match=r"has 2 x 4 pixels and its reference the shape \(4, 2\)"):
        scores.add(SQUARE, SQUARE.T)
    with pytest.raises(InputError, match="There is no image to score"):
        scores.result()
    with pytest.raises(InputError, match="needs two non-empty masks"):
        hd95_px(EMPTY, SQUARE)
