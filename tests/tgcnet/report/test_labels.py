"""The labels of real report sentences keep their form: places and checksums, never a text."""

import csv
import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HALVES = ("dev", "final")
COLUMNS = ["id", "source", "row", "column", "start", "end", "sha256", "findings"]
ZONES = [
    *("upper", "middle", "lower", "lingula", "apex", "base", "perihilar", "central"),
    *("peripheral", "costophrenic angle", "anterior", "posterior", "lateral", "diffuse"),
]


def read_labels(half: str) -> list[dict[str, str]]:
    with (HERE / f"labels_{half}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("half", HALVES)
def test_every_row_names_a_place_in_a_source_and_holds_no_text(half: str) -> None:
    for number, row in enumerate(read_labels(half), start=1):
        assert list(row) == COLUMNS
        assert row["id"] == f"{half}-{number:03}"
        assert row["source"] in {"iu", "qata", "gb"}
        assert row["column"] in {"findings", "impression", "clinical_notes"}
        assert 0 <= int(row["start"]) < int(row["end"])
        assert re.fullmatch(r"[0-9a-f]{12}", row["sha256"])


@pytest.mark.parametrize("half", HALVES)
def test_findings_are_of_the_closed_vocabulary(half: str) -> None:
    for row in read_labels(half):
        findings = json.loads(row["findings"])
        named = [(finding["finding"], finding["presence"]) for finding in findings]
        assert len(named) == len(set(named)), row["id"]
        for finding in findings:
            assert list(finding) == ["finding", "presence", "places"]
            assert finding["presence"] in {"present", "absent", "uncertain", "history"}
            sides = [place["side"] for place in finding["places"]]
            assert sides in ([], [None], ["left"], ["right"], ["left", "right"]), row["id"]
            for place in finding["places"]:
                assert place["zones"] == sorted(set(place["zones"]), key=ZONES.index)
                assert place["side"] or place["zones"], row["id"]


def test_the_halves_are_large_enough_and_share_no_sentence() -> None:
    rows = [row for half in HALVES for row in read_labels(half)]
    assert len(rows) >= 300
    assert len({row["sha256"] for row in rows}) == len(rows)
    findings = [json.loads(row["findings"]) for row in rows]
    assert sum(map(bool, findings)) >= 0.55 * len(rows)
    assert sum(any(f["places"] for f in of_row) for of_row in findings) >= 100
