"""What is said where the device's memory is too small."""

from collections.abc import Iterator
from contextlib import contextmanager

from tgcnet.errors import DeviceError
from tgcnet.inference.volume_runner import is_out_of_memory


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
