"""The edge of a request: whatever goes wrong inside becomes one event, and the child lives on."""

import logging
import re
import traceback
from collections.abc import Callable
from types import TracebackType

from tgcnet.engine.log import log_place
from tgcnet.engine.protocol import UNEXPECTED, Event, Failed
from tgcnet.errors import DeviceError, TgcnetError

_LOG = logging.getLogger(__name__)


class Edge:
    """A context that turns an error into a ``Failed`` event.

    Not an ``except``: nothing is swallowed, every error is either a sentence of our own family
    or logged with its traceback. What ends the process (KeyboardInterrupt) passes through.

    Parameters
    ----------
    private : a text of the patient's; none of its words reaches the log
    """

    def __init__(self, request: int, send: Callable[[Event], None], *, private: str = "") -> None:
        self._request, self._send, self._private = request, send, private

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        if isinstance(error, TgcnetError):
            self._fail(str(error), type(error).__name__)
            return True
        _LOG.error(
            "request %d failed\n%s",
            self._request,
            without_words("".join(traceback.format_exception(error)), self._private),
        )
        if isinstance(error, MemoryError):
            self._fail(
                "Memory ran out; close other programs, choose fewer slices, or crop the stack.",
                DeviceError.__name__,
            )
        else:
            self._fail(
                f"Something went wrong inside the program ({type(error).__name__}). Your images "
                "and masks are untouched. Try again, and report it if it happens again; the "
                f"details are in {log_place()}.",
                UNEXPECTED,
            )
        return True

    def _fail(self, sentence: str, kind: str) -> None:
        self._send(Failed(request=self._request, sentence=sentence, kind=kind))


def without_words(text: str, private: str) -> str:
    """``text`` with an ellipsis for every word of three letters or more that ``private`` has.

    Messages of foreign libraries quote what they were given. This also hides innocent words that
    a report happens to share, which costs a little legibility of a traceback.
    """
    hidden = {word.lower() for word in re.findall(r"\w{3,}", private)}
    return re.sub(r"\w{3,}", lambda m: "…" if m[0].lower() in hidden else m[0], text)
