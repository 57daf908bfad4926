"""Train and measure every row of the ablation table, and fill its page.

    python docs/make_ablations.py --data FOLDER --runs FOLDER [--only ROW ...]

FOLDER of --data is what training/recipes/prepare_mini_data.py made. A row that was measured is not
measured again, a run that was stopped goes on; so the rows may be shared out among processes with
--only. Without --data the page is filled from what is kept under docs/measured/ablations. No figure
is written by hand.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECIPES = "training/recipes/ablations.py"
RESULTS = ROOT / "docs" / "measured" / "ablations"
PAGE = ROOT / "docs" / "reference" / "ablations.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of the table: a function of the recipes' file, and what it stands for."""

    name: str
    title: str


TGCNET = (
    Row(name="tgcnet", title="TGC-Net: SSE, DATE, VLCM"),
    Row(name="tgcnet_without_sse", title="without SSE"),
    Row(name="tgcnet_without_date", title="without DATE"),
    Row(name="tgcnet_without_vlcm", title="without VLCM"),
    Row(name="tgcnet_plain", title="none of the three"),
)
TMCA = (
    Row(name="tmca", title="TMCA: all levels, mask and text targets, enhancement"),
    Row(name="tmca_text_targets", title="soft targets without the mask"),
    Row(name="tmca_one_hot", title="one-hot targets (InfoNCE)"),
    Row(name="tmca_without_contrast", title="no contrast"),
    Row(name="tmca_last_level", title="last level only"),
    Row(name="tmca_without_enhancement", title="no enhancement"),
)
ROWS = TGCNET + TMCA

SETS = {
    "given": ("qata_cov19/val", "given"),
    "none": ("qata_cov19/val", "none"),
    "swapped": ("qata_cov19/val", "swapped"),
    "referring": ("referring", "given"),
}
"""What is measured of each row: a folder below the data, and the text that the model is given."""

KEPT = ("dice_pooled", "dice_mean", "side_leak", "num_images", "num_subjects", "intervals")


def tgcnet(*words: str) -> str:
    """Run a command of ours; what it prints."""
    command = [sys.executable, "-m", "tgcnet.cli", *words]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"tgcnet {' '.join(words)} ended with status {done.returncode}.")
    return done.stdout


def measure(row: Row, data: Path, runs: Path) -> None:
    """Train a row, measure it, and keep the figures."""
    run = runs / row.name
    if not (run / "model").is_dir():
        places = ["--data", str(data), "--out", str(run), "--cache", str(runs / "cache")]
        tgcnet("train", f"{RECIPES}:{row.name}", *places, "--resume")
    figures: dict[str, Any] = {}
    for name, (folder, text) in SETS.items():
        words = ["evaluate", str(data / folder), "--model", str(run / "model"), "--text", text]
        found = json.loads(tgcnet(*words, "--json"))
        figures[name] = {key: found[key] for key in KEPT}
    shown = json.loads(tgcnet("models", "show", str(run / "model"), "--json"))
    figures["parameters"] = shown["parameters"]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{row.name}.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def cells(figures: dict[str, Any]) -> list[str]:
    """The figures of a row, in the table's order."""
    given, referring = figures["given"], figures["referring"]
    low, high = given["intervals"]["dice_mean"]
    return [
        f"{given['dice_pooled']:.3f}",
        f"{given['dice_mean']:.3f} ({low:.3f} to {high:.3f})",
        f"{figures['none']['dice_pooled']:.3f}",
        f"{figures['none']['dice_mean']:.3f}",
        f"{figures['swapped']['dice_pooled']:.3f}",
        f"{referring['dice_pooled']:.3f}",
        f"{referring['side_leak']:.1%}",
        f"{figures['parameters']['trainable'] / 1e6:.2f}",
    ]


def table(rows: tuple[Row, ...]) -> str:
    """The rows that were measured, as Markdown."""
    heads = [
        "",
        "Dice pooled, report given",
        "mean (95 %)",
        "pooled, none",
        "mean, none",
        "pooled, sides swapped",
        "one side asked for, pooled",
        "wrong side",
        "trainable, M",
        "recipe",
    ]
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 2)} --- |"]
    for row in rows:
        path = RESULTS / f"{row.name}.json"
        if path.exists():
            figures = cells(json.loads(path.read_text("utf-8")))
            lines.append(f"| {row.title} | {' | '.join(figures)} | `{row.name}` |")
        else:
            print(f"left out, never measured: {row.title}")
    return "\n".join(lines)


def fill(name: str, text: str) -> None:
    """Put a table between its marks on the page."""
    before, begin, rest = PAGE.read_text("utf-8").partition(f"<!-- {name}:begin -->")
    _, end, after = rest.partition(f"<!-- {name}:end -->")
    if not (begin and end):
        sys.exit(f"{PAGE.name} has no place for {name}.")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def main() -> None:
    """Measure where asked, then fill the page."""
    parser = argparse.ArgumentParser(description="Fill the ablation table.")
    parser.add_argument("--data", type=Path, help="train and measure what is absent on these data")
    parser.add_argument("--runs", type=Path, help="where the runs go")
    parser.add_argument("--only", nargs="*", choices=[row.name for row in ROWS])
    options = parser.parse_args()
    if options.data is not None:
        if options.runs is None:
            sys.exit("--runs is needed with --data: name the folder where the runs go.")
        for row in ROWS:
            is_asked = options.only is None or row.name in options.only
            if is_asked and not (RESULTS / f"{row.name}.json").exists():
                measure(row, options.data.resolve(), options.runs.resolve())
    fill("tgcnet", table(TGCNET))
    fill("tmca", table(TMCA))


if __name__ == "__main__":
    main()
