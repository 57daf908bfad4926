"""The values of FHIR Observations as text, and what the reader of reports makes of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tgcnet.io.report_file import ReportFile, read_report_file
from tgcnet.report import read_report

LEFT_OUT = "of the report's observations have no value that is words or a number"
Fields = dict[str, Any]


def read(tmp_path: Path, *observations: Fields, **fields: Any) -> ReportFile:
    contained = [
        {"resourceType": "Observation", "id": str(index), **one}
        for index, one in enumerate(observations)
    ]
    report = {
        "resourceType": "DiagnosticReport",
        "contained": contained,
        "result": [{"reference": f"#{index}"} for index in range(len(observations))],
        **fields,
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    return read_report_file(tmp_path / "report.json")


def an_opacity(**fields: Any) -> Fields:
    return {"code": {"text": "Opacity"}, **fields}


def part(name: str, **fields: Any) -> Fields:
    return {"code": {"text": name}, **fields}


def quantity(value: float, unit: str = "mm", **fields: Any) -> Fields:
    return {"value": value, "unit": unit, **fields}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"valueString": "patchy"}, "Opacity: patchy"),
        ({"valueInteger": 2}, "Opacity: 2"),
        ({"valueInteger": 0}, "Opacity: 0"),
        ({"valueBoolean": True}, "Opacity: present"),
        ({"valueBoolean": False}, "Opacity: absent"),
        ({"valueQuantity": quantity(12)}, "Opacity: 12 mm"),
        ({"valueQuantity": quantity(1.5, "cm", comparator="<")}, "Opacity: < 1.5 cm"),
        ({"valueQuantity": {"value": 3, "code": "1"}}, "Opacity: 3"),
        ({"valueRange": {"low": quantity(3), "high": quantity(5)}}, "Opacity: 3 mm to 5 mm"),
        ({"valueRange": {"high": quantity(5)}}, "Opacity: <= 5 mm"),
        ({"valueRange": {"low": quantity(3)}}, "Opacity: >= 3 mm"),
        (
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
            "Opacity: 1 : 128",
        ),
        ({"valueCodeableConcept": {"coding": [{"code": "2667000"}]}}, "Opacity: absent"),
        ({"interpretation": [{"text": "Negative"}]}, "Opacity: absent"),
        (
            {"component": [part("Size", valueQuantity=quantity(4)), part("Count", valueInteger=1)]},
            "Size: 4 mm\nCount: 1",
        ),
        (
            {"valueString": "patchy", "component": [part("Size", valueQuantity=quantity(4))]},
            "Opacity: patchy\nSize: 4 mm",
        ),
        (
            {"valueBoolean": True, "bodySite": {"text": "left lower lobe"}},
            "Opacity: present (Body site: left lower lobe)",
        ),
    ],
)
def test_values_become_words(tmp_path: Path, value: Fields, words: str) -> None:
    found = read(tmp_path, an_opacity(**value))
    assert (found.text, found.notices) == (words, ())


LEFT = {"coding": [{"display": "Left"}]}
LOBE = {"text": "Lower lobe of lung"}


@pytest.mark.parametrize(
    ("fields", "claim"),
    [
        ({"valueBoolean": False, "bodySite": {"text": "left lung"}}, ("absent", "left", ())),
        ({"valueString": "false"}, ("absent", None, ())),
        ({"valueString": "unknown"}, ("uncertain", None, ())),
        ({"valueCodeableConcept": {"text": "Not detected"}}, ("absent", None, ())),
        ({"valueCodeableConcept": {"text": "Mild"}, "bodySite": {"text": "both lungs"}},
         ("present", "bilateral", ())),
        ({"valueCodeableConcept": {"text": "Possible"}, "bodySite": {"text": "right upper lobe"}},
         ("uncertain", "right", ("upper",))),
        ({"bodySite": LOBE, "component": [part("Laterality", valueCodeableConcept=LEFT)]},
         ("present", "left", ("lower",))),
        ({"component": [part("Presence", valueBoolean=False),
                        part("Laterality", valueCodeableConcept=LEFT)]},
         ("absent", "left", ())),
        ({"valueQuantity": quantity(12), "bodySite": {"text": "left base"}},
         ("present", "left", ("base",))),
    ],
)  # fmt: skip
def test_presence_and_side_reach_the_claims(
    tmp_path: Path, fields: Fields, claim: tuple[str, str | None, tuple[str, ...]]
) -> None:
    found = read(tmp_path, an_opacity(**fields))
    (finding,) = read_report(found.text).findings
    side = finding.side and finding.side.value
    assert (finding.presence.value, side, finding.zones) == claim, found.text


def test_components_have_the_place_of_the_whole(tmp_path: Path) -> None:
    chest = part(
        "Chest", bodySite={"text": "left lung"}, component=[part("Opacity", valueBoolean=True)]
    )
    assert read(tmp_path, chest).text == "Opacity: present (Body site: left lung)"


@pytest.mark.parametrize(
    "fields",
    [
        {"dataAbsentReason": {"text": "not performed"}},
        {"dataAbsentReason": {"text": "unknown"}, "bodySite": LOBE},
        {"component": [part("Size", dataAbsentReason={"text": "unknown"})]},
        {"valueDateTime": "2026-01-01"},
        {"valueBoolean": True, "status": "entered-in-error"},
        {"valueQuantity": {"unit": "mm"}},
        {"valueCodeableConcept": {"coding": [{"code": "unheard-of"}]}},
    ],
)
def test_what_has_no_value_is_left_out_and_told(tmp_path: Path, fields: Fields) -> None:
    found = read(tmp_path, an_opacity(**fields), part("Heart", valueString="Normal."))
    assert found.text == "Heart: Normal."
    assert found.notices[0].startswith(f"1 {LEFT_OUT}")


def test_groups_are_read_through_even_in_a_ring(tmp_path: Path) -> None:
    group = part("Group", hasMember=[{"reference": "#1"}, {"reference": "#0"}])
    member = an_opacity(valueBoolean=True, hasMember=[{"reference": "#0"}])
    found = read(tmp_path, group, member, result=[{"reference": "#0"}])
    assert (found.text, found.notices) == ("Opacity: present", ())


def test_a_conclusion_may_stand_in_codes_alone(tmp_path: Path) -> None:
    codes = [{"text": "Pneumonia, left"}, {"coding": [{"code": "1", "display": "Effusion"}]}]
    assert read(tmp_path, conclusionCode=codes).text == "Conclusion:\nPneumonia, left\nEffusion"
    beside = read(tmp_path, conclusionCode=codes, conclusion="Left pneumonia.")
    assert beside.text == "Conclusion:\nLeft pneumonia."
