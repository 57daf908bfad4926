"""What a decoder hands to ``read``: an array turned to (Z, Y, X), and where it lies."""

import logging
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from tgcnet.domain import Geometry
from tgcnet.errors import InputError

MAX_PLANE_PIXELS = 80_000_000
"""Four times the largest radiograph; more is a decompression bomb or a microscope slide."""

MAX_VOXELS = 2**30
"""A CT of 512 x 512 x 4096; more does not fit the memory this program plans with."""

MAX_RATIO = 2000
"""Deflate packs 1,032 bytes into one at the most, LZW some 1,400, whatever the image."""

_ALWAYS_PLAUSIBLE_BYTES = 64_000_000
"""Any file may claim as much: blank JPEGs pack better than that, and it does no harm."""

_LISTENERS: list[Callable[[str, int], None]] = []

# Decoders meet bytes that anybody may have made, and the libraries below them answer a broken
# file with whatever broke inside. All of these mean "this file cannot be decoded".
DECODER_ERRORS = (
    OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    AssertionError, RuntimeError, SyntaxError, struct.error, zlib.error,
)  # fmt: skip


MAX_SLICES = 10_000
"""Three times the longest CT; more is a file made to keep its reader busy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """An image as its file holds it.

    Attributes
    ----------
    array : (Z, Y, X), real numbers in native byte order
    may_be_hounsfield : the format is used for CT, so values below -200 show one
    notices : sentences about what was assumed or converted
    """

    array: np.ndarray
    geometry: Geometry
    may_be_hounsfield: bool
    notices: tuple[str, ...] = ()


def check_size(shape: tuple[int, ...], name: str) -> None:
    """Refuse a (…, Y, X) shape that is empty or absurd, before anything is decoded.

    Raises
    ------
    InputError
        If a side is below 1, a plane exceeds ``MAX_PLANE_PIXELS``, all exceed ``MAX_VOXELS``, or
        there are more planes than ``MAX_SLICES``.
    """
    sides = tuple(int(side) for side in shape)
    text = " x ".join(str(side) for side in sides)
    if not sides or min(sides) < 1:
        raise InputError(
            f"{name} holds an image without pixels ({text or 'no sides'}), expected at least one "
            "pixel on each side; export it again."
        )
    if math.prod(sides[:-2]) > MAX_SLICES:
        raise InputError(
            f"{name} says it is {text} pixels large, expected at most {MAX_SLICES:,} slices; it is "
            "damaged, or take a part of it first."
        )
    voxels = math.prod(sides)
    if sides[-1] * sides[-2] > MAX_PLANE_PIXELS or voxels > MAX_VOXELS:
        raise InputError(
            f"{name} says it is {text} pixels large, expected at most {MAX_PLANE_PIXELS:,} a plane "
            f"and {MAX_VOXELS:,} in all; crop or downsample it first."
        )


def announce(name: str, *, unpacked: int, packed: int, working: int) -> None:
    """Say what decoding takes, once :func:`check_size` has passed and before memory is asked for.

    Parameters
    ----------
    unpacked : bytes of the image that the file claims to hold
    packed : bytes that the file has for it
    working : bytes that its decoder holds at most at a time

    Raises
    ------
    InputError
        If no packing known makes so little of so much, or the system has no such memory.
    """
    if unpacked > max(_ALWAYS_PLAUSIBLE_BYTES, MAX_RATIO * packed):
        raise InputError(
            f"{name} has {packed:,} bytes of image and claims to unpack to {unpacked:,}, expected "
            f"at most {MAX_RATIO:,} times as many; it is damaged or a decompression bomb: export "
            "it again."
        )
    for listener in _LISTENERS:
        listener(name, working)


def on_announced(listener: Callable[[str, int], None]) -> None:
    """Have ``listener`` called with the name and the working bytes of each image from now on."""
    _LISTENERS.append(listener)


def needs_too_much_memory(name: str) -> str:
    """Say that a file asked for more memory than one of its kind may."""
    return (
        f"{name} needs more memory to be read than an image of its size may; it is damaged, or a "
        "decompression bomb: export it again, or crop it first."
    )


@contextmanager
def quiet(*logger_names: str) -> Iterator[None]:
    """Silence a library's log while it decodes: its lines quote tags, which may name a patient."""
    loggers = [logging.getLogger(name) for name in logger_names]
    # Lets only a logger of this name pass, and there is none. A filter of this call's own: two
    # threads that read at once do not undo each other's.
    block = logging.Filter("tgcnet.nobody")
    for logger in loggers:
        logger.addFilter(block)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(block)
