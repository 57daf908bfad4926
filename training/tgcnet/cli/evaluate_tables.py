"""What ``tgcnet evaluate`` prints for people."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Column, Table

from tgcnet.cli.output import warn
from tgcnet.evaluation.calibration import Calibration
from tgcnet.evaluation.confidence_intervals import FIGURES, Summary
from tgcnet.evaluation.result_tables import TITLES, Source, in_words, known_figures, share_in_words
from tgcnet.evaluation.results import Evaluation

_TABLE_WIDTH = 110


def print_tables(
    evaluations: Sequence[Evaluation],
    summary: Summary,
    source: Source,
    calibrations: Sequence[Calibration],
) -> None:
    """Figures of one text mode beside their intervals; a table of several modes or classes."""
    # A class's name may hold what rich would take for markup.
    console = Console(width=_TABLE_WIDTH, markup=False)
    for notice in source.notices:
        warn(notice)
    if len(evaluations) == 1:
        _print_figures(console, evaluations[0], summary, source)
    if len(summary.rows) > 1:
        console.print(_rows_table(summary))
    if any(row.differences for row in summary.rows):
        console.print(_differences_table(summary))
    for one in calibrations:
        console.print(
            f"calibration of {one.name}: expected error {_share(one.whole.error)} over whole "
            f"images, {_share(one.near.error)} near the lesion"
        )


def _print_figures(
    console: Console, evaluation: Evaluation, summary: Summary, source: Source
) -> None:
    table = Table("", "", "95 % interval")
    row = summary.of(evaluation.mode)[0]
    values: dict[str, object] = {
        "model": source.model,
        "text": evaluation.mode,
        "device": source.device,
        **asdict(evaluation.metrics),
        "num_subjects": summary.num_subjects,
        "seconds_per_image": evaluation.seconds_per_image,
        "side_leak": evaluation.side_leak,
        "median_area": evaluation.median_area,
        "max_area": evaluation.max_area,
    }
    for name, value in values.items():
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        interval = row.figures[name].interval if name in FIGURES else None
        bounds = "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"
        table.add_row(name, "none" if value is None else shown, bounds)
    console.print(table)


def _rows_table(summary: Summary) -> Table:
    keys = known_figures(summary)
    table = _empty_table(keys, "wrong side")
    for row in summary.rows:
        cells = (_on_two_lines(in_words(key, row.figures[key])) for key in keys)
        table.add_row(row.text, row.name, *cells, share_in_words(row.side_leak))
    return table


def _differences_table(summary: Summary) -> Table:
    keys = known_figures(summary)
    table = _empty_table(keys, title="Difference from the report as given")
    for row in summary.rows:
        if row.differences:
            cells = (in_words(key, row.differences[key], is_signed=True) for key in keys)
            table.add_row(row.text, row.name, *map(_on_two_lines, cells))
    return table


def _empty_table(keys: Sequence[str], *further: str, title: str | None = None) -> Table:
    text = Column("text", no_wrap=True)
    figures = (TITLES[key] for key in keys)
    return Table(text, "class", *figures, *further, title=title, show_lines=True)


def _on_two_lines(words: str) -> str:
    return words.replace(" [", "\n[", 1)


def _share(error: float | None) -> str:
    return "unknown" if error is None else f"{error:.4f}"
