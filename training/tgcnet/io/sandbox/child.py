"""The process that reads foreign files: ``python -P -m tgcnet.io.sandbox.child``.

One request after another, each a line of JSON on standard input; it ends with its parent's pipe.
Imports neither torch nor Qt. What nobody foresaw ends it: the state it left a library in is
unknown, and a fresh process takes a second.
"""

import importlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, get_type_hints

import numpy as np

from tgcnet.errors import InputError, TgcnetError
from tgcnet.io import decoded
from tgcnet.io.sandbox import limits
from tgcnet.io.sandbox.codec import decode, describe_arrays, encode
from tgcnet.io.sandbox.requests import REQUESTS

_SECONDS_BETWEEN_TELLING = 0.05
_FAMILY = TgcnetError.__module__


class _Service:
    """Answers requests on a pipe that nothing else writes to."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._told_at = 0.0

    def answer(self, line: bytes) -> None:
        """Carry one request out; its answer, or one of our errors, goes back."""
        asked = json.loads(line)
        request = REQUESTS[asked["request"]]
        function = getattr(importlib.import_module(request.module), request.function)
        hints = get_type_hints(function)
        arguments = {
            name: decode(hints[name], value, ()) for name, value in asked["arguments"].items()
        }
        if request.tells_progress:
            arguments["on_progress"] = self._tell
        try:
            with limits.limited():
                value = function(**arguments)
        except TgcnetError as error:
            self._send({"error": _known_class(error), "sentence": str(error)})
        except MemoryError:
            sentence = decoded.needs_too_much_memory(asked["name"])
            self._send({"error": InputError.__name__, "sentence": sentence})
        else:
            arrays: list[np.ndarray] = []
            self._send({"value": encode(value, arrays)}, arrays)

    def say_ready(self) -> None:
        """Tell the parent that from now on only files take time."""
        self._send({"ready": True})

    def announced(self, name: str, num_bytes: int) -> None:
        """Widen the limits for an image whose size was checked, here and in the parent."""
        if num_bytes <= limits.COVERED_BYTES:
            return
        free = limits.free_memory()
        if num_bytes > free:
            raise InputError(
                f"{name} needs {num_bytes / 1e6:,.0f} MB of memory to be read, and this machine "
                f"has {free / 1e6:,.0f} MB to give; close other programs, or crop the image first."
            )
        limits.widen(num_bytes)
        self._send({"working_bytes": num_bytes})

    def report_defect(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Say where an exception that nobody foresaw came from; its own text may name a patient."""
        last = traceback.extract_tb(trace)[-1] if trace else None
        place = f"{Path(last.filename).name}:{last.lineno}" if last else "nowhere"
        self._send({"defect": f"{kind.__name__} at {place}"})

    def _tell(self, fraction: float) -> None:
        limits.renew_time()
        if time.monotonic() - self._told_at >= _SECONDS_BETWEEN_TELLING or fraction >= 1:
            self._told_at = time.monotonic()
            self._send({"progress": float(fraction)})

    def _send(self, message: dict[str, Any], arrays: list[np.ndarray] | None = None) -> None:
        described = {**message, "arrays": describe_arrays(arrays or [])}
        self._answers.write(json.dumps(described).encode("ascii") + b"\n")
        for array in arrays or []:
            self._answers.write(array.reshape(-1).view(np.uint8).data)
        self._answers.flush()


def main() -> None:
    """Serve until the parent closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the parent's affair
    limits.forbid_core_dumps()
    requests, answers = _take_pipes()
    service = _Service(answers)
    decoded.on_announced(service.announced)
    sys.excepthook = service.report_defect
    # Imported now, so that a request's memory is counted from what all of them need.
    importlib.import_module(REQUESTS["decode_volume"].module)
    service.say_ready()
    for line in requests:
        service.answer(line)


def _known_class(error: TgcnetError) -> str:
    """The error's class as the parent knows it: a module's own kind is one of the family's."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == _FAMILY)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the parent's pipes to ourselves: what a library prints goes nowhere.

    Its lines quote headers, which name patients.
    """
    requests, answers = os.dup(0), os.dup(1)
    with open(os.devnull, "r+b") as nothing:
        for standard in (0, 1, 2):
            os.dup2(nothing.fileno(), standard)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


if __name__ == "__main__":
    main()
