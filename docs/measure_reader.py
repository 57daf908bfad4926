"""Measure the report reader on sentences of real reports that were labelled by hand.

    python docs/measure_reader.py DATA [dev|final ...]

DATA holds the collections whose sentences ``tests/tgcnet/report/labels_*.tsv`` point at. Prints F1
of presence (finding and presence), side (finding and side) and zone (finding, side and zone) for
each half, and writes ``docs/measured/reader.json``. Denials that name no finding
("no acute abnormality") have no label and are left out. Texts are never printed.
"""

import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tgcnet.domain import Finding
from tgcnet.report import read_report
from tgcnet.report.language import ABNORMALITY

ROOT = Path(__file__).parents[1]
LABELS = ROOT / "tests" / "tgcnet" / "report"
RESULT = ROOT / "docs" / "measured" / "reader.json"
SOURCES = {
    "gb": ("gb_covid_cxr/captions.csv", "image"),
    "qata": ("qata_real_notes/qata_notes.csv", "image"),
    "iu": ("reports_iu_xray/reports.csv", "uid"),
}
# The labels' word for a finding whose name in the knowledge base is longer.
NAMES = {"embolism": "pulmonary embolism"}
KINDS = ("presence", "side", "zone")


def cells(data: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of all sources by source and name."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for source, (file, key) in SOURCES.items():
        with (data / file).open(encoding="utf-8", newline="") as stream:
            found |= {(source, row[key]): row for row in csv.DictReader(stream)}
    return found


def labelled(half: str, data: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each sentence of a half with its labels."""
    rows = cells(data)
    with (LABELS / f"labels_{half}.tsv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            cell = rows[row["source"], row["row"]][row["column"]]
            text = cell[int(row["start"]) : int(row["end"])]
            if hashlib.sha256(text.encode()).hexdigest()[:12] != row["sha256"]:
                sys.exit(f"{row['id']}: the source has another text than the one labelled")
            yield text, json.loads(row["findings"])


def facts_labelled(labels: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """What the labels state, each fact with its kind first."""
    for label in labels:
        name = NAMES.get(label["finding"], label["finding"])
        yield "presence", name, label["presence"]
        for place in label["places"]:
            if place["side"]:
                yield "side", name, place["side"]
            yield from (("zone", name, str(place["side"]), zone) for zone in place["zones"])


def facts_read(findings: tuple[Finding, ...]) -> Iterator[tuple[str, ...]]:
    """What the reader states, in the same form."""
    for finding in findings:
        if finding.name == ABNORMALITY:
            continue
        yield "presence", finding.name, finding.presence.value
        for place in finding.places:
            side = str(place.side.value) if place.side else None
            if side:
                yield "side", finding.name, side
            yield from (("zone", finding.name, str(side), zone) for zone in place.zones)


def measure(half: str, data: Path) -> dict[str, dict[str, float]]:
    """Counts and F1 of each kind of fact."""
    counts = {kind: [0, 0, 0] for kind in KINDS}
    for text, labels in labelled(half, data):
        said, read = set(facts_labelled(labels)), set(facts_read(read_report(text).findings))
        for index, facts in enumerate((said & read, read - said, said - read)):
            for kind, *_ in facts:
                counts[kind][index] += 1
    return {
        kind: {
            "f1": round(2 * right / (2 * right + wrong + missed), 4),
            "right": right,
            "wrong": wrong,
            "missed": missed,
        }
        for kind, (right, wrong, missed) in counts.items()
    }


def main() -> None:
    """Print the table and write the figures."""
    if len(sys.argv) < 2:
        sys.exit("usage: python docs/measure_reader.py DATA [dev|final ...]")
    halves = sys.argv[2:] or ["dev", "final"]
    figures = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for half in halves:
        figures[half] = measure(half, Path(sys.argv[1]))
        row = "  ".join(f"{kind} {figures[half][kind]['f1']:.3f}" for kind in KINDS)
        sys.stdout.write(f"{half:6} {row}\n")
    RESULT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
