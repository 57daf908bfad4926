"""Values between the two processes: JSON by the types both know, arrays as raw bytes beside it.

Never a pickle: whatever a hostile file made of the other process, only plain data comes over.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from tgcnet.errors import EngineError

MAX_ARRAY_BYTES = 2**33
"""The largest volume that may be read, in its widest numbers."""

_NUMBER_KINDS = "biuf"


def encode(value: object, arrays: list[np.ndarray]) -> Any:
    """Turn a value into what JSON holds; arrays go to ``arrays`` and leave their index.

    Dataclasses, enums, paths, tuples, mappings from text, numbers, text and None are known.
    """
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value))
        return len(arrays) - 1
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name), arrays) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [encode(entry, arrays) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): encode(entry, arrays) for key, entry in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a {type(value).__name__} cannot go to another process")


def decode(hint: Any, value: Any, arrays: Sequence[np.ndarray]) -> Any:
    """Build the value that ``hint`` announces from JSON and the arrays beside it.

    Raises
    ------
    EngineError
        If the value is of another type. No value is quoted: it could be the patient's.
    """
    if isinstance(hint, UnionType):  # the only unions are "X | None"
        inner = next(option for option in get_args(hint) if option is not NoneType)
        return None if value is None else decode(inner, value, arrays)
    if get_origin(hint) is tuple:
        return _decode_tuple(get_args(hint), value, arrays)
    if get_origin(hint) is Mapping:
        if not isinstance(value, dict):
            raise _misfit(hint, value)
        return {key: decode(get_args(hint)[1], entry, arrays) for key, entry in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict) or set(value) != {f.name for f in fields(hint)}:
            raise _misfit(hint, value)
        hints = _types_of(hint)
        return hint(**{key: decode(hints[key], entry, arrays) for key, entry in value.items()})
    return _decode_plain(hint, value, arrays)


_types_of = functools.cache(get_type_hints)


def _decode_plain(hint: Any, value: Any, arrays: Sequence[np.ndarray]) -> Any:
    if hint is np.ndarray or hint is Any:  # a volume's array, which may be of another kind here
        if type(value) is not int or not 0 <= value < len(arrays):
            raise _misfit(hint, value)
        return arrays[value]
    if isinstance(hint, type) and issubclass(hint, Enum | Path) and isinstance(value, str):
        try:
            return hint(value)
        except ValueError as error:
            raise _misfit(hint, value) from error
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:  # not isinstance: True is no number
        raise _misfit(hint, value)
    return value


def _decode_tuple(hints: tuple[Any, ...], value: Any, arrays: Sequence[np.ndarray]) -> Any:
    if not isinstance(value, list):
        raise _misfit(tuple, value)
    if hints[-1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(value) != len(hints):
        raise EngineError(f"a tuple has {len(value)} entries, expected {len(hints)}")
    return tuple(decode(h, entry, arrays) for h, entry in zip(hints, value, strict=True))


def describe_arrays(arrays: Sequence[np.ndarray]) -> list[tuple[str, tuple[int, ...]]]:
    """Data type and shape of each, as they go ahead of its bytes."""
    return [(array.dtype.str, array.shape) for array in arrays]


def receive_arrays(described: Any, read_into: Callable[[memoryview], None]) -> list[np.ndarray]:
    """Make the arrays described and let ``read_into`` fill them.

    Raises
    ------
    EngineError
        If one is not of plain numbers, or larger than any volume may be.
    """
    arrays = []
    for dtype_name, shape in described:
        dtype = np.dtype(str(dtype_name))
        is_plain = dtype.kind in _NUMBER_KINDS and all(type(s) is int and s >= 0 for s in shape)
        if not is_plain or math.prod(shape) * dtype.itemsize > MAX_ARRAY_BYTES:
            raise EngineError("an array that no image has came from the process that reads files")
        array = np.empty(tuple(shape), dtype)
        if array.size:
            read_into(array.reshape(-1).view(np.uint8).data)
        arrays.append(array)
    return arrays


def _misfit(expected: Any, value: object) -> EngineError:
    wanted = getattr(expected, "__name__", str(expected))
    return EngineError(f"a {type(value).__name__} came from another process, expected {wanted}")
