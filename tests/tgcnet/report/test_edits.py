from dataclasses import replace

import pytest

from tgcnet.domain import Presence
from tgcnet.report import contradict, read_report, spell_out_sides, swap_sides, without_location

CAPTIONS = (
    "bilateral pulmonary infection, two infected areas, all right lung and lower left lung.",
    "Unilateral pulmonary infection, one infected area, upper middle left lung.",
    "Bilateral pulmonary infection, ground glass opacities, 4 infected areas, anterior and "
    "posterior left lung and posterior right lung.",
    "Patchy opacities in RLL and LUL (R>L), right-sided effusion. LEFT base: L > R.",
    "R lung clear, L hilum dense. RML scar. Rightward shift of the trachea.",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lower left lung", "lower right lung"),
        ("Left and RIGHT", "Right and LEFT"),
        ("all right lung and all left lung.", "all left lung and all right lung."),
        ("RLL and lul, R>L", "LLL and rul, L>R"),
        ("left-sided, rightward", "right-sided, leftward"),
        ("the L lung (R)", "the R lung (L)"),
        ("on the left the lung is white", "on the right the lung is white"),
        ("has left lower lobe opacity", "has right lower lobe opacity"),
        ("Rt. base, lt lung, R. hilum; effusion, L.", "Lt. base, rt lung, L. hilum; effusion, R."),
    ],
)
def test_sides_are_swapped(text: str, expected: str) -> None:
    assert swap_sides(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "He left the hospital right away.",
        "copyright, bright, cleft, leftover",
        "Fracture of L1, see L 5.",
        "The patient left on Monday, all right.",
        "If left untreated it grows; the tube was left in place.",
        "Changes post RT.",
    ],
)
def test_words_that_name_no_side_stay(text: str) -> None:
    assert swap_sides(text) == text
    assert without_location(text) == text


@pytest.mark.parametrize("caption", CAPTIONS)
def test_swapping_twice_gives_the_text_back(caption: str) -> None:
    assert swap_sides(caption) != caption
    assert swap_sides(swap_sides(caption)) == caption


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CAPTIONS[0], "pulmonary infection, two infected areas."),
        (CAPTIONS[1], "Pulmonary infection, one infected area."),
        (CAPTIONS[2], "Pulmonary infection, ground glass opacities, 4 infected areas."),
        ("Left lower lobe consolidation.", "Consolidation."),
        ("There is a left effusion and an apical nodule.", "There is an effusion and a nodule."),
        ("Opacity in the upper lobe of the left lung.", "Opacity."),
        ("Thickening, more evident on the right, of old age.", "Thickening, of old age."),
        ("Left greater than right effusions.", "Effusions."),
        ("The left lung is clear. Bases are clear.", "The lung is clear. Lungs are clear."),
        ("Tip in the left ventricle.", "Tip in the ventricle."),
        ("Opacities (R>L), cough.", "Opacities, cough."),
        ("Left lower lobe.", ""),
        ("Central venous line, lateral view.", "Central venous line, lateral view."),
        ("", ""),
    ],
)
def test_places_are_removed(text: str, expected: str) -> None:
    assert without_location(text) == expected


@pytest.mark.parametrize("caption", CAPTIONS)
def test_no_place_is_left_to_read(caption: str) -> None:
    before, after = (read_report(t).findings for t in (caption, without_location(caption)))
    assert [f.name for f in after] == [f.name for f in before]
    assert all(f.side is None and not f.zones for f in after)


def test_what_is_reported_is_denied() -> None:
    assert contradict(CAPTIONS[0]) == "No pulmonary infection."
    text = "No effusion. Possible left pneumonia and a granuloma. Previous fracture."
    assert contradict(text) == "No pulmonary infection. No granuloma."


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_contradiction_reads_as_absent(caption: str) -> None:
    findings = read_report(contradict(caption)).findings
    assert findings
    assert {f.presence for f in findings} == {Presence.ABSENT}


@pytest.mark.parametrize("text", ["", "No effusion.", "Cough since Monday."])
def test_where_nothing_is_reported_nothing_is_denied(text: str) -> None:
    assert contradict(text) == text


def test_a_long_text_does_not_hang() -> None:
    text = "left lower lobe and " * 5000
    assert without_location(text) == ""
    assert swap_sides(text).count("right") == 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rt lung opacity.", "right lung opacity."),
        ("Opacity in the lt. base.", "Opacity in the left base."),
        ("Opacity, Lt.", "Opacity, left."),
        ("Opacity in the r. lung.", "Opacity in the right lung."),
        ("Pleural effusion, R.", "Pleural effusion, right."),
        ("rll opacity, L > R (L).", "right lower lobe opacity, left and right (left)."),
        ("Opacity post RT, seen by Dr. L. Grey.", "Opacity post RT, seen by Dr. L. Grey."),
    ],
)
def test_abbreviated_sides_are_spelt_out_and_say_the_same(text: str, expected: str) -> None:
    assert spell_out_sides(text) == expected
    before, after = (
        [replace(finding, span=(0, 0)) for finding in read_report(t).findings]
        for t in (text, expected)
    )
    assert before == after
