"""Slices decoded when looked at: once, in order, from any thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from tgcnet.errors import InputError
from tgcnet.io.dicom.stack import LazyStack, middle_out

SHAPE = (5, 3, 4)


def plane(k: int) -> np.ndarray:
    return np.full(SHAPE[1:], k, dtype=np.int16)


def stack_and_asked(
    read: Callable[[int], np.ndarray] = plane,
) -> tuple[LazyStack, list[int]]:
    asked: list[int] = []

    def read_slice(k: int) -> np.ndarray:
        asked.append(k)
        return read(k)

    return LazyStack(read_slice, SHAPE, np.dtype(np.int16)), asked


@pytest.mark.parametrize(
    ("num_slices", "order"), [(1, (0,)), (4, (2, 3, 1, 0)), (5, (2, 3, 1, 4, 0))]
)
def test_the_middle_comes_first(num_slices: int, order: tuple[int, ...]) -> None:
    assert middle_out(num_slices) == order


def test_making_an_array_decodes_nothing() -> None:
    stack, asked = stack_and_asked()
    array = stack.as_dask()
    assert array.shape == SHAPE
    assert array.dtype == np.int16
    assert array.chunks[0] == (1,) * 5
    assert asked == []


def test_looking_at_a_slice_decodes_that_slice_once() -> None:
    stack, asked = stack_and_asked()
    array = stack.as_dask()
    for _ in range(2):
        np.testing.assert_array_equal(np.asarray(array[3]), plane(3))
    np.testing.assert_array_equal(np.asarray(array[3:4, 1:, ::2]), plane(3)[None, 1:, ::2])
    assert asked == [3]


def test_the_whole_array_is_every_slice() -> None:
    stack, asked = stack_and_asked()
    expected = np.stack([plane(k) for k in range(5)])
    np.testing.assert_array_equal(np.asarray(stack.as_dask()), expected)
    np.testing.assert_array_equal(stack.whole(), expected)
    assert sorted(asked) == [0, 1, 2, 3, 4]


def test_turned_and_flipped_slices_are_those_of_the_array() -> None:
    stack, _ = stack_and_asked(lambda k: np.arange(12, dtype=np.int16).reshape(3, 4) + 12 * k)
    turned = np.flip(stack.as_dask().transpose(1, 0, 2), (0, 2))
    expected = np.flip(stack.whole().transpose(1, 0, 2), (0, 2))
    np.testing.assert_array_equal(np.asarray(turned[1]), expected[1])


def test_loading_goes_from_the_middle_outwards() -> None:
    stack, asked = stack_and_asked()
    there: list[int] = []
    assert stack.load(on_slice=there.append)
    assert asked == there == [2, 3, 1, 4, 0]
    assert stack.num_decoded == 5


def test_loading_stops_when_told() -> None:
    stack, asked = stack_and_asked()
    assert not stack.load(should_stop=lambda: len(asked) == 2)
    assert asked == [2, 3]


def test_threads_that_want_one_slice_share_one_decoding() -> None:
    entered, leave = Event(), Event()

    def slow(k: int) -> np.ndarray:
        entered.set()
        assert leave.wait(10)
        return plane(k)

    stack, asked = stack_and_asked(slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(stack.decode, 1)
        assert entered.wait(10)
        second = pool.submit(stack.decode, 1)
        leave.set()
        np.testing.assert_array_equal(first.result(), second.result())
    assert asked == [1]


def test_a_slice_that_failed_is_tried_again() -> None:
    fails = [True]

    def sometimes(k: int) -> np.ndarray:
        if fails.pop() if fails else False:
            raise InputError("damaged")
        return plane(k)

    stack, _ = stack_and_asked(sometimes)
    with pytest.raises(InputError, match="damaged"):
        stack.decode(0)
    np.testing.assert_array_equal(stack.decode(0), plane(0))


def test_nobody_writes_into_the_stack() -> None:
    stack, _ = stack_and_asked()
    assert not stack.decode(0).flags.writeable
    assert not stack.whole().flags.writeable
