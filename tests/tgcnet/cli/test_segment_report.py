"""The report that ``tgcnet segment`` is given: never overwritten, another's never used."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tgcnet.io.dicom.phantoms import write_series

from tgcnet.cli import main

Refused = Callable[[list[str]], str]
REPORT = "Bilateral pulmonary infection, lower left lung."


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_the_report_itself_is_never_replaced(
    refused: Refused, ct: Path, tmp_path: Path, link: Callable[[Path, Path], None] | None
) -> None:
    report, out = tmp_path / "report.nii", tmp_path / "out.nii"
    report.write_text(REPORT)
    if link is None:
        out = report
    else:
        link(report, out)
    command = ["segment", str(ct), "--report-file", str(report), "--model", "never looked for"]
    sentence = refused([*command, "--out", str(out)])
    assert f"--out {out.name} is the report itself, which a mask must not replace" in sentence
    assert report.read_text() == out.read_text() == REPORT


def test_another_patient_is_noticed_through_any_reference(
    refused: Refused, tmp_path: Path, model: str
) -> None:
    write_series(tmp_path / "series", patient_id="PHANTOM-1")
    number = {"type": {"coding": [{"code": "MR"}]}, "value": "PHANTOM-2"}
    subject = "urn:uuid:4f1a7c1e-0000-4000-8000-000000000001"
    patient = {"resourceType": "Patient", "identifier": [number]}
    report = {
        "resourceType": "DiagnosticReport",
        "conclusion": REPORT,
        "subject": {"reference": subject},
    }
    bundle = {"entry": [{"fullUrl": subject, "resource": patient}, {"resource": report}]}
    (tmp_path / "report.json").write_text(json.dumps({"resourceType": "Bundle", **bundle}))
    command = ["segment", str(tmp_path / "series"), "--out", str(tmp_path / "mask.nii")]
    command += ["--model", model, "--report-file", str(tmp_path / "report.json")]
    assert "The report and the image differ in patient ID" in refused(command)


def test_half_a_character_in_a_report_is_replaced_with_a_notice(
    ct: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["segment", str(ct), "--report", f"\udcff {REPORT}", "--model", model]
    assert main([*command, "--out", str(tmp_path / "mask.nii")]) == 0
    assert "halves of characters that are none" in capsys.readouterr().err
