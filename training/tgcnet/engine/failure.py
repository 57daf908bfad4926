"""What an error inside a request becomes: one event, and a log without the patient's words."""

import logging
import re
import traceback

from tgcnet.engine.log import log_place
from tgcnet.engine.protocol import UNEXPECTED, Failed
from tgcnet.errors import DeviceError, TgcnetError

_LOG = logging.getLogger(__name__)


def as_event(error: Exception, request: int, *, private: str) -> Failed:
    """Turn an error into the event that ends its request.

    One of our own family is its own sentence; any other is logged with its traceback.

    Parameters
    ----------
    private : a text of the patient's; none of its words reaches the log
    """
    if isinstance(error, TgcnetError):
        return Failed(request=request, sentence=str(error), kind=type(error).__name__)
    trace = without_words("".join(traceback.format_exception(error)), private)
    _LOG.error("request %d failed\n%s", request, trace)
    if isinstance(error, MemoryError):
        sentence = "Memory ran out; close other programs, choose fewer slices, or crop the stack."
        return Failed(request=request, sentence=sentence, kind=DeviceError.__name__)
    sentence = (
        f"Something went wrong inside the program ({type(error).__name__}). Your images "
        "and masks are untouched. Try again, and report it if it happens again; the "
        f"details are in {log_place()}."
    )
    return Failed(request=request, sentence=sentence, kind=UNEXPECTED)


def without_words(text: str, private: str) -> str:
    """``text`` with an ellipsis for every word of three letters or more that ``private`` has.

    Messages of foreign libraries quote what they were given. This also hides innocent words that
    a report happens to share, which costs a little legibility of a traceback.
    """
    hidden = {word.lower() for word in re.findall(r"\w{3,}", private)}
    return re.sub(r"\w{3,}", lambda m: "…" if m[0].lower() in hidden else m[0], text)
