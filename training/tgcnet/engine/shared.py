"""Arrays that both processes see, in shared memory.

Whoever creates a block removes its name; whoever attaches only maps it. The memory itself lives
as long as an array over it does, in either process: closing a mapping under a NumPy array would
crash, so the mapping is closed by the array's own end and by nothing else.
"""

import os
import sys
import weakref
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from tgcnet.domain import Volume
from tgcnet.engine.protocol import ArrayBlock, SentVolume
from tgcnet.errors import EngineError

_LINUX_BLOCKS = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory, no temporary file


class OwnedBlock:
    """A block of shared memory this process created, with a zeroed array over it.

    Attributes
    ----------
    array : (Z, Y, X), C-ordered, writable; stays valid after :meth:`unlink`
    sent : how the other process finds it

    Raises
    ------
    EngineError
        If the system grants no shared memory of that size.
    """

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype) -> None:
        native = dtype.newbyteorder("=")
        try:
            self._memory = SharedMemory(create=True, size=max(_num_bytes(shape, native), 1))
        except OSError as error:
            raise _no_room(_num_bytes(shape, native)) from error
        self.array = _array_over(self._memory, shape, native)
        self.sent = ArrayBlock(name=self._memory.name, shape=shape, dtype=native.name)

    def reserve(self) -> None:
        """Make sure that every page is there, which may take a tenth of a second.

        Linux grants shared memory without having it and ends the process that writes a page
        there is no room for (a container's ``/dev/shm`` often has 64 MB): so ask first.

        Raises
        ------
        EngineError
            If there is no room, or the block was unlinked.
        """
        if not _LINUX_BLOCKS.is_dir():
            return
        try:
            descriptor = os.open(_LINUX_BLOCKS / self.sent.name, os.O_RDWR)
        except FileNotFoundError as error:
            raise _gone() from error
        try:
            os.posix_fallocate(descriptor, 0, self.array.nbytes)
        except OSError as error:
            raise _no_room(self.array.nbytes) from error
        finally:
            os.close(descriptor)

    def unlink(self) -> None:
        """Remove the block's name; the memory goes with the last array over it."""
        try:
            self._memory.unlink()
        except FileNotFoundError:  # somebody tidied up: what we want is the case
            resource_tracker.unregister(f"/{self.sent.name}", "shared_memory")


def attach(block: ArrayBlock) -> np.ndarray:
    """Map the array of a block that the other process created.

    Raises
    ------
    EngineError
        If the block is gone or smaller than it says.
    """
    dtype = np.dtype(block.dtype)
    try:
        memory = _open(block.name)
    except OSError as error:
        raise _gone() from error
    if memory.size < _num_bytes(block.shape, dtype):
        raise EngineError(
            f"The shared memory of this request holds {memory.size} bytes, its array of shape "
            f"{block.shape} needs {_num_bytes(block.shape, dtype)}. Run again."
        )
    return _array_over(memory, block.shape, dtype)


def describe_volume(volume: Volume, block: ArrayBlock) -> SentVolume:
    """The message for a volume whose array is copied to ``block``; without identifiers."""
    return SentVolume(block=block, header=volume.anonymous())


def rebuild_volume(sent: SentVolume) -> Volume:
    """Make the volume again, its array read-only and in shared memory."""
    array = attach(sent.block)
    array.flags.writeable = False
    return sent.header.with_array(array)


def _open(name: str) -> SharedMemory:
    """Map a block without becoming its owner.

    Before Python 3.13 attaching registers the block with this process's resource tracker, which
    would remove it from under its creator when this process ends.
    """
    if sys.version_info >= (3, 13):
        return SharedMemory(name=name, track=False)
    memory = SharedMemory(name=name)
    if os.name == "posix":
        resource_tracker.unregister(f"/{name}", "shared_memory")
    return memory


def _array_over(memory: SharedMemory, shape: tuple[int, int, int], dtype: np.dtype) -> np.ndarray:
    array: np.ndarray = np.ndarray(shape, dtype=dtype, buffer=memory.buf)
    # Views keep the array alive, and the finaliser's bound method keeps the mapping.
    weakref.finalize(array, memory.close).atexit = False
    return array


def _num_bytes(shape: tuple[int, int, int], dtype: np.dtype) -> int:
    return int(np.prod(shape, dtype=np.int64)) * dtype.itemsize


def _gone() -> EngineError:
    return EngineError(
        "The shared memory of this request is gone; it was released before the model read it. "
        "Run again."
    )


def _no_room(num_bytes: int) -> EngineError:
    return EngineError(
        f"The model's process needs {num_bytes / 1e6:.0f} MB of shared memory for this image and "
        "the system does not grant them. Close other programs, or crop the stack; in a container, "
        "start it with more (such as --shm-size=2g)."
    )
