"""Probabilities to labels."""

import numpy as np
import pytest

from tgcnet.config import PostprocessConfig
from tgcnet.errors import InputError
from tgcnet.postprocess import to_labels

PLAIN = PostprocessConfig()


def test_one_class_is_label_one_from_the_threshold_on() -> None:
    probability = np.array([[[[0.0, 0.49, 0.5, 1.0, np.nan]]]], np.float32)
    labels = to_labels(probability, PLAIN)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, [[[0, 0, 1, 1, 0]]])
    raised = to_labels(probability, PostprocessConfig(threshold=0.6))
    np.testing.assert_array_equal(raised, [[[0, 0, 0, 1, 0]]])


def test_the_larger_probability_wins_and_the_first_of_equals() -> None:
    first = [0.6, 0.9, 0.7, 0.1, 0.4, np.nan]
    second = [0.8, 0.6, 0.7, 0.2, 0.6, 0.9]
    third = [0.7, 0.1, 0.7, 0.3, 0.1, 0.1]
    probability = np.array([first, second, third], np.float16)[:, None, None, :]
    np.testing.assert_array_equal(to_labels(probability, PLAIN), [[[2, 1, 1, 0, 2, 2]]])


def test_the_probabilities_are_not_changed() -> None:
    probability = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)
    before = probability.copy()
    to_labels(probability, PostprocessConfig(min_region_px=4))
    np.testing.assert_array_equal(probability, before)


def blobs(side: int) -> np.ndarray:
    """Two slices: regions of 1, 4 and 9 pixels, and a diagonal of 3."""
    probability = np.zeros((1, 2, side, side), np.float32)
    probability[0, 0, 0, 0] = 1
    probability[0, 0, 4:6, 4:6] = 1
    probability[0, 1, 1:4, 1:4] = 1
    probability[0, 1, [8, 9, 10], [8, 9, 10]] = 1
    return probability


@pytest.mark.parametrize(("smallest", "kept"), [(0, 17), (1, 17), (2, 16), (3, 16), (4, 13),
                                                (5, 9), (10, 0)])  # fmt: skip
def test_small_regions_are_dropped_slice_by_slice(smallest: int, kept: int) -> None:
    config = PostprocessConfig(min_region_px=smallest)
    labels = to_labels(blobs(16), config, side_px=16)
    assert np.count_nonzero(labels) == kept


def test_the_smallest_area_grows_with_the_image() -> None:
    # Twice the model's side: a region of n pixels there covers 4 n pixels here.
    config = PostprocessConfig(min_region_px=2)
    labels = to_labels(blobs(16), config, side_px=8)
    assert np.count_nonzero(labels) == 9
    wide = np.zeros((1, 1, 4, 16), np.float32)
    wide[0, 0, 0, :7] = 1
    # The longer side fills the square, so it alone gives the scale.
    assert not to_labels(wide, config, side_px=8).any()


def test_a_core_of_another_class_is_no_speck() -> None:
    probability = np.zeros((2, 1, 16, 16), np.float32)
    probability[0, 0, 2:10, 2:10] = 0.8
    probability[1, 0, 5, 5] = 0.9
    labels = to_labels(probability, PostprocessConfig(min_region_px=4), side_px=16)
    assert labels[0, 5, 5] == 2
    assert np.count_nonzero(labels) == 64


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"have the shape \(1, 8, 8\), expected \(classes, slices"):
        to_labels(np.zeros((1, 8, 8), np.float32), PLAIN)
    with pytest.raises(InputError, match="with 1 to 255 classes"):
        to_labels(np.zeros((256, 1, 1, 1), np.float32), PLAIN)
