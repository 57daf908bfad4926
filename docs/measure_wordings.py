"""Measure that wording does not move a mask: one set of radiographs, in several wordings.

    python docs/measure_wordings.py DATA [--model NAME]

DATA holds ``qata_cov19/val``. 240 of its rows, drawn with a fixed seed, are described by the
caption, by a sentence, two sentences, a whole report with headings and normal findings,
abbreviations, and the caption with a denial of something else; and once not at all. Writes
``docs/measured/wordings.json`` and fails where a wording lies more than 0.015 below the caption or
is no better than no text.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

OUT = Path(__file__).parent / "measured" / "wordings.json"
NUM_ROWS, SEED = 240, 5
TOLERANCE = 0.015
FINDINGS = (
    "Airspace opacity", "Consolidation", "Patchy opacities", "Hazy opacities", "Infiltrates",
)  # fmt: skip
NORMAL = (
    "Heart size is normal.", "No pleural effusion or pneumothorax.",
    "The mediastinum is unremarkable.", "No acute bony abnormality.",
)  # fmt: skip
Places = list[tuple[str, tuple[str, ...]]]


def places_of(caption: str) -> Places:
    """Side and zones of a caption of QaTa-COV19, in its order; no zones are the whole side."""
    where = re.sub(r".*areas?, |\.$", "", caption)
    parts = [part.split() for part in where.split(" and ")]
    return [(words[-2], tuple(word for word in words[:-2] if word != "all")) for words in parts]


def in_words(side: str, zones: tuple[str, ...], draw: random.Random) -> str:
    if not zones or len(zones) == 3:
        return draw.choice(
            (f"throughout the {side} lung", f"in the {side} lung", f"involving the {side} lung")
        )
    if zones == ("lower",):
        return draw.choice(
            (f"at the {side} base", f"in the {side} lower lobe", f"in the {side} lower zone")
        )
    names = " and ".join(zones).replace("middle", "mid")
    return f"in the {side} {names} {'zone' if len(zones) == 1 else 'zones'}"


def sentence(caption: str, draw: random.Random) -> str:
    where = " and ".join(in_words(*place, draw) for place in places_of(caption))
    return f"{draw.choice(FINDINGS)} {where}."


def two_sentences(caption: str, draw: random.Random) -> str:
    return " ".join(
        f"{draw.choice(FINDINGS)} {in_words(*place, draw)}." for place in places_of(caption)
    )


def whole_report(caption: str, draw: random.Random) -> str:
    lines = [*NORMAL]
    draw.shuffle(lines)
    lines.insert(draw.randrange(len(lines) + 1), sentence(caption, draw))
    return (
        f"CHEST RADIOGRAPH\nINDICATION: Fever and cough.\nFINDINGS: {' '.join(lines)}\n"
        "IMPRESSION: Findings consistent with pneumonia."
    )


def abbreviations(caption: str, draw: random.Random) -> str:
    short = {"upper": "UL", "middle": "MZ", "lower": "LL"}
    named = []
    for side, zones in places_of(caption):
        is_whole = not zones or len(zones) == 3
        named += [f"{side} lung"] if is_whole else [side[0].upper() + short[z] for z in zones]
    return f"{', '.join(named)} opacities."


WORDINGS: dict[str, Callable[[str, random.Random], str]] = {
    "caption": lambda caption, _: caption,
    "sentence": sentence,
    "two sentences": two_sentences,
    "whole report": whole_report,
    "abbreviations": abbreviations,
    "denial added": lambda caption, _: f"{caption} No pleural effusion.",
}


def write_set(folder: Path, source: Path, wording: Callable[[str, random.Random], str]) -> None:
    """The drawn rows in one wording; images and masks are linked, not copied."""
    rows = list(csv.DictReader((source / "captions.csv").open(encoding="utf-8", newline="")))
    random.Random(SEED).shuffle(rows)
    draw = random.Random(SEED)
    for part in ("images", "masks"):
        (folder / part).symlink_to((source / part).resolve())
    with (folder / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "mask", "report", "subject"])
        for row in rows[:NUM_ROWS]:
            text = wording(row["report"], draw)
            table.writerow([row["image"], row["mask"], text, row["subject"]])


def evaluate(folder: Path, model: str, text: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tgcnet.cli", "evaluate", str(folder), "--model", model]
    answer = subprocess.run(
        [*command, "--text", text, "--json"], check=True, capture_output=True, text=True
    )
    values = json.loads(answer.stdout)
    return {name: round(values[name], 4) for name in ("dice_pooled", "dice_mean")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="mini")
    given = parser.parse_args()
    measured: dict[str, dict[str, float]] = {}
    for name, wording in WORDINGS.items():
        with tempfile.TemporaryDirectory() as folder:
            write_set(Path(folder), given.data / "qata_cov19" / "val", wording)
            measured[name] = evaluate(Path(folder), given.model, "given")
            if name == "caption":
                measured["no text"] = evaluate(Path(folder), given.model, "none")
        print(name, measured[name], flush=True)
    OUT.write_text(json.dumps({"model": given.model, **measured}, indent=2) + "\n", "utf-8")
    least = measured["caption"]["dice_pooled"] - TOLERANCE
    bad = [
        name
        for name in WORDINGS
        if measured[name]["dice_pooled"] < max(least, measured["no text"]["dice_pooled"])
    ]
    print("moved by the wording:", ", ".join(bad) or "nothing")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
