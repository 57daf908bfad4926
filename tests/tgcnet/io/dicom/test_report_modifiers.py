"""Modifiers of a Structured Report's findings, and what the reader of reports makes of them."""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from tests.tgcnet.io.dicom.sr_items import code, coded, diameter, item, modifier, read

from tgcnet.errors import InputError
from tgcnet.report import read_report

Claim = tuple[str, str, str | None, tuple[str, ...]]


def claims(text: str) -> list[Claim]:
    """Finding, presence, side and zones of each claim."""
    return [
        (found.name, found.presence.value, found.side and found.side.value, found.zones)
        for found in read_report(text).findings
    ]


def finding(*modifiers: Dataset, value: str = "Consolidation") -> Dataset:
    return coded("Finding", value, "CONTAINS", *modifiers)


def site(side: str, relation: str = "HAS CONCEPT MOD") -> Dataset:
    return coded("Finding Site", "Lower lobe of lung", relation, modifier("Laterality", side))


@pytest.mark.parametrize(
    ("side", "read_as"),
    [
        *[("Left", "left"), ("Right", "right"), ("Bilateral", "bilateral")],
        *[("Right and left", "bilateral"), ("Unilateral", None), ("L", "left"), ("R", "right")],
    ],
)
@pytest.mark.parametrize(
    ("presence", "claimed"),
    [
        *[(None, "present"), ("Present", "present"), ("Absent", "absent"), ("No", "absent")],
        *[("Not detected", "absent"), ("Possible", "uncertain"), ("Unlikely", "uncertain")],
        *[("Probably not present", "uncertain"), ("Undetermined", "uncertain")],
        ("In the past", "history"),
    ],
)
def test_presence_and_side_reach_the_claims(
    tmp_path: Path, side: str, read_as: str | None, presence: str | None, claimed: str
) -> None:
    said = [] if presence is None else [modifier("Presence", presence)]
    for place, zones in ((site(side), ("lower",)), (modifier("Laterality", side), ())):
        text = read(tmp_path, [finding(place, *said)]).text
        assert claims(text) == [("consolidation", claimed, read_as, zones)], text


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([finding(site("Left"))], "Consolidation (Finding Site: Left Lower lobe of lung)"),
        ([finding(modifier("Presence", "Absent"))], "Consolidation: absent"),
        (
            [finding(modifier("Severity", "Mild; new."), modifier("Laterality", "Left"))],
            "Consolidation (Left) (Severity: Mild, new)",
        ),
        ([coded("Finding Site", "Lower lobe", "CONTAINS", modifier("Laterality", "Left"))],
         "Finding Site: Left Lower lobe"),
        # Within the brackets it would deny the nodule.
        ([finding(modifier("Cavitation", "Absent"), value="Nodule")],
         "Nodule\nCavitation: absent"),
        ([coded("Chest", "Consolidation", "CONTAINS", modifier("Presence", "Absent"))],
         "Chest: Consolidation: absent"),
        ([coded("Pneumothorax", "Undetermined")], "Pneumothorax (?): Undetermined"),
        ([coded("Comparison", "None")], "Comparison: None"),
        ([coded("Language", "English", "HAS CONCEPT MOD"), finding()], "Consolidation"),
    ],
)  # fmt: skip
def test_modifiers_stand_in_the_findings_sentence(
    tmp_path: Path, items: list[Dataset], text: str
) -> None:
    assert read(tmp_path, items).text == text


def test_a_site_and_a_doubt_that_are_properties_stand_there_too(tmp_path: Path) -> None:
    doubt = coded("Certainty of finding", "Possible", "HAS PROPERTIES")
    found = read(tmp_path, [finding(site("Right", "HAS PROPERTIES"), doubt, diameter("31"))])
    assert claims(found.text) == [("consolidation", "uncertain", "right", ("lower",))]
    assert found.text.endswith("\nDiameter: 31 mm")


def test_codes_count_where_their_words_are_of_another_language(tmp_path: Path) -> None:
    side, presence = modifier("Seite", "links"), modifier("Nachweis", "fehlend")
    for one, name, value in ((side, "272741003", "7771000"), (presence, "705057003", "2667000")):
        one.ConceptNameCodeSequence[0].CodeValue = name
        one.ConceptCodeSequence = [code(one.ConceptCodeSequence[0].CodeMeaning, value)]
    text = read(tmp_path, [finding(side, presence)]).text
    assert claims(text) == [("consolidation", "absent", "left", ())]


def test_each_sentence_of_a_text_has_its_modifiers(tmp_path: Path) -> None:
    given = item("TEXT", "Finding", TextValue="Opacity. Pleural effusion.")
    given.ContentSequence = [modifier("Presence", "Absent"), modifier("Laterality", "Left")]
    assert claims(read(tmp_path, [given]).text) == [
        ("opacity", "absent", "left", ()),
        ("pleural effusion", "absent", "left", ()),
    ]


def test_what_a_container_says_holds_for_all_within(tmp_path: Path) -> None:
    group = item("CONTAINER", "Measurement Group")
    group.ContentSequence = [site("Left"), modifier("Method", "Manual"), finding(),
                             finding(site("Right"), value="Nodule")]  # fmt: skip
    text = read(tmp_path, [group, finding(value="Atelectasis")]).text
    assert text.startswith("Measurement Group:\nMethod: Manual\n")
    assert claims(text) == [
        ("consolidation", "present", "left", ("lower",)),
        ("nodule", "present", "right", ("lower",)),
        ("atelectasis", "present", None, ()),
    ]


def test_modifiers_as_deep_as_no_report_are_refused(tmp_path: Path) -> None:
    deep = modifier("Laterality", "Left")
    for _ in range(60):
        deep = modifier("Finding Site", "Lung", deep)
    with pytest.raises(InputError, match="is damaged"):
        read(tmp_path, [finding(deep)])
