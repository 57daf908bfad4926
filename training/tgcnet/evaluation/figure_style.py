"""One style for all that is drawn; importing this needs matplotlib."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# Okabe and Ito's colours: distinct to the colour-blind, on paper and on black.
GREEN, VERMILION, SKY_BLUE, YELLOW = "#009E73", "#D55E00", "#56B4E9", "#F0E442"

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "legend.frameon": False,
}


@contextmanager
def new_figure(width_in: float, height_in: float) -> Iterator[Figure]:
    """A figure in our style to draw on and to save inside the ``with``.

    Neither a window nor pyplot's state comes into it, and the user's own settings are left alone.
    """
    with matplotlib.rc_context(_STYLE):
        yield Figure(figsize=(width_in, height_in))
