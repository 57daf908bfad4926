"""The process that reads foreign files: ``python -P -m tgcnet.io.sandbox.child``.

One request after another, each a line of JSON on standard input; it ends with its parent's pipe.
Imports neither torch nor Qt. An unforeseen exception ends it: the state it left a library in is
unknown, and a fresh process takes a second.
"""

import importlib
import json
import signal
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, get_type_hints

from tgcnet.errors import InputError, TgcnetError
from tgcnet.io import decoded
from tgcnet.io.sandbox import limits
from tgcnet.io.sandbox.protocol import REQUESTS, argument_from_json, write_answer
from tgcnet.ipc.process import take_pipes

_SECONDS_BETWEEN_REPORTS = 0.05
_FAMILY = TgcnetError.__module__


class _Service:
    """Answers requests on a pipe that nothing else writes to."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._reported_at = 0.0

    def answer(self, line: bytes) -> None:
        """Carry one request out; its answer, or one of our errors, goes back."""
        asked = json.loads(line)
        request = REQUESTS[asked["request"]]
        function = getattr(importlib.import_module(request.module), request.function)
        hints = get_type_hints(function)
        arguments = {
            name: argument_from_json(hints[name], value)
            for name, value in asked["arguments"].items()
        }
        if request.has_progress:
            arguments["on_progress"] = self._report_progress
        try:
            with limits.limited():
                value = function(**arguments)
        except TgcnetError as error:
            self._send({"error": _known_class(error), "sentence": str(error)})
        except MemoryError:
            sentence = decoded.memory_exceeded(asked["name"])
            self._send({"error": InputError.__name__, "sentence": sentence})
        else:
            self._send({"value": value})

    def say_ready(self) -> None:
        """Send the parent that the imports are done: from now on only files take time."""
        self._send({"ready": True})

    def grant_memory(self, name: str, num_bytes: int) -> None:
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
        """Send where an unforeseen exception came from; its own text may name a patient."""
        last = traceback.extract_tb(trace)[-1] if trace else None
        place = f"{Path(last.filename).name}:{last.lineno}" if last else "nowhere"
        self._send({"defect": f"{kind.__name__} at {place}"})

    def _report_progress(self, fraction: float) -> None:
        limits.renew_time()
        if time.monotonic() - self._reported_at >= _SECONDS_BETWEEN_REPORTS or fraction >= 1:
            self._reported_at = time.monotonic()
            self._send({"progress": float(fraction)})

    def _send(self, message: dict[str, object]) -> None:
        write_answer(self._answers, message)


def main() -> None:
    """Serve until the parent closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the parent
    limits.forbid_core_dumps()
    # What a library prints goes nowhere: its lines quote headers, which name patients.
    requests, answers = take_pipes(keep_stderr=False)
    service = _Service(answers)
    decoded.on_announced(service.grant_memory)
    sys.excepthook = service.report_defect
    # Imported now, so that a request's memory is counted from what all of them need; pydantic
    # imports most of itself at its first type.
    importlib.import_module(REQUESTS["decode_volume"].module)
    argument_from_json(Path, ".")
    service.say_ready()
    for line in requests:
        service.answer(line)


def _known_class(error: TgcnetError) -> str:
    """The error's class as the parent knows it: a module's own kind is one of the family's."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == _FAMILY)


if __name__ == "__main__":
    main()
