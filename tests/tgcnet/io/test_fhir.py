"""FHIR DiagnosticReport as JSON."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tgcnet.errors import InputError
from tgcnet.io.report_file import ReportFile, read_report_file


def attachment(text: str, kind: str = "text/plain; charset=utf-8") -> dict[str, str]:
    return {"contentType": kind, "data": base64.b64encode(text.encode()).decode()}


def report(**fields: Any) -> dict[str, Any]:
    return {"resourceType": "DiagnosticReport", "status": "final", **fields}


def whose(number: str) -> dict[str, Any]:
    return {"identifier": {"type": {"coding": [{"code": "MR"}]}, "value": number}}


def read(tmp_path: Path, resource: object, name: str = "report.json") -> ReportFile:
    (tmp_path / name).write_text(json.dumps(resource))
    return read_report_file(tmp_path / name)


def test_the_plain_text_form_is_the_report(tmp_path: Path) -> None:
    given = report(
        presentedForm=[attachment("%PDF", "application/pdf"), attachment("Opacity.\r\n")]
    )
    assert read(tmp_path, given).text == "Opacity."


def test_a_narrative_becomes_lines(tmp_path: Path) -> None:
    div = (
        "<div><h1>Findings</h1><p>Opacity in the <b>left</b>\n lung &amp; no effusion.</p>"
        "<ul><li>One</li><li>Two</li></ul><script>alert(1)</script></div>"
    )
    found = read(tmp_path, report(text={"status": "generated", "div": div}))
    assert found.text == "Findings\nOpacity in the left lung & no effusion.\nOne\nTwo"


def test_the_conclusion_is_added_once(tmp_path: Path) -> None:
    apart = report(presentedForm=[attachment("Opacity on the left.")], conclusion="Pneumonia.")
    within = report(presentedForm=[attachment("Opacity. Pneumonia.")], conclusion="Pneumonia.")
    assert read(tmp_path, apart).text == "Opacity on the left.\n\nConclusion:\nPneumonia."
    assert read(tmp_path, within).text == "Opacity. Pneumonia."
    assert read(tmp_path, report(conclusion="Pneumonia.")).text == "Conclusion:\nPneumonia."


def test_observations_stand_in_for_a_text(tmp_path: Path) -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": report(result=[{"reference": "Observation/a"}, {"reference": "#b"}])},
            {
                "resource": {
                    "resourceType": "Observation",
                    "id": "a",
                    "code": {"text": "Lung"},
                    "valueString": "Opacity on the left.",
                }
            },
            {
                "resource": {
                    "resourceType": "Observation",
                    "id": "b",
                    "code": {"coding": [{"display": "Pleura"}]},
                    "valueCodeableConcept": {"text": "No effusion"},
                }
            },
        ],
    }
    assert read(tmp_path, bundle).text == "Lung: Opacity on the left.\nPleura: No effusion"


def test_patient_order_and_study_are_found_where_they_are_stated(tmp_path: Path) -> None:
    given = report(
        conclusion="Opacity.",
        subject={"reference": "Patient/p"},
        identifier=[{"type": {"coding": [{"code": "ACSN"}]}, "value": "A-7"}],
        imagingStudy=[{"reference": "ImagingStudy/s"}],
        contained=[
            {
                "resourceType": "Patient",
                "id": "p",
                "identifier": [
                    {"value": "insurance"},
                    {"type": {"coding": [{"code": "MR"}]}, "value": "M-1"},
                ],
            },
            {
                "resourceType": "ImagingStudy",
                "id": "s",
                "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
            },
        ],
    )
    identity = read(tmp_path, given).identity
    assert (identity.patient_id, identity.accession_number) == ("M-1", "A-7")
    assert identity.study_id == "1.2.3"


def test_a_servers_own_number_of_a_patient_is_no_patient_id(tmp_path: Path) -> None:
    found = read(tmp_path, report(conclusion="Opacity.", subject={"reference": "Patient/17"}))
    assert found.identity.patient_id is None


def test_a_report_that_is_not_final_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, {**report(conclusion="Opacity."), "status": "preliminary"})
    assert found.notices == ("The report's status is 'preliminary': it is not final.",)
    assert read(tmp_path, report(conclusion="Opacity.")).notices == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged JSON, expected a FHIR DiagnosticReport"),
        ("[1]", "is JSON of another kind"),
        ('{"resourceType": "Patient"}', "holds no FHIR DiagnosticReports, expected one"),
        (json.dumps(report()), "is a DiagnosticReport without text that can be read"),
        (
            json.dumps({"entry": [{"resource": report()}, {"resource": report()}]}),
            "holds 2 FHIR DiagnosticReports, expected one",
        ),
        (
            json.dumps(report(presentedForm=[{"contentType": "text/plain", "data": "?"}])),
            "its presented form is not base64",
        ),
        (json.dumps(report(presentedForm="x", text=3, result=[1], subject=[])), "without text"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=rf"^a\.json .*{message}"):
        read_report_file(tmp_path / "a.json")


def test_json_is_recognised_without_its_ending(tmp_path: Path) -> None:
    assert read(tmp_path, report(conclusion="Opacity."), "report").text.endswith("Opacity.")


def test_half_a_character_is_replaced_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, report(conclusion="\ud800 Opacity.", subject=whose("P\udc00")))
    assert found.text == "Conclusion:\n\ufffd Opacity."
    assert found.identity.patient_id == "P\ufffd"
    assert found.notices[0].startswith("The report holds halves of characters that are none")


def test_nested_brackets_do_not_exhaust_the_parser(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a":' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(InputError, match="is damaged JSON"):
        read_report_file(tmp_path / "a.json")
