"""``tgcnet models activate``, ``rollback``, ``remove``, and what the default model then is."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tgcnet.cli import main
from tgcnet.domain import GateReport, ModelIdentity
from tgcnet.gate.report_json import report_to_json
from tgcnet.weights.manifest import Lineage, read_manifest, write_manifest

Refused = Callable[[list[str]], str]


@pytest.fixture
def tiny(tiny_model_folder: Path, no_user_models: Path) -> Path:
    return Path(shutil.copytree(tiny_model_folder, no_user_models / "tiny"))


def test_switching_there_and_back(
    capsys: pytest.CaptureFixture[str], refused: Refused, tiny: Path
) -> None:
    assert main(["models", "activate", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "Active now: tiny." in said
    assert "Before: mini; back to it: tgcnet models rollback." in said
    assert "No report of the gate is kept with this model." in said
    assert "only a person does" in said
    assert main(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert "tiny: pulmonary infection (none: random numbers) [active]" in listed
    assert listed.count("[active]") == 1
    assert main(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["active"] == "tiny"
    assert "'tiny' is active, so it is not deleted" in refused(["models", "remove", "tiny"])
    assert main(["models", "rollback"]) == 0
    assert "Active now: mini." in capsys.readouterr().out
    assert "nothing to go back to" in refused(["models", "rollback"])
    assert main(["models", "remove", "tiny"]) == 0
    assert not tiny.exists()


def test_a_model_that_is_gone_is_skipped_on_the_way_back_and_named(
    capsys: pytest.CaptureFixture[str], tiny: Path, no_user_models: Path
) -> None:
    other = Path(shutil.copytree(tiny, no_user_models / "other"))
    write_manifest(replace(read_manifest(other), name="other"), other)
    for name in ("tiny", "other"):
        assert main(["models", "activate", name]) == 0
    assert main(["models", "remove", "tiny"]) == 0
    assert main(["models", "rollback"]) == 0
    printed = capsys.readouterr()
    assert "Active now: mini." in printed.out
    assert "tiny is skipped." in printed.err


@pytest.mark.parametrize(
    ("is_recommended", "words"),
    [(True, "the gate recommended it over mini"), (False, "the gate did not recommend it over")],
)
def test_the_recommendation_kept_with_a_model_is_said(
    capsys: pytest.CaptureFixture[str], tiny: Path, is_recommended: bool, words: str
) -> None:
    report = GateReport(
        active=ModelIdentity(name="mini", sha256="a" * 64),
        candidate=read_manifest(tiny).identity,
        held_out=(),
        reference=(),
        recommended=is_recommended,
        reasons=("A reason.",),
        date_utc="2026-01-02",
        versions=(),
        seed=0,
        num_resamples=1,
    )
    keep(tiny, json.loads(json.dumps(report_to_json(report))))
    assert main(["models", "activate", "tiny"]) == 0
    said = capsys.readouterr().out
    assert f"On 2026-01-02 {words}" in said
    assert "A reason." in said


def keep(folder: Path, gate: dict[str, object]) -> None:
    lineage = Lineage(parent="mini", parent_sha256="a" * 64, gate=gate)
    write_manifest(replace(read_manifest(folder), lineage=lineage), folder)


def test_a_report_that_cannot_be_read_keeps_nobody_from_switching(
    capsys: pytest.CaptureFixture[str], tiny: Path
) -> None:
    keep(tiny, {"odd": 1})
    assert main(["models", "activate", "tiny"]) == 0
    assert "kept with this model cannot be read" in capsys.readouterr().out


def test_the_default_is_the_active_model_and_is_named(
    capsys: pytest.CaptureFixture[str], tiny: Path, radiograph: Path, tmp_path: Path
) -> None:
    assert main(["models", "activate", "tiny"]) == 0
    out = tmp_path / "mask.png"
    assert main(["segment", str(radiograph), "--modality", "xray", "--out", str(out)]) == 0
    assert "with model 'tiny' on cpu" in capsys.readouterr().out
    assert main(["models", "verify"]) == 0
    assert "tiny: whole" in capsys.readouterr().out


def test_a_damaged_choice_stops_what_needs_it_and_is_said_in_the_list(
    capsys: pytest.CaptureFixture[str],
    refused: Refused,
    no_user_models: Path,
    radiograph: Path,
    tmp_path: Path,
) -> None:
    (no_user_models / "active.json").write_text("{", encoding="utf-8")
    command = ["segment", str(radiograph), "--modality", "xray", "--out", str(tmp_path / "m.png")]
    assert "active.json in the models folder is damaged" in refused(command)
    assert main(["models", "list"]) == 0
    printed = capsys.readouterr()
    assert "[active]" not in printed.out
    assert "active.json in the models folder is damaged" in printed.err


def test_only_a_registered_model_is_switched_on(refused: Refused, model: str) -> None:
    assert "no registered model called" in refused(["models", "activate", model])
