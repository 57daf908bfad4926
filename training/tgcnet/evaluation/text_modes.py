"""The text that the model is given with each image: its report, none, or a wrong one."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import chain

from tgcnet.report.edits import contradict, swap_sides, without_location


class TextMode(StrEnum):
    """The text that the model is given with each image."""

    GIVEN = "given"
    """The folder's report."""
    NONE = "none"
    """Nothing."""
    SWAPPED = "swapped"
    """The report with left and right exchanged."""
    SHUFFLED = "shuffled"
    """Another image's report, one that reads differently."""
    CONTRADICTORY = "contradictory"
    """The report with its findings denied."""
    NO_LOCATION = "no-location"
    """The report without sides, lobes and zones."""


def edit_texts(reports: Sequence[str], mode: TextMode, seed: int = 0) -> list[str]:
    """The texts that the model is given, one an image; "" is none."""
    edits: dict[TextMode, Callable[[str], str]] = {
        TextMode.GIVEN: str,
        TextMode.NONE: lambda _: "",
        TextMode.SWAPPED: swap_sides,
        TextMode.CONTRADICTORY: contradict,
        TextMode.NO_LOCATION: without_location,
    }
    if mode is TextMode.SHUFFLED:
        return shuffle_texts(reports, seed)
    return [edits[mode](report) for report in reports]


def shuffle_texts(reports: Sequence[str], seed: int) -> list[str]:
    """Give every image another's text, one that reads differently wherever that is possible.

    Equal texts lie next to each other in a random order of the texts, and the row is turned by the
    size of the largest group: then no image meets its own text, unless that group is more than
    half of all.
    """
    generator = random.Random(seed)  # reproducible, not secret
    groups: dict[str, list[int]] = {}
    for index, report in enumerate(reports):
        groups.setdefault(report, []).append(index)
    shuffled = list(groups.values())
    generator.shuffle(shuffled)
    for group in shuffled:
        generator.shuffle(group)
    order = list(chain.from_iterable(shuffled))
    turn = max(Counter(reports).values(), default=0)
    texts = [""] * len(order)
    for position, index in enumerate(order):
        texts[index] = reports[order[(position + turn) % len(order)]]
    return texts
