import csv
import time
from pathlib import Path

import pytest

from tgcnet.domain import Presence, Side
from tgcnet.report import load_knowledge, read_report

REPORTS = Path(__file__).parents[4] / "shared" / "data" / "reports_iu_xray" / "reports.csv"


def _presences(text: str) -> dict[str, str]:
    return {finding.name: finding.presence.value for finding in read_report(text).findings}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Left pleural effusion.", {"pleural effusion": "present"}),
        ("No pulmonary infection.", {"pulmonary infection": "absent"}),
        ("No pneumothorax, pleural effusion or focal consolidation.",
         {"pneumothorax": "absent", "pleural effusion": "absent", "consolidation": "absent"}),
        ("The heart is big without evidence of pulmonary edema.", {"pulmonary oedema": "absent"}),
        ("Lungs free of consolidation.", {"consolidation": "absent"}),
        ("Effusion and pneumothorax are not seen.",
         {"pleural effusion": "absent", "pneumothorax": "absent"}),
        ("There is an effusion and pneumothorax is not seen.",
         {"pleural effusion": "present", "pneumothorax": "absent"}),
        ("The opacity has resolved.", {"opacity": "absent"}),
        ("Pneumonia was ruled out.", {"pulmonary infection": "absent"}),
        ("No effusion, but a small pneumothorax.",
         {"pleural effusion": "absent", "pneumothorax": "present"}),
        ("No effusion; atelectasis at the base.",
         {"pleural effusion": "absent", "atelectasis": "present"}),
        ("No effusion, however there is cardiomegaly.",
         {"pleural effusion": "absent", "cardiomegaly": "present"}),
        ("No nodule other than a granuloma.",
         {"nodule": "absent", "granuloma": "present"}),
        ("No change in the effusion.", {"pleural effusion": "present"}),
        ("The effusion has not significantly changed.", {"pleural effusion": "present"}),
        ("Partial resolution of the effusion.", {"pleural effusion": "present"}),
        ("No opacity to suggest pneumonia.",
         {"opacity": "absent", "pulmonary infection": "absent"}),
    ],
)  # fmt: skip
def test_negation_has_a_scope(text: str, expected: dict[str, str]) -> None:
    assert _presences(text) == expected


def test_what_or_joins_is_uncertain_and_not_denied() -> None:
    text = "No effusion, left lower lobe consolidation or atelectasis."
    assert _presences(text) == {
        "pleural effusion": "absent",
        "consolidation": "uncertain",
        "atelectasis": "uncertain",
    }


@pytest.mark.parametrize(
    "text",
    [
        "Consolidation: none.",
        "Consolidation: no",
        "Consolidation none.",
        "Consolidation? No.",
        "Consolidation: nil / negative.",
        "Consolidation: negative.",
        "Lungs: consolidation: nil, air normal.",
    ],
)
def test_a_form_denies_behind_the_name(text: str) -> None:
    assert _presences(text) == {"consolidation": "absent"}


def test_an_answer_belongs_to_its_own_line_of_a_form() -> None:
    text = "Consolidation: present, effusion: none, pneumothorax? no. Opacities: yes."
    assert _presences(text) == {
        "consolidation": "present",
        "pleural effusion": "absent",
        "pneumothorax": "absent",
        "opacity": "present",
    }


@pytest.mark.parametrize(
    ("text", "present"),
    [
        ("No effusion, left lower lobe consolidation.", {"consolidation"}),
        ("No pneumothorax or effusion, left lower lobe consolidation is seen.", {"consolidation"}),
        ("No pneumothorax, small left effusion.", {"pleural effusion"}),
        ("No pneumothorax and large effusion.", {"pleural effusion"}),
        ("No effusion and left lower lobe consolidation.", {"consolidation"}),
        ("No effusion is seen, consolidation at the base.", {"consolidation"}),
        ("No effusion and consolidation is seen.", {"consolidation"}),
        ("Lungs: No consolidation, Pleura: left effusion.", {"pleural effusion"}),
        ("No effusion, pneumothorax or consolidation.", set()),
        ("No focal consolidation, effusion, or pneumothorax.", set()),
        ("No consolidation, large effusion or pneumothorax.", set()),
        ("No consolidation, large effusion/pneumothorax.", set()),
        ("No consolidation, left effusion, or pneumothorax.", set()),
        ("No left and right effusion.", set()),
        ("No effusion, left or right.", set()),
    ],
)  # fmt: skip
def test_a_denial_ends_where_a_new_statement_begins(text: str, present: set[str]) -> None:
    presences = _presences(text)
    assert {name for name, presence in presences.items() if presence == "present"} == present
    assert set(presences.values()) <= {"present", "absent"}


def _sides(text: str) -> dict[str, str | None]:
    """Side by presence, of a text that names one finding."""
    return {f.presence.value: f.side and f.side.value for f in read_report(text).findings}


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("Opacity in the left lung, resolved opacity in the right lung.",
         {"present": "left", "absent": "right"}),
        ("History of right lung opacity, now opacity in the left lung.",
         {"history": "right", "present": "left"}),
        ("Infiltrates absent on the right, present on the left.",
         {"absent": "right", "present": "left"}),
        ("Consolidation is present on the left and absent on the right.",
         {"present": "left", "absent": "right"}),
        ("No left consolidation, right consolidation present.",
         {"absent": "left", "present": "right"}),
        ("Opacity in the left lower lobe, not in the right.",
         {"present": "left", "absent": "right"}),
        ("Opacity in the left lower lobe, sparing the right.",
         {"present": "left", "absent": "right"}),
        ("Opacity in the left lung but not in the right lung.",
         {"present": "left", "absent": "right"}),
        ("Opacity in the left lung; the opacity in the right lung has cleared.",
         {"present": "left", "absent": "right"}),
        ("Opacity in the left lung, possibly in the right lung.",
         {"present": "left", "uncertain": "right"}),
        ("Opacity not only in the left lung but also in the right.", {"present": "bilateral"}),
        ("Opacity in the left lung, not obscuring the right heart border.",
         {"present": "left"}),
        ("Opacity, not seen in the left lung.", {"absent": "left"}),
        ("Opacity in the left lung, resolved.", {"absent": "left"}),
        ("Previous right upper lobe consolidation has progressed.", {"present": "right"}),
        ("Previous right upper lobe consolidation.", {"history": "right"}),
        ("No worsening of the left consolidation.", {"present": "left"}),
        ("No new or worsening left consolidation.", {"absent": "left"}),
        ("On the left there is consolidation.", {"present": "left"}),
        ("In the right lung, the consolidation is unchanged.", {"present": "right"}),
        ("?left basal consolidation", {"uncertain": "left"}),
        ("Left basal consolidation?", {"uncertain": "left"}),
        ("Rt lung opacity.", {"present": "right"}),
        ("Lt lung opacity.", {"present": "left"}),
        ("Opacity in the r. lung.", {"present": "right"}),
        ("Effusion, R.", {"present": "right"}),
        ("Opacity post RT.", {"present": None}),
        ("The patient has left consolidation.", {"present": "left"}),
    ],
)  # fmt: skip
def test_each_side_has_its_own_presence(text: str, sides: dict[str, str | None]) -> None:
    assert _sides(text) == sides


def test_a_clear_lung_does_not_deny_what_is_said_before() -> None:
    assert _presences("The lungs are hyperinflated but clear.")["hyperinflation"] == "present"


@pytest.mark.parametrize(
    "text",
    [
        "Possible pneumonia.",
        "This may represent pneumonia.",
        "Pneumonia cannot be excluded.",
        "Pneumonia is not entirely excluded.",
        "We cannot exclude pneumonia.",
        "Findings suspicious for pneumonia.",
        "Pneumonia is unlikely.",
        "Pneumonia versus scarring.",
        "INDICATION: rule out pneumonia.",
    ],
)
def test_doubt_is_uncertain(text: str) -> None:
    assert _presences(text)["pulmonary infection"] == "uncertain"


def test_doubt_ends_at_a_comma_unless_it_is_an_or_list() -> None:
    assert _presences("Possible effusion, cardiomegaly.")["cardiomegaly"] == "present"
    text = "This may be scarring, pneumonia, or atelectasis."
    assert set(_presences(text).values()) == {"uncertain"}


@pytest.mark.parametrize(
    "text", ["History of pneumonia.", "Previous pneumonia.", "Indication: pneumonia, cough."]
)
def test_the_past_is_history(text: str) -> None:
    assert _presences(text) == {"pulmonary infection": "history"}


def test_a_prior_study_makes_no_history() -> None:
    assert _presences("Compared with the prior radiograph effusion is unchanged.") == {
        "pleural effusion": "present"
    }


@pytest.mark.parametrize(
    ("text", "name", "presence"),
    [
        ("Lungs clear.", "opacity", "absent"),
        ("The lungs are well expanded and clear.", "opacity", "absent"),
        ("No acute cardiopulmonary abnormality.", "abnormality", "absent"),
        ("Heart size is within normal limits.", "cardiomegaly", "absent"),
        ("The heart is not enlarged.", "cardiomegaly", "absent"),
        ("The heart is mildly enlarged.", "cardiomegaly", "present"),
        ("Heart size at the upper limits of normal.", "cardiomegaly", "absent"),
        ("Blunting of the left costophrenic angle.", "pleural effusion", "uncertain"),
        ("Costophrenic angles are sharp.", "pleural effusion", "absent"),
    ],
)
def test_statements_of_normality_and_signs(text: str, name: str, presence: str) -> None:
    assert _presences(text) == {name: presence}


def test_clear_except_keeps_what_follows() -> None:
    text = "The lungs are clear except for left basilar atelectasis."
    assert _presences(text) == {"opacity": "absent", "atelectasis": "present"}


def test_words_that_mislead_name_no_finding() -> None:
    assert _presences("Knee effusion. Mass effect. Low bone density.") == {}


@pytest.mark.parametrize(
    ("text", "side", "zones"),
    [
        ("one infected area, lower left lung.", Side.LEFT, ("lower",)),
        ("two infected areas, all right lung and lower left lung.",
         Side.BILATERAL, ("upper", "middle", "lower")),
        ("Bilateral pulmonary infection.", Side.BILATERAL, ()),
        ("Pneumonia in both lungs.", Side.BILATERAL, ()),
        ("Bi-basal pneumonia.", Side.BILATERAL, ("base",)),
        ("Pneumonia (R>L).", Side.BILATERAL, ()),
        ("RLL pneumonia.", Side.RIGHT, ("lower",)),
        ("Pneumonia in LUL.", Side.LEFT, ("upper",)),
        ("Right-sided perihilar, peripheral and posterior pneumonia.",
         Side.RIGHT, ("perihilar", "peripheral", "posterior")),
        ("Diffuse pneumonia.", None, ("diffuse",)),
        ("Pneumonia on the lateral view.", None, ()),
        ("He left the hospital with pneumonia right away.", None, ()),
    ],
)  # fmt: skip
def test_sides_and_zones(text: str, side: Side | None, zones: tuple[str, ...]) -> None:
    (finding,) = read_report(text).findings
    assert (finding.name, finding.side, finding.zones) == ("pulmonary infection", side, zones)


def test_each_finding_gets_its_own_place() -> None:
    text = (
        "Ground-glass opacities in the right upper lobe and patchy consolidation in the left base."
    )
    found = {f.name: (f.side, f.zones) for f in read_report(text).findings}
    assert found == {
        "ground glass opacity": (Side.RIGHT, ("upper",)),
        "consolidation": (Side.LEFT, ("base",)),
    }


def test_members_of_a_list_share_the_place_after_it() -> None:
    text = "Ground glass opacities and consolidation, 10 infected areas, posterior left lung."
    assert {(f.side, f.zones) for f in read_report(text).findings} == {(Side.LEFT, ("posterior",))}


def test_findings_point_at_their_sentence() -> None:
    report = read_report("No effusion. Cardiomegaly. Effusion on the left.")
    assert [(f.name, f.presence, f.sentence) for f in report.findings] == [
        ("pleural effusion", Presence.ABSENT, 0),
        ("cardiomegaly", Presence.PRESENT, 1),
        ("pleural effusion", Presence.PRESENT, 2),
    ]
    assert report.sentences[2] == "Effusion on the left."


def test_an_empty_report_says_nothing() -> None:
    assert read_report(" \n") == read_report(" \n")
    empty = read_report("")
    assert (empty.sentences, empty.findings) == ((), ())


def test_every_term_is_read_as_its_finding() -> None:
    for finding in load_knowledge("2").findings:
        for term in finding.terms:
            names = {found.name for found in read_report(f"There is {term}.").findings}
            assert names == {finding.name}, term


def test_reading_is_fast_and_a_hostile_text_does_not_hang() -> None:
    report = (
        "No effusion. Opacity in the left lower lobe may represent pneumonia. Lungs clear. " * 5
    )
    read_report(report)
    start = time.process_time()
    for _ in range(20):
        read_report(report)
    assert (time.process_time() - start) / 20 < 0.05  # under 1 ms where nothing else runs
    start = time.process_time()
    read_report("left lower lobe and " * 1000 + "no effusion, " * 300 + " " * 50_000)
    assert time.process_time() - start < 5


@pytest.mark.skipif(not REPORTS.exists(), reason="the shared data are not here")
def test_real_reports_agree_with_their_labels() -> None:
    with REPORTS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["findings"] or row["impression"]][:1500]
    num_normal = num_clean = num_agreeing = 0
    names = ("pleural effusion", "pneumothorax", "cardiomegaly")
    for row in rows:
        findings = read_report(f"{row['findings']} {row['impression']}").findings
        present = {f.name for f in findings if f.presence is Presence.PRESENT}
        # Such reports are labelled normal in spite of these.
        present -= {"degenerative change", "scoliosis", "kyphosis"}
        labels = row["mesh_major"].lower()
        num_normal += labels == "normal"
        num_clean += labels == "normal" and not present
        num_agreeing += sum((name in labels) == (name in present) for name in names)
    assert num_clean / num_normal > 0.97
    assert num_agreeing / (len(rows) * len(names)) > 0.96
