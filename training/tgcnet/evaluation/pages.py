"""Pages to look at: image, reference, prediction and difference, a case a row."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tgcnet.errors import OutputError
from tgcnet.evaluation.figure_style import new_figure
from tgcnet.evaluation.overlay import (
    ADDED,
    BOTH,
    MISSED,
    OTHER_CLASS,
    PICTURES,
    UNNAMED,
    Look,
    draw_picture,
)
from tgcnet.evaluation.page_cases import PageCase
from tgcnet.io import RESEARCH_NOTICE
from tgcnet.io.publish import publish_folder

_CELL_IN, _LABEL_IN, _HEAD_IN, _FOOT_IN, _CAPTION_IN = 2.5, 1.1, 0.75, 0.5, 0.55
_GAP = 0.03
_MARGIN_IN = 0.12
_DPI = 150
_BACKGROUND, _INK, _FAINT = "#111418", "#E8EAED", "#9AA0A6"
_CHARACTERS_PER_IN = 13
_CAPTION_LINES = 3


def write_pages(
    pages: Mapping[str, Sequence[PageCase]], titles: Mapping[str, str], look: Look, folder: Path
) -> None:
    """Draw each page as a PNG of its name into a folder that appears whole or not at all.

    Raises
    ------
    OutputError
        If the folder cannot be written, or is there already.
    """

    def fill(temporary: Path) -> None:
        for name, cases in pages.items():
            _draw_page(cases, titles[name], look, temporary / f"{name}.png")

    try:
        publish_folder([folder], fill, staging=folder.parent, called=f"The folder {folder.name}")
    except FileExistsError:
        raise OutputError(
            f"The folder {folder.name} is there already, expected a name that is free, so that no "
            "page is replaced; choose a new one."
        ) from None


def _draw_page(cases: Sequence[PageCase], title: str, look: Look, path: Path) -> None:
    row_in = _CELL_IN + (_CAPTION_IN if any(case.caption for case in cases) else 0.0)
    width_in = _LABEL_IN + len(PICTURES) * _CELL_IN
    height_in = _HEAD_IN + len(cases) * row_in + _FOOT_IN
    with new_figure(width_in, height_in) as figure:
        for row, case in enumerate(cases):
            _draw_row(figure, case, look, top_in=_HEAD_IN + row * row_in)
        for column, name in enumerate(PICTURES):
            middle_in = _LABEL_IN + (column + 0.5) * _CELL_IN
            _write(figure, name, middle_in, _HEAD_IN - 0.08, ha="center", va="bottom", color=_FAINT)
        _write(figure, title, _MARGIN_IN, 0.16, va="top", fontsize=11, fontweight="bold")
        _draw_legend(figure, look)
        figure.savefig(path, format="png", dpi=_DPI, facecolor=_BACKGROUND)


def _draw_row(figure: Figure, case: PageCase, look: Look, *, top_in: float) -> None:
    width_in, height_in = figure.get_size_inches()
    side_in = _CELL_IN * (1 - _GAP)
    for column, name in enumerate(PICTURES):
        left_in = _LABEL_IN + column * _CELL_IN
        place = left_in / width_in, 1 - (top_in + side_in) / height_in
        axes = figure.add_axes((*place, side_in / width_in, side_in / height_in))
        draw_picture(axes, name, case.drawn, look)
    label = "\n".join(_wrapped(case.label, _LABEL_IN))
    _write(figure, label, _MARGIN_IN, top_in + side_in / 2, va="center")
    lines = _wrapped(case.caption, len(PICTURES) * _CELL_IN)
    shown = "\n".join(lines[:_CAPTION_LINES]) + (" …" if len(lines) > _CAPTION_LINES else "")
    below_in = top_in + side_in + 0.04
    _write(figure, shown, _LABEL_IN, below_in, va="top", fontsize=7.5, color=_FAINT)


def _draw_legend(figure: Figure, look: Look) -> None:
    named = list(zip(look.colours, (entry.name for entry in look.classes), strict=True))
    if not look.tells_apart and len(look.classes) > 1:
        named.append((UNNAMED, "reference"))
    named += [(BOTH, "in both"), (MISSED, "missed"), (ADDED, "added")]
    if look.tells_apart:
        named.append((OTHER_CLASS, "of another class"))
    width_in, height_in = figure.get_size_inches()
    figure.legend(
        handles=[Patch(color=colour, label=name) for colour, name in named],
        loc="lower left",
        bbox_to_anchor=((_LABEL_IN - 0.05) / width_in, 0.12 / height_in),
        ncols=len(named),
        labelcolor=_INK,
        fontsize=8,
        handlelength=1.2,
        borderaxespad=0,
    )
    end_in = width_in - _MARGIN_IN
    _write(figure, RESEARCH_NOTICE, end_in, height_in - 0.16, ha="right", fontsize=6.5,
           va="bottom", color=_FAINT)  # fmt: skip


def _write(
    figure: Figure,
    text: str,
    left_in: float,
    top_in: float,
    *,
    va: str,
    ha: str = "left",
    color: str = _INK,
    **font: Any,
) -> None:
    """Words at a place counted in inches from the page's upper left corner."""
    width_in, height_in = figure.get_size_inches()
    # "$" would begin a formula.
    plain = text.replace("$", r"\$")
    figure.text(
        left_in / width_in, 1 - top_in / height_in, plain, va=va, ha=ha, color=color, **font
    )


def _wrapped(text: str, width_in: float) -> list[str]:
    width = round(width_in * _CHARACTERS_PER_IN)
    return [line for part in text.splitlines() for line in textwrap.wrap(part, width)]
