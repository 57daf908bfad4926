"""Draw the sentences of real reports that are labelled by hand, and look them up.

How the sentences of ``labels_dev.tsv`` and ``labels_final.tsv`` were drawn:

1. Every cell listed in `SOURCES` is cut by `split`: after a full stop or an exclamation mark
   that is followed by white space, and at line breaks. Numbered items ("1. ") stay with their
   text. Sentences glued together without a space stay one unit: reports are written like that.
2. Patients (IU: reports) are dealt at random to the two halves, so that no patient, and no
   note that two collections share, has sentences in both.
3. In each half of each source the sentences are shuffled with their natural frequencies, equal
   texts (without case, digits, white space and punctuation) are dropped over all sources, and
   the first of each stratum are taken up to `QUOTAS`. The strata are the plain keyword searches
   below and nothing of ``tgcnet.report``, which is what the labels are to judge.

The seed is fixed, so ``draw`` gives the same sentences wherever the data is the same. The texts
are not ours to publish: the label files hold the place (source, row, column, first and last
character) and a checksum, and ``show`` prints the text where the data lies.

    python draw_sentences.py draw DATA
    python draw_sentences.py show DATA labels_dev.tsv [ID ...]
"""

import argparse
import csv
import hashlib
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 20
HALVES = ("dev", "final")
STRATA = ("place", "finding", "other")
# source: file, column naming the row, columns of text, column of the patient
SOURCES = {
    "gb": ("gb_covid_cxr/captions.csv", "image", ("clinical_notes",), "subject"),
    "qata": ("qata_real_notes/qata_notes.csv", "image", ("clinical_notes",), "subject"),
    "iu": ("reports_iu_xray/reports.csv", "uid", ("findings", "impression"), "uid"),
}
# Sentences of each stratum and half. gb comes first: the notes it shares with qata count there.
QUOTAS = {
    "gb": {"place": 16, "finding": 12, "other": 8},
    "qata": {"place": 22, "finding": 15, "other": 9},
    "iu": {"place": 45, "finding": 45, "other": 14},
}

FINDING = re.compile(
    r"opaci|infiltrat|consolid|glass|airspace|densit|thicken|interstiti|reticul|nodul|\bmass|"
    r"effusion|pneumoth|atelect|edema|congest|cardiomeg|heart|cardiac|silhouette|mediastin|"
    r"lungs?\b.*clear|clear.*lung|emphys|hyper|copd|fibro|scar|granulom|calcif|fractur|deform|"
    r"adenopath|hilar|hila\b|hernia|scolio|degenerat|spondyl|pneumon|cavit|bronchi|shadow|lesion|"
    r"infect|catheter|\btube|\bline\b|pacemaker|clips|sternotomy|tortu|aort|vascular|diaphragm",
    re.IGNORECASE,
)
PLACE = re.compile(
    r"\b(left|right|bilateral\w*|both|upper|middle|mid|lower|lingula\w*|apex|apical|apices|"
    r"bas(?:e|es|al|ilar)|bibas\w*|biapical|bi-basal|perihilar|peripher\w*|central|subpleural|"
    r"costophrenic|anterior|posterior|lateral|diffuse\w*|retrocardiac|[RL][ULM]L)\b",
    re.IGNORECASE,
)
BREAK = re.compile(r"(?<!\b\d)[.!]\s+|\s*[\r\n]+\s*")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence of a cell, and where it stands."""

    source: str
    row: str
    column: str
    start: int
    end: int
    text: str
    patient: str

    @property
    def stratum(self) -> str:
        """The keyword stratum: a finding with a place, a finding without, or other text."""
        if not FINDING.search(self.text):
            return "other"
        return "place" if PLACE.search(self.text) else "finding"

    @property
    def checksum(self) -> str:
        """The first 12 hexadecimal digits of the text's SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def split(cell: str) -> Iterator[tuple[int, int]]:
    """Yield first and last (exclusive) character of each sentence of a cell."""
    start = 0
    for match in [*BREAK.finditer(cell), None]:
        # The full stop belongs to the sentence, the white space does not.
        end = len(cell) if match is None else match.start() + len(match.group().rstrip())
        text = cell[start:end]
        if text.strip():
            lead = len(text) - len(text.lstrip())
            yield start + lead, start + len(text.rstrip())
        start = len(cell) if match is None else match.end()


def read(data: Path, source: str) -> list[dict[str, str]]:
    """The rows of a source's table."""
    with (data / SOURCES[source][0]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sentences(data: Path, source: str) -> list[Sentence]:
    """All sentences of a source, in the order of its table."""
    _, key, columns, patient = SOURCES[source]
    return [
        Sentence(
            source=source,
            row=row[key],
            column=column,
            start=start,
            end=end,
            text=row[column][start:end],
            # Both collections number the patients of the same public archive.
            patient=row[patient].removeprefix("ieee8023_") + ("iu" if source == "iu" else ""),
        )
        for row in read(data, source)
        for column in columns
        for start, end in split(row[column])
    ]


def draw(data: Path) -> dict[str, list[Sentence]]:
    """Draw both halves as the module's text says."""
    rng = random.Random(SEED)
    pools = {source: sentences(data, source) for source in SOURCES}
    patients = sorted({sentence.patient for pool in pools.values() for sentence in pool})
    rng.shuffle(patients)
    half_of = {patient: HALVES[i % 2] for i, patient in enumerate(patients)}
    seen: set[str] = set()
    drawn: dict[str, list[Sentence]] = {half: [] for half in HALVES}
    for source, pool in pools.items():
        rng.shuffle(pool)
        left = {(half, stratum): QUOTAS[source][stratum] for half in HALVES for stratum in STRATA}
        for sentence in pool:
            half = half_of[sentence.patient]
            letters = re.sub(r"[\W\d_]+", "", sentence.text).lower()
            if len(letters) < 5 or letters in seen or not left[half, sentence.stratum]:
                continue
            seen.add(letters)
            left[half, sentence.stratum] -= 1
            drawn[half].append(sentence)
    return drawn


def write_row(*values: object) -> None:
    """Write one line of tab-separated values."""
    sys.stdout.write("\t".join(map(str, values)) + "\n")


def show(data: Path, labels: Path, ids: list[str]) -> None:
    """Print the sentences of a label file, and say which no longer have the same text."""
    cells = {
        (source, row[SOURCES[source][1]], column): row[column]
        for source in SOURCES
        for row in read(data, source)
        for column in SOURCES[source][2]
    }
    with labels.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if ids and row["id"] not in ids:
                continue
            text = cells[row["source"], row["row"], row["column"]]
            text = text[int(row["start"]) : int(row["end"])]
            same = hashlib.sha256(text.encode()).hexdigest()[:12] == row["sha256"]
            write_row(row["id"], text if same else "(the source has changed)")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Draw or print the labelled sentences.")
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw", help="print the drawn sentences' places")
    drawing.add_argument("data", type=Path)
    showing = commands.add_parser("show", help="print the text of labelled sentences")
    showing.add_argument("data", type=Path)
    showing.add_argument("labels", type=Path)
    showing.add_argument("ids", nargs="*")
    arguments = parser.parse_args()
    if arguments.command == "show":
        show(arguments.data, arguments.labels, arguments.ids)
        return
    write_row("id", "source", "row", "column", "start", "end", "sha256")
    for half, chosen in draw(arguments.data).items():
        for number, s in enumerate(chosen, start=1):
            id_ = f"{half}-{number:03}"
            write_row(id_, s.source, s.row, s.column, s.start, s.end, s.checksum)


if __name__ == "__main__":
    main()
