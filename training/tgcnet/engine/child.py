"""The model's process: ``python -m tgcnet.engine.child``. Started by the client, never by hand."""

import logging
import os
import signal
import sys
import threading
import time

from tgcnet.engine.inbox import Inbox
from tgcnet.engine.protocol import Event, Failed, Starting
from tgcnet.engine.serve import serve
from tgcnet.engine.wire import UnreadableLineError, encode
from tgcnet.errors import EngineError

_GRACE_SECONDS = 1.0
_EXIT_NO_MODELS = 3

_LOG = logging.getLogger(__name__)


class Outbox:
    """Sends events, from any thread, over a pipe that nothing else writes to."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "wb", buffering=0)
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        """Write one event; where nobody listens any more it is lost, the inbox ends too then."""
        line = memoryview(encode(event))
        try:
            with self._lock:
                while line:
                    line = line[self._pipe.write(line) or 0 :]
        except OSError:
            _LOG.warning("an event found nobody who listens")

    def send_unreadable(self, error: UnreadableLineError) -> None:
        """Answer a line that is no request."""
        self.send(Failed(request=error.request, sentence=str(error), kind=EngineError.__name__))


def main() -> int:
    """Serve until the window shuts us down or is gone.

    Returns
    -------
    int
        Exit code: 0, or 3 where the models' libraries cannot be imported.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the window's affair
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    requests, events = _take_pipes()
    outbox = Outbox(events)
    inbox = Inbox(
        os.fdopen(requests, "rb"), on_unreadable=outbox.send_unreadable, on_end=_leave_soon
    )
    inbox.start()
    outbox.send(Starting(process_id=os.getpid()))
    try:
        # Seconds, and not before somebody was told that we live.
        from tgcnet.engine.backend import TorchBackend, set_threads
    except (ImportError, OSError) as error:  # OSError: a shared library that does not load
        _LOG.exception("the models' libraries cannot be imported")
        sentence = (
            f"The libraries the models need cannot be imported ({error}). "
            "torch and torchvision must come as a matching pair: reinstall napari-tgcnet in a "
            "fresh environment."
        )
        outbox.send(Failed(request=None, sentence=sentence, kind=EngineError.__name__))
        return _EXIT_NO_MODELS
    set_threads()
    serve(inbox, outbox.send, TorchBackend())
    return 0


def _take_pipes() -> tuple[int, int]:
    """Keep the protocol's pipes to ourselves, as (requests, events).

    Afterwards a print, in Python or in C, goes to standard error, and a read of standard input
    finds nothing. Duplicates are not inherited, so that no process of ours keeps them open.
    """
    requests, events = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return requests, events


def _leave_soon() -> None:
    """After the last request: a native call that does not come back must not keep us here."""
    time.sleep(_GRACE_SECONDS)
    _leave(0)


def _leave(code: int) -> None:
    """Exit without waiting for threads that read, or for libraries that tidy up for seconds."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
