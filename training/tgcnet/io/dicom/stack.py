"""Slices that are decoded when somebody looks at them, each once."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

import dask.array
import numpy as np


class LazyStack:
    """A (slices, rows, columns) array that is filled slice by slice, from any thread.

    Room for all slices is set aside at once, and taken as they are decoded.

    Parameters
    ----------
    read_slice : gives slice k as (rows, columns) of ``dtype``
    """

    ndim = 3

    def __init__(
        self,
        read_slice: Callable[[int], np.ndarray],
        shape: tuple[int, int, int],
        dtype: np.dtype,
    ) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._read_slice = read_slice
        self._array = np.empty(shape, dtype=dtype)
        self._locks = tuple(Lock() for _ in range(shape[0]))
        self._is_there = [False] * shape[0]

    @property
    def num_decoded(self) -> int:
        """How many slices are there."""
        return sum(self._is_there)

    def decode(self, k: int) -> np.ndarray:
        """Give slice k, (rows, columns), read-only; a second caller waits for the first.

        Raises
        ------
        InputError
            If its frame cannot be decoded; the next call tries again.
        """
        with self._locks[k]:
            if not self._is_there[k]:
                self._array[k] = self._read_slice(k)
                self._is_there[k] = True
        plane: np.ndarray = self._array[k]
        plane.setflags(write=False)
        return plane

    def load(
        self,
        *,
        order: Iterable[int] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        on_slice: Callable[[int], None] = lambda k: None,
    ) -> bool:
        """Decode slices in order, by default from the middle outwards.

        Parameters
        ----------
        should_stop : asked before each slice
        on_slice : receives the number of each slice that is decoded

        Returns
        -------
        Whether all of ``order`` is there; False where it was stopped

        Raises
        ------
        InputError
            If a frame cannot be decoded.
        """
        for k in middle_out(self.shape[0]) if order is None else order:
            if should_stop():
                return False
            self.decode(k)
            on_slice(k)
        return True

    def whole(self) -> np.ndarray:
        """All slices, (slices, rows, columns), decoded where they are not yet; not a copy."""
        self.load()
        array = self._array.view()
        array.setflags(write=False)
        return array

    def as_dask(self) -> Any:
        """A dask array of one chunk a slice; it never decodes a slice anew."""
        return dask.array.from_array(  # type: ignore[no-untyped-call]
            self,
            chunks=(1, *self.shape[1:]),
            name=False,
            asarray=False,
            fancy=False,
            meta=np.empty((0, 0, 0), dtype=self.dtype),
        )

    def __getitem__(self, key: tuple[slice | int, ...]) -> np.ndarray:
        """What dask asks for: slices along the axes, or a number where it needs one of them."""
        wanted = range(self.shape[0])[key[0]]
        for k in (wanted,) if isinstance(wanted, int) else wanted:
            self.decode(k)
        part = self._array[key]
        part.setflags(write=False)
        return part


def middle_out(num_slices: int) -> tuple[int, ...]:
    """Indices from the middle outwards, upper neighbours first: 2, 3, 1, 4, 0 of five."""
    middle = num_slices // 2
    return tuple(sorted(range(num_slices), key=lambda k: (abs(k - middle), -k)))
