"""The reliability diagram of a calibration, drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from tgcnet.evaluation.calibration import NUM_BINS, Calibration, Reliability
from tgcnet.evaluation.figure_style import SKY_BLUE, VERMILION, new_figure
from tgcnet.io import RESEARCH_NOTICE, write_atomically

_WIDTH_IN, _HEIGHT_IN, _DPI = 4.0, 5.6, 160
_PIXELS_HEIGHT = 0.28
"""Of the lower axes, of their width; the upper ones are square."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """How one reliability looks; the two often lie on each other, so one is broad."""

    label: str
    colour: str
    marker: str
    width: float
    marker_size: float


_WHOLE = _Line(label="whole image", colour=SKY_BLUE, marker="o", width=4.0, marker_size=8.0)
_NEAR = _Line(label="near the lesion", colour=VERMILION, marker="o", width=1.4, marker_size=3.5)


def draw_diagram(calibrations: Sequence[Calibration], title: str, path: Path) -> None:
    """Draw each class's diagram, above the pixels that it rests on, atomically.

    Parameters
    ----------
    title : what was measured

    Raises
    ------
    OutputError
        If it cannot be written; what stood there before is intact.
    """
    number = len(calibrations)
    with new_figure((number + 0.15) * _WIDTH_IN, _HEIGHT_IN) as figure:
        axes = figure.subplots(
            2, number, sharex=True, squeeze=False, height_ratios=(1, _PIXELS_HEIGHT)
        )
        for (above, below), calibration in zip(axes.T, calibrations, strict=True):
            for line, reliability in ((_WHOLE, calibration.whole), (_NEAR, calibration.near)):
                _draw_curve(above, reliability, line)
                _draw_pixels(below, reliability, line)
            above.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            above.set(xlim=(0, 1), ylim=(0, 1), box_aspect=1)
            above.set_title(calibration.name if number > 1 else "")
            above.legend(loc="upper left", fontsize=8, handlelength=1.8)
            below.set(xlim=(0, 1), xlabel="probability", box_aspect=_PIXELS_HEIGHT)
            below.set_yscale("log")
        axes[0, 0].set_ylabel("share that the reference marks")
        axes[1, 0].set_ylabel("pixels")
        figure.suptitle(title, fontsize=10)
        figure.text(0.99, 0.01, RESEARCH_NOTICE, ha="right", fontsize=6, color="0.45")
        figure.tight_layout(rect=(0, 0.02, 1, 1))
        write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=_DPI))


def _draw_curve(axes: Axes, reliability: Reliability, line: _Line) -> None:
    known = reliability.num_pixels > 0
    error = reliability.error
    axes.plot(
        reliability.confidence[known],
        reliability.frequency[known],
        color=line.colour,
        marker=line.marker,
        markersize=line.marker_size,
        linewidth=line.width,
        label=line.label if error is None else f"{line.label}: ECE {error:.4f}",
        clip_on=False,
    )


def _draw_pixels(axes: Axes, reliability: Reliability, line: _Line) -> None:
    # None as a gap: a logarithm has no zero.
    shown = np.where(reliability.num_pixels > 0, reliability.num_pixels, np.nan)
    edges = np.linspace(0, 1, NUM_BINS + 1)
    axes.stairs(shown, edges, color=line.colour, linewidth=line.width / 1.4, baseline=None)
