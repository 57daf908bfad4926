"""Which of a report's findings a model may be run for."""

import subprocess
import sys

from tgcnet.domain import EncodedText, Finding, Presence, Report
from tgcnet.report.rules import ReportReading, weigh_report

MODEL_FINDINGS = ("pulmonary infection", "consolidation")


def _weigh(**findings: Presence) -> ReportReading:
    named = tuple(
        Finding(name=name.replace("_", " "), presence=presence)
        for name, presence in findings.items()
    )
    return weigh_report(Report(text="…", findings=named), EncodedText(), MODEL_FINDINGS)


def test_findings_are_sorted_by_what_the_model_was_made_for() -> None:
    reading = _weigh(
        consolidation=Presence.PRESENT,
        pleural_effusion=Presence.UNCERTAIN,
        pneumothorax=Presence.ABSENT,
        pulmonary_infection=Presence.UNCERTAIN,
    )
    assert reading.segmentable == ("consolidation", "pulmonary infection")
    assert reading.not_segmentable == ("pleural effusion",)
    assert not reading.only_absent
    assert not reading.has_no_target


def test_denied_and_past_findings_leave_nothing_to_segment() -> None:
    reading = _weigh(consolidation=Presence.ABSENT, pulmonary_infection=Presence.HISTORY)
    assert reading.only_absent
    assert reading.has_no_target


def test_a_finding_of_another_model_is_no_target() -> None:
    reading = _weigh(pleural_effusion=Presence.PRESENT, consolidation=Presence.ABSENT)
    assert not reading.only_absent
    assert reading.has_no_target


def test_a_report_without_known_findings_is_run() -> None:
    reading = _weigh()
    assert not reading.only_absent
    assert not reading.has_no_target


def test_reading_needs_no_torch() -> None:
    code = "import sys, tgcnet.report.rules; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
