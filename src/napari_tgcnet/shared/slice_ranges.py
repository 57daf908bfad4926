"""Slices as text, as a person writes them: "3-7, 12". No Qt."""

from __future__ import annotations

import re
from collections.abc import Iterable

from napari_tgcnet.shared import messages
from tgcnet.errors import InputError

_ONE = re.compile(r"(\d+)(?:\s*[-\u2013]\s*(\d+))?")


def parse_slices(text: str, num_slices: int) -> tuple[int, ...]:
    """Indices along a stack's first axis, ascending, each once; none for a blank text.

    Raises
    ------
    InputError
        If a part is neither a number nor a range, runs backwards, or is outside the stack.
    """
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in re.split(r"[,;\n]", text))):
        match = _ONE.fullmatch(part)
        if match is None:
            raise InputError(messages.not_slices(part))
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if not first <= last < num_slices:
            raise InputError(messages.slices_outside(part, num_slices))
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def format_slices(slices: Iterable[int]) -> str:
    """The shortest text that :func:`parse_slices` reads back."""
    runs: list[list[int]] = []
    for index in sorted(set(slices)):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
