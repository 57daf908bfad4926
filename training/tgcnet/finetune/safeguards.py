"""What a run does about a loss that explodes and about a device whose memory is too small."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from tgcnet.errors import DeviceError
from tgcnet.inference.volume import is_out_of_memory

MAX_ROLLBACKS = 3
_MEMORY = 40
_EXPLODES_AT = 4.0


def is_fine(loss: float, recent: Sequence[float]) -> bool:
    """Whether training may go on from a loss.

    A loss has exploded if it is no finite number, or more than four times the median of the recent
    ones (at least 1, about what an untrained network has). The first one is the parent's own,
    however far the corrections are from what it draws.
    """
    usual = max(1.0, median(recent or [loss]))
    return math.isfinite(loss) and loss <= _EXPLODES_AT * usual


def remembering(loss: float, recent: Sequence[float]) -> tuple[float, ...]:
    """The recent losses with another one, the latest last."""
    return (*recent[-_MEMORY:], loss)


@contextmanager
def needs_memory(what: str) -> Iterator[None]:
    """Make a sentence of a lack of memory; the run can be resumed from its last checkpoint.

    Parameters
    ----------
    what : the memory is too small for it

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
    """The sentence, and what to do."""
    return DeviceError(
        f"The device's memory is too small for {what}. Close other programs that use it and resume "
        "the run, resume it on the processor (--device cpu), or begin anew with a smaller batch "
        "(--batch-size) or less that learns (--learns decoder)."
    )
