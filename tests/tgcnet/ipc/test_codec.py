"""Typed values to JSON and back: nothing guessed, nothing quoted."""

import json
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tgcnet.domain import Array, Modality, Voxels
from tgcnet.ipc.codec import MisfitError, affine_from_json, affine_to_json, from_json, to_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    text: str
    pair: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    number: int
    share: float
    is_on: bool
    modality: Modality
    path: Path
    inner: tuple[Inner, ...]
    frame: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


VALUE = Outer(
    number=1,
    share=0.5,
    is_on=True,
    modality=Modality.CT,
    path=Path("a\udc80b.dcm"),  # a file name that is no UTF-8
    inner=(Inner(text='Opacité "left" \ud800'), Inner(text="", pair=(1.0, -0.0))),
    frame={"srow_x": (1.0, math.inf)},
)


def no_array(value: object) -> Any:
    raise TypeError(f"a {type(value).__name__} cannot go to another process")


def sent(**changes: object) -> Any:
    return json.loads(to_json(VALUE, convert=no_array)) | changes


def test_a_value_comes_back_equal_and_of_its_types() -> None:
    again = from_json(Outer, sent(), read_array=no_array)
    assert again == VALUE
    assert type(again.modality) is Modality
    assert type(again.inner[1].pair) is tuple


def test_a_line_is_ascii_and_has_no_line_end() -> None:
    line = to_json(VALUE, convert=no_array)
    assert line.isascii()
    assert "\n" not in line


def test_a_whole_number_is_a_float_and_nothing_else_is_converted() -> None:
    again = from_json(Outer, sent(share=1), read_array=no_array)
    assert type(again.share) is float
    assert math.isnan(from_json(Outer, sent(share=math.nan), read_array=no_array).share)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": True}, "number is bool, expected int"),
        ({"number": "1"}, "number is str, expected int"),
        ({"number": 1.0}, "number is float, expected int"),
        ({"share": "0.5"}, "share is str, expected float"),
        ({"share": True}, "share is bool, expected float"),
        ({"is_on": 1}, "is_on is int, expected bool"),
        ({"modality": "mri"}, "modality is str, expected one of its names"),
        ({"path": 5}, "path is int, expected path"),
        ({"inner": "ab"}, "inner is str, expected tuple"),
        ({"inner": [{"text": None, "pair": None}]}, "inner.text is nothing, expected string"),
        ({"inner": [{"text": "a"}]}, "inner has an absent or unknown field 'pair'"),
        ({"inner": [{"text": "a", "pair": [1]}]}, "inner.pair is too short"),
        ({"inner": [{"text": "a", "pair": [1, 2, 3]}]}, "inner.pair is list, expected fewer"),
        ({"frame": {"Zbigniew": ["x"]}}, "frame is str, expected float"),
        ({"more": 1}, "it has an absent or unknown field 'more'"),
    ],
)
def test_what_does_not_fit_is_named_and_not_quoted(changes: dict, said: str) -> None:
    with pytest.raises(MisfitError) as caught:
        from_json(Outer, sent(**changes), read_array=no_array)
    assert said in str(caught.value)
    assert "Zbigniew" not in "".join(traceback.format_exception(caught.value))


def test_no_traceback_quotes_a_value() -> None:
    with pytest.raises(MisfitError) as caught:
        from_json(int, "Zbigniew", read_array=no_array)
    assert str(caught.value) == "it is str, expected int"
    frames_without_source = traceback.TracebackException.from_exception(caught.value)
    assert frames_without_source.__context__ is None
    assert frames_without_source.__cause__ is None


def test_every_field_is_sent_so_none_may_be_absent() -> None:
    values = sent()
    del values["frame"]
    with pytest.raises(MisfitError, match="absent or unknown field 'frame'"):
        from_json(Outer, values, read_array=no_array)


def test_a_file_of_before_there_was_a_field_has_its_default() -> None:
    values = json.loads(to_json(VALUE, convert=affine_to_json))
    del values["frame"], values["inner"][0]["pair"]
    made = from_json(Outer, values, read_array=affine_from_json, keeps_defaults=True)
    assert (made.frame, made.inner[0].pair) == ({}, None)
    del values["share"]
    with pytest.raises(MisfitError, match="absent or unknown field 'share'"):
        from_json(Outer, values, read_array=affine_from_json, keeps_defaults=True)


@pytest.mark.parametrize("kind", [Array, Voxels])
def test_an_array_is_what_its_reader_makes_of_it(kind: Any) -> None:
    arrays = [np.ones(3)]
    read: Callable[[Any], Any] = arrays.__getitem__
    assert from_json(kind, 0, read_array=read) is arrays[0]
    assert from_json(tuple[kind, ...], [0, 0], read_array=read)[1] is arrays[0]


def test_an_affine_comes_back_to_the_last_bit() -> None:
    affine = np.array([(1 / 3, -1e-9, 1e20, -0.0), (0, 0, 1, 2), (0, 1, 0, 3), (0, 0, 0, 1.0)])
    again = affine_from_json(json.loads(to_json(affine, convert=affine_to_json)))
    assert again.tobytes() == affine.tobytes()


@pytest.mark.parametrize("rows", [None, [], [[1.0] * 4] * 3, [["1"] * 4] * 4, [[True] * 4] * 4])
def test_what_is_no_affine_is_refused(rows: object) -> None:
    with pytest.raises(MisfitError, match=r"it is .*, expected another one"):
        from_json(Array, rows, read_array=affine_from_json)


def test_what_is_not_known_cannot_go() -> None:
    for value in ({1, 2}, np.ones(3), np.int64(1), b"ab"):
        with pytest.raises(TypeError, match="cannot go to another process"):
            to_json(value, convert=affine_to_json)
