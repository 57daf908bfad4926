"""Models listed from their manifests, switched by a command."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.registered_models import RegisteredModels
from tgcnet.domain import GateReport, ModelIdentity
from tgcnet.errors import InputError
from tgcnet.gate.report_json import report_to_json
from tgcnet.weights.active import ActiveModel, write_active
from tgcnet.weights.manifest import Lineage, read_manifest, write_manifest
from tgcnet.weights.registry import find_model

PARROT = """
import sys
sys.stderr.write("a warning\\ntgcnet: " + " ".join(sys.argv[1:]) + " is refused.\\n")
raise SystemExit({status})
"""


@pytest.fixture
def mini() -> ModelIdentity:
    return read_manifest(find_model("mini")).identity


@pytest.fixture
def add_tuned(no_user_models: Path, mini: ModelIdentity):
    """Registers a model with a lineage, whose gate is that report."""

    def add(gate: object = None) -> None:
        manifest = read_manifest(find_model("mini"))
        folder = no_user_models / "tuned"
        folder.mkdir(exist_ok=True)
        values = json.loads(json.dumps(gate))
        taken = "2026-01-02T03:04:05.678+00:00 0123456789abcdef"
        lineage = Lineage(
            parent="mini", parent_sha256=mini.sha256, ledger_snapshot=taken, gate=values
        )
        write_manifest(replace(manifest, name="tuned", sha256="b" * 64, lineage=lineage), folder)

    return add


def row(name: str):
    return next(one for one in RegisteredModels().listing().rows if one.name == name)


def test_the_shipped_model_is_active_and_nothing_to_go_back_to(no_user_models: Path) -> None:
    listing = RegisteredModels().listing()
    assert (listing.active, listing.previous, listing.problem) == ("mini", None, "")
    assert row("mini").lineage == (messages.NO_PARENT,)
    assert not row("mini").is_own
    assert row("mini").caution == ""


def test_lineage_in_sentences_and_no_caution_where_the_gate_recommends(
    add_tuned, report: GateReport, mini: ModelIdentity
) -> None:
    add_tuned(report_to_json(replace(report, active=mini)))
    tuned = row("tuned")
    assert tuned.is_own
    assert tuned.caution == ""
    assert (
        tuned.lineage[0] == "Fine-tuned from “mini”, with the corrections of 2026-01-02 03:04 UTC."
    )
    assert "recommended" in tuned.lineage[1]
    assert tuned.lineage[2:] == report.reasons


def test_what_speaks_against_switching(add_tuned, report: GateReport, mini: ModelIdentity) -> None:
    over_mini = replace(report, active=mini)
    add_tuned()
    assert row("tuned").caution == messages.NOT_COMPARED
    add_tuned(report_to_json(replace(over_mini, recommended=False)))
    assert row("tuned").caution == messages.not_recommended("mini")
    add_tuned(report_to_json(replace(report, active=ModelIdentity(name="old", sha256="c" * 64))))
    assert row("tuned").caution == messages.other_active("old")
    add_tuned(
        report_to_json(replace(over_mini, candidate=ModelIdentity(name="x", sha256="d" * 64)))
    )
    assert row("tuned").caution == messages.OTHER_CANDIDATE
    add_tuned({"schema_version": 99})
    assert row("tuned").caution == messages.REPORT_UNREADABLE


def test_the_previous_model_can_be_switched_back_to(add_tuned, mini: ModelIdentity) -> None:
    add_tuned()
    write_active(ActiveModel(current=ModelIdentity(name="tuned", sha256="b" * 64), history=(mini,)))
    listing = RegisteredModels().listing()
    assert (listing.active, listing.previous) == ("tuned", "mini")
    assert row("tuned").caution == "", "it is active already"
    assert row("mini").caution == messages.NOT_COMPARED


def test_an_active_model_that_is_absent_or_unknown(no_user_models: Path) -> None:
    write_active(ActiveModel(current=ModelIdentity(name="gone", sha256="c" * 64)))
    assert RegisteredModels().listing().problem == messages.active_gone("gone")
    (no_user_models / "active.json").write_text("{", encoding="utf-8")
    listing = RegisteredModels().listing()
    assert listing.active is None
    assert "damaged" in listing.problem


def test_a_refusal_is_the_commands_own_sentence() -> None:
    models = RegisteredModels(program=(sys.executable, "-c", PARROT.format(status=2)))
    with pytest.raises(InputError, match=r"^activate tuned is refused\.$"):
        models.switch_to("tuned")
    with pytest.raises(InputError, match=r"^rollback is refused\.$"):
        models.go_back()
    with pytest.raises(InputError, match=r"^remove tuned is refused\.$"):
        models.delete("tuned")


def test_a_command_that_works_answers_nothing() -> None:
    RegisteredModels(program=(sys.executable, "-c", PARROT.format(status=0))).go_back()


def test_the_real_command_knows_these_actions() -> None:
    from tgcnet.cli import build_parser

    for action in (["activate", "tuned"], ["rollback"], ["remove", "tuned"]):
        assert build_parser().parse_args(["models", *action]).action == action[0]
