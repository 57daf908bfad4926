"""Fill the measured tables of the README and the model card from ``tgcnet evaluate --json``.

``python docs/update_measured.py --run`` runs every command of the table and keeps its JSON under
docs/measured; without ``--run`` the kept ones are used. A row that was never measured is left out
and named, no figure is written by hand. DATA in the environment names the folder that
training/recipes/prepare_mini_data.py made. With ``--model NAME`` another registered model is
measured and kept under docs/measured/NAME; the page of the methods shows ``tmca-mini`` beside
``mini``.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tgcnet.weights.manifest import read_manifest, write_manifest
from tgcnet.weights.registry import find_model

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "measured"
PAGES = (ROOT / "README.md", ROOT / "docs" / "model-card.md")
METHODS, OTHER = ROOT / "docs" / "concepts" / "methods.md", "tmca-mini"
BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of the table: what was measured, and the command that measures it again."""

    name: str
    title: str
    command: str


def _row(name: str, title: str, folder: str, options: str = "") -> Row:
    return Row(name=name, title=title, command=f"tgcnet evaluate {folder} {options}".strip())


VAL, REFERRING = "$DATA/qata_cov19/val", "$DATA/referring"
CT, NOTES = "$DATA/ct_held_out", "$DATA/gb_covid_cxr"
NORMAL, BESIDE_TUMOUR = "$DATA/lesion_free/held_out", "$DATA/beside_tumour"
ROWS = (
    _row("qata-given", "QaTa-COV19 val, report given", VAL),
    _row("qata-none", "QaTa-COV19 val, no report", VAL, "--text none"),
    _row("qata-swapped", "QaTa-COV19 val, sides swapped", VAL, "--text swapped"),
    _row("referring-given", "Referring: one side asked for", REFERRING),
    _row("referring-swapped", "Referring: the other side asked for", REFERRING, "--text swapped"),
    _row("ct-given", "CT, 10 slices held out", CT),
    _row("ct-none", "CT, 10 slices held out, no report", CT, "--text none"),
    _row("notes-given", "Radiographs with clinical notes", NOTES),
    _row("notes-none", "Radiographs with clinical notes, no report", NOTES, "--text none"),
    _row("lesion-free", "Lesion-free CT slices, no report", NORMAL, "--text none"),
    _row("beside-tumour", "CT beside a lung tumour, no report", BESIDE_TUMOUR, "--text none"),
)

COLUMNS = (
    ("Dice pooled", "dice_pooled", "{:.3f}"),
    ("Dice mean", "dice_mean", "{:.3f}"),
    ("HD95, px", "hd95_px", "{:.1f}"),
    ("wrong side", "side_leak", "{:.1%}"),
    ("median area", "median_area", "{:.1%}"),
    ("largest area", "max_area", "{:.1%}"),
    ("images", "num_images", "{:d}"),
)


def results_of(model: str) -> Path:
    """Where a model's figures are kept."""
    return RESULTS if model == "mini" else RESULTS / model


def measure(row: Row, model: str) -> None:
    """Run a row's command and keep what it prints."""
    data = os.environ.get("DATA")
    if data is None:
        sys.exit("DATA names no folder; make one with training/recipes/prepare_mini_data.py.")
    words = shlex.split(row.command.replace("$DATA", data))
    command = [sys.executable, "-m", "tgcnet.cli", *words[1:], "--model", model, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{row.command} ended with status {done.returncode}; nothing was changed.")
    folder, figures = results_of(model), json.loads(done.stdout)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{row.name}.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def read(model: str) -> dict[str, dict[str, Any]]:
    """What was measured of a model, by row."""
    paths = {row.name: results_of(model) / f"{row.name}.json" for row in ROWS}
    return {
        name: json.loads(path.read_text("utf-8")) for name, path in paths.items() if path.exists()
    }


def side_by_side(mini: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> str:
    """Both methods on the rows that were measured of both, as Markdown."""
    heads = ["", *(f"{name}, {model}" for name, _, _ in COLUMNS[:4] for model in ("mini", OTHER))]
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    for row in ROWS:
        if row.name in mini and row.name in other:
            cells = [
                cell(figures[row.name], key, form)
                for _, key, form in COLUMNS[:4]
                for figures in (mini, other)
            ]
            lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(figures: dict[str, Any], key: str, form: str) -> str:
    """One figure, or a dash where the command gives none."""
    value = figures.get(key)
    return "-" if value is None else form.format(value)


def table(measured: dict[str, dict[str, Any]]) -> str:
    """Render the rows that were measured as Markdown."""
    heads = ["", *(title for title, _, _ in COLUMNS), "command"]
    lines = [
        f"| {' | '.join(heads)} |",
        f"| --- |{' ---: |' * len(COLUMNS)} --- |",
    ]
    for row in ROWS:
        if row.name in measured:
            cells = [cell(measured[row.name], key, form) for _, key, form in COLUMNS]
            lines.append(f"| {row.title} | {' | '.join(cells)} | `{row.command}` |")
    return "\n".join(lines)


def fill(page: Path, text: str) -> None:
    """Put the table between a page's marks."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{page.name} has no {BEGIN} … {END} to fill.")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def record(measured: dict[str, dict[str, Any]]) -> None:
    """Put the figures into the manifest of the shipped weights, each with its command."""
    folder = find_model("mini")
    figures = {
        row.name: {"command": row.command}
        | {key: measured[row.name][key] for _, key, _ in COLUMNS if key in measured[row.name]}
        for row in ROWS
        if row.name in measured
    }
    write_manifest(replace(read_manifest(folder), measured=figures), folder)


def main() -> None:
    """Measure where asked, then fill the pages."""
    parser = argparse.ArgumentParser(description="Fill the measured tables.")
    parser.add_argument("--run", action="store_true", help="run the commands first")
    parser.add_argument(
        "--only", nargs="*", choices=[row.name for row in ROWS], help="these rows only, with --run"
    )
    parser.add_argument("--model", default="mini", help="what --run measures")
    options = parser.parse_args()
    if options.run:
        for row in ROWS:
            if options.only is None or row.name in options.only:
                measure(row, options.model)
    measured = read("mini")
    if not measured:
        sys.exit("Nothing was measured yet; run this with --run first.")
    for page in PAGES:
        fill(page, table(measured))
    fill(METHODS, side_by_side(measured, read(OTHER)))
    record(measured)
    for row in ROWS:
        if row.name not in measured:
            print(f"left out, never measured: {row.title} ({row.command})")


if __name__ == "__main__":
    main()
