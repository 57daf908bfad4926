"""What may be asked of the process that reads foreign files, what it answers, and how it sends it.

A request is a line of JSON. So is an answer, and the bytes of its arrays follow.
"""

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from tgcnet.domain import Array, Volume
from tgcnet.errors import EngineError
from tgcnet.io.dicom.series import Listing
from tgcnet.io.report_file import ReportFile
from tgcnet.ipc import codec

MAX_ARRAY_BYTES = 2**33
"""The largest volume that may be read, in its widest numbers."""

_MAX_LINE_BYTES = 2**28
"""Headers of a hundred thousand frames."""

_NUMBER_KINDS = "biuf"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A function that the child may call.

    Attributes
    ----------
    module, function : imported in the child alone: it may need libraries that are large
    answer : the type of what it returns
    has_progress : whether it takes ``on_progress``
    """

    module: str
    function: str
    answer: Any
    has_progress: bool = False


REQUESTS = {
    "decode_volume": Request(module="tgcnet.io.read", function="decode_volume", answer=Volume),
    "decode_frame": Request(module="tgcnet.io.dicom.pixels", function="decode_frame", answer=Array),
    "list_studies": Request(
        module="tgcnet.io.dicom.gather",
        function="list_studies",
        answer=Listing,
        has_progress=True,
    ),
    "read_seg_headers": Request(
        module="tgcnet.io.dicom.seg_headers",
        function="read_seg_headers",
        answer=tuple[Array, ...],
        has_progress=True,
    ),
    "is_segmentation": Request(
        module="tgcnet.io.dicom.seg_headers", function="is_segmentation", answer=bool
    ),
    "read_report": Request(
        module="tgcnet.io.report_file", function="read_report_file", answer=ReportFile
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A message of the child as it came, and the arrays that its values refer to by their index."""

    message: dict[str, Any]
    arrays: list[np.ndarray]

    def value(self, kind: Any) -> Any:
        """Its ``value``, which is of the type ``kind``.

        Raises
        ------
        MisfitError
            If it is of another type.
        """
        read_array = functools.partial(_array_at, self.arrays)
        return codec.from_json(kind, self.message["value"], read_array=read_array)


def request_to_json(request: str, name: str, arguments: Mapping[str, object]) -> bytes:
    """The line of a request; ``name`` is what sentences call the file."""
    asked = {"request": request, "name": name, "arguments": arguments}
    return codec.to_json(asked, convert=functools.partial(_set_aside, None)).encode("ascii") + b"\n"


def argument_from_json(kind: Any, value: object) -> Any:
    """An argument of a request, of the type ``kind``; no array is one."""
    return codec.from_json(kind, value, read_array=functools.partial(_array_at, []))


def write_answer(stream: IO[bytes], message: Mapping[str, object]) -> None:
    """Send a message and its arrays."""
    arrays: list[np.ndarray] = []
    text = codec.to_json(message, convert=functools.partial(_set_aside, arrays))
    described = json.dumps([(array.dtype.str, array.shape) for array in arrays])
    stream.write(f'{{"arrays":{described},"message":{text}}}\n'.encode("ascii"))
    for array in arrays:
        stream.write(array.reshape(-1).view(np.uint8).data)
    stream.flush()


def read_answer(stream: IO[bytes]) -> Answer | None:
    """Receive a message and its arrays; None where the child is gone.

    Raises
    ------
    EngineError
        If it is no message.
    """
    line = stream.readline(_MAX_LINE_BYTES)
    if not line.endswith(b"\n"):
        return None
    try:
        sent = json.loads(line)
        arrays = [_read_array(stream, dtype, shape) for dtype, shape in sent["arrays"]]
        return Answer(message=dict(sent["message"]), arrays=arrays)
    except EOFError:
        return None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise EngineError(
            "The process that reads files sent what is no message; open the file again."
        ) from error


def _set_aside(arrays: list[np.ndarray] | None, value: object) -> object:
    """Keep an array to be sent after the line, in which its index stands for it."""
    if isinstance(value, np.ndarray) and arrays is not None:
        arrays.append(np.ascontiguousarray(value))
        return len(arrays) - 1
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} cannot go to another process")


def _array_at(arrays: list[np.ndarray], index: object) -> np.ndarray:
    if type(index) is not int or not 0 <= index < len(arrays):
        raise ValueError("no array")
    return arrays[index]


def _read_array(stream: IO[bytes], dtype_name: object, shape: list[int]) -> np.ndarray:
    dtype = np.dtype(str(dtype_name))
    is_plain = dtype.kind in _NUMBER_KINDS and all(type(s) is int and s >= 0 for s in shape)
    if not is_plain or math.prod(shape) * dtype.itemsize > MAX_ARRAY_BYTES:
        raise EngineError("an array that no image has came from the process that reads files")
    array = np.empty(tuple(shape), dtype)
    view = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined]  # a BufferedReader has it
        if not count:
            raise EOFError
        view = view[count:]
    return array
