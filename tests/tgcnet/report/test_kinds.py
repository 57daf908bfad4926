"""Kinds of wording that were read wrongly: each with many examples."""

import csv
import time
from itertools import product
from pathlib import Path

import pytest

from tgcnet.domain import Place, Presence, Side
from tgcnet.report import read_report

CASES = Path(__file__).parents[4] / "shared" / "cases" / "report_sentences.tsv"
LEFT, RIGHT = Side.LEFT, Side.RIGHT


def said(text: str, name: str) -> str | None:
    """The presence of the one finding of that name."""
    found = [f.presence.value for f in read_report(text).findings if f.name == name]
    return found[0] if len(found) == 1 else None


def places(text: str) -> tuple[tuple[Side | None, tuple[str, ...]], ...]:
    """Sides and zones of the first finding that is there."""
    finding = next(f for f in read_report(text).findings if f.presence is Presence.PRESENT)
    return tuple((place.side, place.zones) for place in finding.places)


@pytest.mark.parametrize("verb", ["is clear", "clear", "appears clear", "is normal"])
@pytest.mark.parametrize("joint", [", ", "; ", ". "])
@pytest.mark.parametrize("side", [("left", "right"), ("right", "left")])
def test_a_clear_lung_denies_nothing_of_the_other(
    verb: str, joint: str, side: tuple[str, str]
) -> None:
    text = f"{side[0].title()} lung consolidation{joint}the {side[1]} lung {verb}."
    assert said(text, "consolidation") == "present"
    assert places(text) == ((Side(side[0]), ()),)


@pytest.mark.parametrize("verb", ["seen", "present", "visible"])
@pytest.mark.parametrize("film", ["the previous film", "the prior radiograph", "the lateral view"])
def test_a_denial_of_another_time_or_view_is_none(verb: str, film: str) -> None:
    text = f"New left basal opacity, not {verb} on {film}."
    assert said(text, "opacity") == "present"


@pytest.mark.parametrize(
    "text",
    [
        "No resolution of the left consolidation.",
        "No change in the left consolidation.",
        "No significant interval change in consolidation.",
        "No improvement of the consolidation.",
        "Follow-up to ensure resolution of consolidation.",
        "Film to document resolution of consolidation.",
        "Without interval change of the consolidation.",
    ],
)
def test_a_denied_change_denies_no_finding(text: str) -> None:
    assert said(text, "consolidation") == "present"


@pytest.mark.parametrize("denied", ["effusion", "pneumothorax", "enlarged hilum", "nodule"])
@pytest.mark.parametrize("joint", [", and patchy", " with left", " and left", ", small"])
def test_no_ends_where_a_new_statement_begins(denied: str, joint: str) -> None:
    assert said(f"No {denied}{joint} consolidation of the base.", "consolidation") == "present"


@pytest.mark.parametrize("past", ["Known history of", "History of", "h/o"])
@pytest.mark.parametrize("disease", ["COPD", "heart failure", "pneumothorax"])
def test_history_ends_at_with(past: str, disease: str) -> None:
    text = f"{past} {disease} with left basal consolidation."
    assert said(text, "consolidation") == "present"


@pytest.mark.parametrize("verb", ["don't show", "doesn't show", "do not show", "didn't show"])
def test_contractions_deny(verb: str) -> None:
    assert said(f"The lungs {verb} consolidation.", "consolidation") == "absent"


@pytest.mark.parametrize("verb", ["isn't", "wasn't", "is not", "isn\u2019t"])
def test_contractions_deny_behind_the_finding(verb: str) -> None:
    assert said(f"Consolidation {verb} seen.", "consolidation") == "absent"


@pytest.mark.parametrize(
    ("answer", "presence"),
    [
        *[(": N", "absent"), (" (-)", "absent"), (" [ ]", "absent"), (": neg", "absent")],
        *[(" - none", "absent"), (": no", "absent"), ("? No.", "absent"), (" [x]", "present")],
        *[(": Y", "present"), (" (+)", "present"), (": yes", "present"), (": positive", "present")],
    ],
)
@pytest.mark.parametrize("name", ["Consolidation", "Pneumothorax", "Atelectasis"])
def test_answers_of_a_form(name: str, answer: str, presence: str) -> None:
    assert said(name + answer, name.lower()) == presence


@pytest.mark.parametrize("mark", ["1.{}2.{}", "1.{} 2.{}", "1) {}\n2) {}", "- {}\n- {}"])
def test_numbered_and_glued_lists(mark: str) -> None:
    text = mark.format("No pneumothorax.", "Left basal opacity.")
    assert (said(text, "pneumothorax"), said(text, "opacity")) == ("absent", "present")
    assert len(read_report(text).sentences) == 2


@pytest.mark.parametrize(
    ("text", "name", "presence"),
    [
        ("h/o pneumonia", "pulmonary infection", "history"),
        ("s/p pneumonia", "pulmonary infection", "history"),
        ("PNA at the left base.", "pulmonary infection", "present"),
        ("ASD in the RLL.", "opacity", "present"),
        ("GGO in the LUL.", "ground glass opacity", "present"),
        ("Ruled out for pneumonia.", "pulmonary infection", "absent"),
        ("Atelectasis, less likely pneumonia.", "pulmonary infection", "uncertain"),
        ("Pneumonia is thought unlikely.", "pulmonary infection", "uncertain"),
        ("Cannot exclude early consolidation.", "consolidation", "uncertain"),
        ("Consolidation cannot be excluded.", "consolidation", "uncertain"),
        ("FINDINGS Left basal consolidation IMPRESSION Pneumonia", "consolidation", "present"),
    ],
)
def test_abbreviations_and_doubt(text: str, name: str, presence: str) -> None:
    assert said(text, name) == presence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Right upper and left lower zone opacities.",
         ((LEFT, ("lower",)), (RIGHT, ("upper",)))),
        ("Bilateral lower zone opacities.", ((LEFT, ("lower",)), (RIGHT, ("lower",)))),
        ("Opacities in the left upper and lower lobes.", ((LEFT, ("upper", "lower")),)),
        ("Opacities in the left lower and right upper lobes.",
         ((LEFT, ("lower",)), (RIGHT, ("upper",)))),
        ("Opacities B/L, R > L.", ((LEFT, ()), (RIGHT, ()))),
        ("Opacities in the RLL, LLL.", ((LEFT, ("lower",)), (RIGHT, ("lower",)))),
        ("Opacity of the lingula.", ((LEFT, ("lingula",)),)),
        ("Consolidation in the RIGHT lower lobe, not the left.", ((RIGHT, ("lower",)),)),
        ("Bilateral opacities except for the left upper zone.",
         ((LEFT, ("middle", "lower")), (RIGHT, ()))),
        ("Left lower lobe consolidation with clear right lung.", ((LEFT, ("lower",)),)),
    ],
)  # fmt: skip
def test_each_side_has_its_own_zones(
    text: str, expected: tuple[tuple[Side | None, tuple[str, ...]], ...]
) -> None:
    assert places(text) == expected


@pytest.mark.parametrize(("first", "second"), list(product(["upper", "middle", "lower"], repeat=2)))
def test_sides_and_zones_are_never_pooled(first: str, second: str) -> None:
    text = f"Consolidation in the right {first} lobe and left {second} lobe."
    assert places(text) == ((LEFT, (second,)), (RIGHT, (first,)))


def test_a_finding_knows_its_characters_its_extent_its_size_and_its_number() -> None:
    text = "Heart normal. Two patchy 3 cm opacities in the left base."
    finding = read_report(text).findings[1]
    assert text[finding.span[0] : finding.span[1]].endswith("opacities in the left base")
    assert finding.extent == ("patchy",)
    assert (finding.size, finding.count) == ("3 cm", 2)


def test_sentence_spans_point_into_the_text() -> None:
    text = "FINDINGS:  No effusion.\r\n\r\n2. Left   basal opacity."
    report = read_report(text)
    spans = [text[start:end] for start, end in report.sentence_spans]
    assert [" ".join(span.split()) for span in spans] == list(report.sentences)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The lungs are clear and the heart is normal.", "en"),
        ("Die Lungen sind frei, das Herz ist normal groß.", "other"),
        ("La radiografía muestra una opacidad en el pulmón izquierdo.", "other"),
        ("", ""),
    ],
)
def test_the_language_is_told(text: str, language: str) -> None:
    assert read_report(text).language == language


def test_a_place_has_one_side() -> None:
    with pytest.raises(ValueError, match="both sides are two places"):
        Place(side=Side.BILATERAL)


def test_reading_time_grows_with_the_text_alone() -> None:
    sentence = "No effusion {}. Opacity in the left lower lobe may represent pneumonia. "
    times = []
    for count in (400, 1600):
        text = "".join(sentence.format(number) for number in range(count))
        start = time.process_time()
        read_report(text)
        times.append(time.process_time() - start)
    assert times[1] < 8 * times[0]


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not here")
def test_the_shared_cases_are_read() -> None:
    with CASES.open(encoding="utf-8", newline="") as file:
        for text, names, presences, side in csv.reader(file, delimiter="\t"):
            assert any(
                any(name in finding.name for name in names.split("|"))
                and finding.presence.value in presences.split("|")
                and side in ("-", finding.side)
                for finding in read_report(text).findings
            ), text
