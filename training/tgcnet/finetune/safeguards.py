"""What a run does about a loss that explodes and about a device whose memory is too small."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from tgcnet.errors import DeviceError
from tgcnet.inference.volume_runner import is_out_of_memory

MAX_ROLLBACKS = 3
_MEMORY = 40
_EXPLODES_AT = 4.0


def is_fine(loss: float, recent: Sequence[float]) -> bool:
    """Whether training may go on from a loss.

    A loss has exploded if it is no finite number, or more than four times the median of the recent
    ones (at least 1, about what an untrained network has). The first one is the parent's own,
    however far the corrections are from its masks.
    """
    usual = max(1.0, median(recent or [loss]))
    return math.isfinite(loss) and loss <= _EXPLODES_AT * usual


def with_latest(loss: float, recent: Sequence[float]) -> tuple[float, ...]:
    """The recent losses and this one, the latest last."""
    return (*recent[-_MEMORY:], loss)


@contextmanager
def needs_memory(what: str) -> Iterator[None]:
    """Turn a lack of memory into a DeviceError; the run can be resumed from its last checkpoint.

    Parameters
    ----------
    what : what the memory is too small for

    Raises
    ------
    DeviceError
        If memory runs out.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise too_small_for(what) from error


def too_small_for(what: str) -> DeviceError:
    """The error, which says what to do."""
    return DeviceError(
        f"The device's memory is too small for {what}. Close other programs that use it and resume "
        "the run, resume it on the processor (--device cpu), or begin anew with a smaller batch "
        "(--batch-size) or less that learns (--learns decoder)."
    )
