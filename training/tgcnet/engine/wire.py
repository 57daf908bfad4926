"""Protocol messages to lines of JSON and back; whatever does not fit is an EngineError."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from tgcnet.engine.protocol import Event, Request
from tgcnet.errors import EngineError
from tgcnet.ipc import codec

_REQUESTS = {cls.__name__: cls for cls in get_args(Request)}
_EVENTS = {cls.__name__: cls for cls in get_args(Event)}


class UnreadableLineError(EngineError):
    """A line that is no message; ``request`` is the number it carries, where one can be read."""

    def __init__(self, sentence: str, request: int | None = None) -> None:
        super().__init__(sentence)
        self.request = request


def encode(message: Request | Event) -> bytes:
    """One line of ASCII JSON with its end of line."""
    values = {one.name: getattr(message, one.name) for one in fields(message)}
    line = codec.to_json({"type": type(message).__name__, **values}, convert=codec.affine_to_json)
    return line.encode("ascii") + b"\n"


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
        name = values.pop("type", None) if isinstance(values, dict) else None
        if not isinstance(name, str) or name not in known:
            raise codec.MisfitError(f"it is of no known type; expected one of {', '.join(known)}")
        return codec.from_json(known[name], values, read_array=codec.affine_from_json)
    except codec.MisfitError as error:
        raise UnreadableLineError(
            f"A message between the window and the model's process cannot be read: {error}. Both "
            "must come from one installation of napari-tgcnet: restart napari after an update.",
            number if type(number) is int else None,
        ) from error
