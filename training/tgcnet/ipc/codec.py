"""Typed values to JSON and back, by the types that both processes know.

Never a pickle: whatever a hostile file made of the other process, only plain data comes over.
"""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator, ValidationError

_Row = tuple[float, float, float, float]
_Rows = tuple[_Row, _Row, _Row, _Row]

_SCALARS = ("bool", "float", "int", "str")
_NO_SCHEMAS = ("metadata", "default", "default_factory")
_EXPECTED = {"enum": "one of its names", "too_long": "fewer entries", "value_error": "another one"}


class MisfitError(Exception):
    """A value is not of the type announced.

    The message names the field and never quotes a value, since that could be the patient's.
    """


def to_json(value: object, *, convert: Callable[[Any], Any]) -> str:
    """One line of ASCII JSON.

    Dataclasses, enums, paths, tuples, mappings from text, numbers, text and None are known.

    Parameters
    ----------
    convert : makes something JSON holds of what is nothing of these (an array); TypeError where
        it cannot
    """
    plain = functools.partial(_plain, convert=convert)
    return json.dumps(value, default=plain, separators=(",", ":"))


def from_json(
    kind: Any, values: object, *, read_array: Callable[[Any], Any], keeps_defaults: bool = False
) -> Any:
    """Build a value of the type ``kind`` from parsed JSON.

    Nothing is guessed: True is no number and "1" neither, a field more or less is an error; a
    whole number stands for a float, as JSON writes it.

    Parameters
    ----------
    read_array : makes a :data:`tgcnet.domain.Array` of what stands for it; ValueError where it
        cannot
    keeps_defaults : a field that has a default may be absent, as in a file that was written
        before there was the field; two processes of one installation send every field

    Raises
    ------
    MisfitError
        If the value is of another type.
    """
    validator, names = _validator(kind, keeps_defaults)
    try:
        return validator.validate_python(values, context=read_array)
    except ValidationError as error:
        sentence = _sentence(error, names)
    raise MisfitError(sentence)  # outside, so that no traceback shows pydantic's, with the value


def affine_to_json(value: object) -> list[list[float]]:
    """A ``convert`` for where an array is an affine: a message has no room for larger ones."""
    if not isinstance(value, np.ndarray) or value.shape != (4, 4):
        raise TypeError(f"a {type(value).__name__} cannot go to another process")
    rows: list[list[float]] = value.astype(np.float64).tolist()
    return rows


def affine_from_json(rows: object) -> np.ndarray:
    """A ``read_array`` for what :func:`affine_to_json` wrote: (4, 4) float64."""
    try:
        return np.array(from_json(_Rows, rows, read_array=affine_from_json), dtype=np.float64)
    except MisfitError as error:
        raise ValueError("no affine") from error


def _plain(value: Any, convert: Callable[[Any], Any]) -> Any:
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else convert(value)


@functools.cache
def _validator(kind: Any, keeps_defaults: bool) -> tuple[SchemaValidator, frozenset[str]]:
    """What checks a type, and the names of its dataclasses' fields."""
    names: set[str] = set()
    schema = _exact(TypeAdapter(kind).core_schema, names, keeps_defaults)
    return SchemaValidator(schema), frozenset(names)


def _exact(schema: Any, names: set[str], keeps_defaults: bool) -> Any:
    """Pydantic's schema of a type with scalars strict and no field unknown.

    Pydantic is strict or lax as a whole: strict it refuses the lists that JSON has for tuples and
    the texts it has for enums and paths, lax it takes "5" for 5. (Its own reader of JSON knows
    the difference, but refuses lone surrogates, which file names and pasted reports may hold.)
    """
    if isinstance(schema, list):
        return [_exact(one, names, keeps_defaults) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "default" and not keeps_defaults:
        return _exact(schema["schema"], names, keeps_defaults)
    exact = {
        key: value if key in _NO_SCHEMAS else _exact(value, names, keeps_defaults)
        for key, value in schema.items()
    }
    if kind in _SCALARS:
        exact["strict"] = True
    elif kind == "dataclass-args":
        exact["extra_behavior"] = "forbid"
    elif kind == "dataclass-field":
        names.add(schema["name"])
    return exact


def _sentence(error: ValidationError, names: frozenset[str]) -> str:
    """What does not fit, first of all; keys of a mapping may be data and are not named."""
    first = error.errors(include_url=False, include_context=False)[0]
    kind, loc = first["type"], first["loc"]
    if kind == "unexpected_keyword_argument" or (kind == "missing" and loc[-1] in names):
        return f"{_place(loc[:-1], names)} has an absent or unknown field {loc[-1]!r}"
    value = first["input"]
    given = "nothing" if value is None else type(value).__name__
    if kind == "missing":
        kind, given = "more entries", "too short"
    expected = _EXPECTED.get(kind, kind.removesuffix("_type"))
    return f"{_place(loc, names)} is {given}, expected {expected}"


def _place(loc: tuple[int | str, ...], names: frozenset[str]) -> str:
    return ".".join(str(part) for part in loc if part in names) or "it"
