"""What the references of a FHIR report lead to: whose it is, and its observations."""

import json
from pathlib import Path
from typing import Any

import pytest

from tgcnet.domain import Identity
from tgcnet.io.report_file import ReportFile, read_report_file

UUID = "urn:uuid:4f1a7c1e-0000-4000-8000-00000000000"
SERVER = "https://fhir.example.org/r4"


def typed(kind: str, value: str) -> dict[str, Any]:
    return {"type": {"coding": [{"code": kind}]}, "value": value}


def read(tmp_path: Path, entries: list[dict[str, Any]]) -> ReportFile:
    (tmp_path / "bundle.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    return read_report_file(tmp_path / "bundle.json")


def a_report(**fields: Any) -> dict[str, Any]:
    return {"resource": {"resourceType": "DiagnosticReport", "status": "final", **fields}}


def an_entry(kind: str, url: str = "", **fields: Any) -> dict[str, Any]:
    address = {"fullUrl": url} if url else {}
    return {**address, "resource": {"resourceType": kind, **fields}}


def a_decoy(kind: str) -> dict[str, Any]:
    """Another's resource, which no reference means."""
    return an_entry(kind, f"{UUID}9", id="decoy", identifier=[typed("MR", "DECOY")])


@pytest.mark.parametrize(
    ("reference", "url", "ident"),
    [
        (f"{UUID}1", f"{UUID}1", None),
        (f"{UUID}a", f"{UUID}A", None),
        (f"{UUID}1", f"{UUID}1", "another"),
        (f"{UUID}1", "", f"{UUID}1".rpartition(":")[2]),
        ("urn:oid:1.2.3", "urn:oid:1.2.3", None),
        (f"{SERVER}/Patient/p", f"{SERVER}/Patient/p", None),
        (f"{SERVER}/Patient/p", f"{SERVER}/Patient/p/_history/3", "p"),
        (f"{SERVER}/Patient/p/_history/2", f"{SERVER}/Patient/p", "p"),
        (f"{SERVER}/Patient/p", "", "p"),
        ("Patient/p", f"{SERVER}/Patient/p", "p"),
        ("Patient/p", "", "p"),
        ("Patient/p/_history/2", "", "p"),
    ],
)
def test_references_lead_to_their_patient(
    tmp_path: Path, reference: str, url: str, ident: str | None
) -> None:
    fields = {} if ident is None else {"id": ident}
    patient = an_entry("Patient", url, identifier=[typed("MR", "M-1")], **fields)
    report = a_report(conclusion="Opacity.", subject={"reference": reference})
    found = read(tmp_path, [a_decoy("Patient"), report, patient])
    assert found.identity == Identity(patient_id="M-1")


@pytest.mark.parametrize(
    "reference", [f"{UUID}2", "Patient/q", "Observation/decoy", "#", "/", "urn:uuid:", ""]
)
def test_references_that_lead_nowhere_name_nobody(tmp_path: Path, reference: str) -> None:
    report = a_report(conclusion="Opacity.", subject={"reference": reference})
    assert read(tmp_path, [a_decoy("Patient"), report]).identity == Identity()


def test_what_the_report_contains_goes_before_an_entry_of_the_same_name(tmp_path: Path) -> None:
    contained = {"resourceType": "Patient", "id": "decoy", "identifier": [typed("MR", "M-1")]}
    subject = {"reference": "#decoy"}
    report = a_report(conclusion="Opacity.", subject=subject, contained=[contained])
    assert read(tmp_path, [a_decoy("Patient"), report]).identity == Identity(patient_id="M-1")


@pytest.mark.parametrize("name", ["imagingStudy", "study"])
@pytest.mark.parametrize("is_ordered", [True, False])
def test_the_study_tells_its_number_and_its_order(
    tmp_path: Path, name: str, is_ordered: bool
) -> None:
    uid = {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}
    number = typed("ACSN", "A-1")
    own = {"basedOn": [{"reference": f"{UUID}2"}]} if is_ordered else {}
    study = an_entry(
        "ImagingStudy", f"{UUID}1", identifier=[uid] if is_ordered else [uid, number], **own
    )
    order = an_entry("ServiceRequest", f"{UUID}2", identifier=[number] if is_ordered else [])
    report = a_report(conclusion="Opacity.", **{name: [{"reference": f"{UUID}1"}]})
    identity = read(tmp_path, [report, order, study]).identity
    assert identity == Identity(accession_number="A-1", study_id="1.2.3")


def test_results_are_found_by_their_address(tmp_path: Path) -> None:
    lung = an_entry(
        "Observation", f"{UUID}1", code={"text": "Lung"}, valueString="Opacity on the left."
    )
    found = read(tmp_path, [lung, a_report(result=[{"reference": f"{UUID}1"}])])
    assert found.text == "Lung: Opacity on the left."
