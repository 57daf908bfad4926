"""The model's process: ``python -m tgcnet.engine.child``. Started by the client, never by hand."""

import logging
import os
import signal
import sys
import threading
import time
from typing import BinaryIO

from tgcnet.engine.inbox import Inbox
from tgcnet.engine.protocol import Event, Failed, Starting
from tgcnet.engine.serve import serve
from tgcnet.engine.wire import UnreadableLineError, encode
from tgcnet.errors import EngineError
from tgcnet.ipc.process import take_pipes

_GRACE_SECONDS = 1.0
_EXIT_NO_MODELS = 3

_LOG = logging.getLogger(__name__)


class Outbox:
    """Sends events, from any thread, over a pipe that nothing else writes to."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        """Write one event; it is lost where the window is gone, and then the inbox ends too."""
        line = encode(event)
        try:
            with self._lock:
                self._pipe.write(line)
                self._pipe.flush()
        except OSError:
            _LOG.warning("an event was not sent: the window's process is gone")

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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the window
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    requests, events = take_pipes(keep_stderr=True)
    outbox = Outbox(events)
    inbox = Inbox(requests, on_unreadable=outbox.send_unreadable, on_end=_leave_soon)
    inbox.start()
    outbox.send(Starting(process_id=os.getpid()))
    try:
        # Here, since it takes seconds: the first event must not wait for it.
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


def _leave_soon() -> None:
    """End after the last request, even if a native call does not return."""
    time.sleep(_GRACE_SECONDS)
    _leave(0)


def _leave(code: int) -> None:
    """Exit without waiting for reading threads, or for libraries whose cleanup takes seconds."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
