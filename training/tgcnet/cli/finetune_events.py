"""What ``tgcnet finetune`` prints and logs of a run, and how signals stop one."""

import json
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tgcnet.cli.output import Printer, warn
from tgcnet.errors import OutputError, TgcnetError
from tgcnet.finetune.events import Event, Failed, Stopped, in_words, to_values

_INTERRUPTED = "Fine-tuning was broken off; it goes on from its last checkpoint when resumed."
_NO_MEMORY = (
    "This machine's memory is used up, so fine-tuning ended. Close other programs and resume the "
    "run; it goes on from its last checkpoint."
)
_DEFECT = (
    "Fine-tuning ended by a defect of this program ({}); its last checkpoint is kept, and the "
    "error's details are where the run's own output goes. Please report it with them."
)


def print_event(event: Event, printer: Printer, *, as_json: bool) -> None:
    """A line of JSON, or a sentence where the event has one."""
    if as_json:
        printer(json.dumps(to_values(event)))
    elif (sentence := in_words(event)) is not None:
        printer(sentence)


@contextmanager
def logged_end(log: Callable[[Event], None]) -> Iterator[None]:
    """Log why the run ended, for whoever watches it; the error itself is raised on."""
    try:
        yield
    except TgcnetError as error:
        _log_end(log, Failed(sentence=str(error)))
        raise
    except KeyboardInterrupt:
        _log_end(log, Stopped(sentence=_INTERRUPTED))
        raise
    except MemoryError:
        # The command line says it in one sentence; where it happened is worth knowing, too.
        traceback.print_exc()
        _log_end(log, Failed(sentence=_NO_MEMORY))
        raise
    except Exception as error:
        _log_end(log, Failed(sentence=_DEFECT.format(type(error).__name__)))
        raise


def _log_end(log: Callable[[Event], None], event: Event) -> None:
    try:
        log(event)
    except OutputError as error:
        warn(f"tgcnet: {error}")


@contextmanager
def stopped_by_signal(stop_file: Path) -> Iterator[None]:
    """Ctrl-C stops after the images at hand; a second one at once, the checkpoint stays."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        stop_file.touch()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
