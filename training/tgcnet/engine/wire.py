"""Protocol messages to lines of JSON and back; whatever does not fit is an EngineError."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from tgcnet.engine.protocol import Event, Request
from tgcnet.errors import EngineError

_REQUESTS = {cls.__name__: cls for cls in get_args(Request)}
_EVENTS = {cls.__name__: cls for cls in get_args(Event)}


class UnreadableLineError(EngineError):
    """A line that is no message; ``request`` is the number it carries, where one can be read."""

    def __init__(self, sentence: str, request: int | None = None) -> None:
        super().__init__(sentence)
        self.request = request


def encode(message: Request | Event) -> bytes:
    """One line of ASCII JSON with its end of line."""
    values = {"type": type(message).__name__, **asdict(message)}
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def decode_request(line: bytes) -> Request:
    """Read what :func:`encode` wrote of a request.

    Raises
    ------
    UnreadableLineError
        If the line is no JSON, of no known type, or lacks, misnames or mistypes a field. The
        message never quotes a value, since it could be the patient's.
    """
    request: Request = _decode(line, _REQUESTS)
    return request


def decode_event(line: bytes) -> Event:
    """Read what :func:`encode` wrote of an event; raises as :func:`decode_request` does."""
    event: Event = _decode(line, _EVENTS)
    return event


def _decode(line: bytes, known: Mapping[str, type]) -> Any:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableLineError(
            f"A line of {len(line)} bytes between the window and the model's process is no JSON "
            "and was left out; run again, and report this if it happens again."
        ) from error
    number = values.get("request") if isinstance(values, dict) else None
    try:
        if not isinstance(values, dict):
            raise _misfit("message", dict, values)
        name = values.pop("type", None)
        if not isinstance(name, str) or name not in known:
            raise EngineError(f"it is of no known type; expected one of {', '.join(known)}")
        return _build(known[name], values)
    except EngineError as error:
        raise UnreadableLineError(
            f"A message between the window and the model's process cannot be read: {error}. Both "
            "must come from one installation of napari-tgcnet: restart napari after an update.",
            number if type(number) is int else None,
        ) from error


def _build(cls: Any, values: object) -> Any:
    """Make a protocol dataclass from the fields of a JSON object."""
    if not isinstance(values, dict):
        raise _misfit(cls.__name__, dict, values)
    hints = get_type_hints(cls)
    if set(values) != {f.name for f in fields(cls)}:
        odd = sorted(set(values) ^ set(hints))
        raise EngineError(f"{cls.__name__} has an absent or unknown field {odd[0]!r}")
    return cls(**{name: _convert(hints[name], value, name) for name, value in values.items()})


def _convert(hint: Any, value: object, where: str) -> Any:
    """``value`` as the annotation of field ``where`` wants it."""
    if isinstance(hint, UnionType):  # the protocol's only unions are "X | None"
        return None if value is None else _convert(get_args(hint)[0], value, where)
    if is_dataclass(hint):
        return _build(hint, value)
    if get_origin(hint) is tuple:
        return _convert_tuple(get_args(hint), value, where)
    if get_origin(hint) is Mapping:
        return _convert_texts(value, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            raise _misfit(where, hint, value) from error
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:  # not isinstance: True is no slice index
        raise _misfit(where, hint, value)
    return value


def _convert_tuple(hints: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _misfit(where, tuple, value)
    if hints[-1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(value) != len(hints):
        raise EngineError(f"{where} has {len(value)} entries, expected {len(hints)}")
    return tuple(_convert(hint, item, where) for hint, item in zip(hints, value, strict=True))


def _convert_texts(value: object, where: str) -> dict[str, str]:
    """Read a mapping; the protocol's only ones go from text to text."""
    if not isinstance(value, dict):
        raise _misfit(where, dict, value)
    return {key: _convert(str, item, where) for key, item in value.items()}


def _misfit(where: str, expected: type, value: object) -> EngineError:
    given = "nothing" if isinstance(value, NoneType) else type(value).__name__
    return EngineError(f"{where} is {given}, expected {expected.__name__}")
