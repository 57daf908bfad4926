"""The gate's report: to JSON and back, to a file, into a model's lineage."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tgcnet.domain import Change, Comparison, GateReport, ModelIdentity
from tgcnet.errors import InputError
from tgcnet.gate.compare_models import keep_in_lineage
from tgcnet.gate.report_json import report_from_json, report_to_json, write_report
from tgcnet.weights.manifest import Lineage, read_manifest, write_manifest

CHANGE = Change(before=0.7, after=0.75, difference=0.05, low=0.01, high=0.09)
COMPARISON = Comparison(
    text="given", num_cases=40, num_patients=30, dice_mean=CHANGE, dice_pooled=CHANGE
)
REPORT = GateReport(
    active=ModelIdentity(name="mini", sha256="a" * 64),
    candidate=ModelIdentity(name="candidate", sha256="b" * 64),
    held_out=(COMPARISON, replace(COMPARISON, text="none")),
    reference=(),
    recommended=False,
    reasons=("Forgetting not measured.",),
    date_utc="2026-01-02T03:04:05+00:00",
    versions=("tgcnet 0.1.0",),
    seed=0,
    num_resamples=10_000,
)


def test_a_report_survives_the_disk(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path / "report.json")
    values = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report_from_json(values) == REPORT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 2}, "its schema version is 2"),
        ({"recommended": "yes"}, "recommended must be bool, got 'yes'"),
        ({"held_out": [1]}, "Comparison must be a JSON object, got 1"),
        ({"held_out": 1}, "held_out must be tuple"),
        ({"active": None}, "ModelIdentity must be a JSON object"),
        ({"surprise": 1}, "has no field 'surprise'"),
    ],
)
def test_anything_else_is_refused(change: dict[str, object], words: str) -> None:
    values = json.loads(json.dumps(report_to_json(REPORT))) | change
    with pytest.raises(InputError, match=f"no report of the gate .*{words}.*Run tgcnet gate again"):
        report_from_json(values)


def test_no_object_is_refused() -> None:
    with pytest.raises(InputError, match="it is no JSON object"):
        report_from_json(["report"])


@pytest.fixture
def candidate(tiny_model_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "candidate"
    shutil.copytree(tiny_model_folder, folder)
    lineage = Lineage(parent="mini", parent_sha256="a" * 64, ledger_snapshot="7 cases")
    write_manifest(replace(read_manifest(folder), name="candidate", lineage=lineage), folder)
    return folder


def report_on(folder: Path) -> GateReport:
    return replace(REPORT, candidate=read_manifest(folder).identity)


def test_a_lineage_keeps_the_report(candidate: Path) -> None:
    before, report = read_manifest(candidate), report_on(candidate)
    keep_in_lineage(report, candidate)
    after = read_manifest(candidate)
    assert after.lineage is not None
    assert report_from_json(after.lineage.gate) == report
    assert replace(after, lineage=before.lineage) == before


def test_a_model_without_a_parent_keeps_no_report(candidate: Path) -> None:
    report = report_on(candidate)
    write_manifest(replace(read_manifest(candidate), lineage=None), candidate)
    with pytest.raises(InputError, match="its manifest names no parent"):
        keep_in_lineage(report, candidate)


def test_a_report_on_other_weights_is_not_kept(candidate: Path) -> None:
    with pytest.raises(InputError, match="or it is not the candidate that was compared"):
        keep_in_lineage(REPORT, candidate)
