"""Cutting masks by the patient's sides and by zones."""

from collections.abc import Callable

import numpy as np

from tgcnet.data.regions import XRAY_ZONES, components, split_by_side, split_by_zone
from tgcnet.domain import Side


def test_the_patients_right_is_on_the_images_left(both_sides: np.ndarray) -> None:
    sides = split_by_side(both_sides)
    assert sides[Side.RIGHT].sum() == 18 * 16
    assert not sides[Side.RIGHT][:, 32:].any()
    assert not sides[Side.LEFT][:, :32].any()
    assert np.array_equal(sides[Side.LEFT] | sides[Side.RIGHT], both_sides)


def test_a_region_that_barely_crosses_the_midline_stays_whole(
    paint: Callable[..., np.ndarray],
) -> None:
    mask = paint((slice(10, 20), slice(12, 35)))
    sides = split_by_side(mask)
    assert np.array_equal(sides[Side.RIGHT], mask)
    assert not sides[Side.LEFT].any()


def test_a_region_astride_the_midline_is_cut(paint: Callable[..., np.ndarray]) -> None:
    sides = split_by_side(paint((slice(10, 20), slice(22, 42))))
    assert sides[Side.RIGHT].sum() == sides[Side.LEFT].sum() == 100


def test_zones_partition_a_mask(both_sides: np.ndarray) -> None:
    zones = split_by_zone(both_sides, XRAY_ZONES)
    assert np.array_equal(np.logical_or.reduce(list(zones.values())), both_sides)
    assert sum(zone.sum() for zone in zones.values()) == both_sides.sum()
    assert set(zones) == {"upper", "lower"}


def test_components_come_largest_first(both_sides: np.ndarray) -> None:
    assert [int(c.sum()) for c in components(both_sides)] == [18 * 16, 14 * 14, 10 * 14]
    assert components(np.zeros((4, 4), dtype=bool)) == []
