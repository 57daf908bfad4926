"""From findings to the prompt: closed grammar, nothing of other findings, whatever the order."""

import itertools

import pytest

from tgcnet.domain import Finding, Place, Presence, Side
from tgcnet.report.prompts import ANYWHERE, DENIAL, compile_prompt

SEGMENTABLE = ("pulmonary infection", "consolidation", "opacity")
LEFT, RIGHT = Side.LEFT, Side.RIGHT


def finding(
    name: str = "opacity", *places: Place, presence: Presence = Presence.PRESENT
) -> Finding:
    return Finding(name=name, presence=presence, places=places)


@pytest.mark.parametrize(
    ("places", "prompt"),
    [
        (
            [Place(side=LEFT, zones=("lower",))],
            "unilateral pulmonary infection, one infected area, lower left lung.",
        ),
        (
            [Place(side=LEFT, zones=("lower",)), Place(side=RIGHT, zones=("upper", "middle"))],
            "bilateral pulmonary infection, two infected areas, upper middle right lung and lower "
            "left lung.",
        ),
        (
            [Place(side=RIGHT), Place(side=LEFT, zones=("base",))],
            "bilateral pulmonary infection, two infected areas, all right lung and lower left "
            "lung.",
        ),
        (
            [Place(zones=("base",))],
            "bilateral pulmonary infection, two infected areas, lower right lung and lower left "
            "lung.",
        ),
        (
            [Place(side=LEFT, zones=("upper", "middle", "lower"))],
            "unilateral pulmonary infection, one infected area, all left lung.",
        ),
        (
            [Place(side=LEFT, zones=("peripheral",))],
            "unilateral pulmonary infection, one infected area, all left lung.",
        ),
        (
            [Place(side=RIGHT, zones=("posterior",))],
            "unilateral pulmonary infection, one infected area, posterior right lung.",
        ),
        ([Place(zones=("diffuse",))], ANYWHERE),
        ([], ANYWHERE),
    ],
)
def test_places_become_the_sentence_of_a_caption(places: list[Place], prompt: str) -> None:
    assert compile_prompt([finding("opacity", *places)], SEGMENTABLE) == prompt


def test_sides_keep_their_own_zones_over_several_findings() -> None:
    findings = [
        finding("opacity", Place(side=RIGHT, zones=("upper",))),
        finding("consolidation", Place(side=LEFT, zones=("lower",))),
    ]
    assert compile_prompt(findings, SEGMENTABLE) == (
        "bilateral pulmonary infection, two infected areas, upper right lung and lower left lung."
    )


def test_neither_order_nor_other_findings_nor_denials_change_the_prompt() -> None:
    findings = [
        finding("opacity", Place(side=RIGHT, zones=("upper",))),
        finding("consolidation", Place(side=LEFT, zones=("base", "middle"))),
        finding("pleural effusion", Place(side=LEFT)),
        finding("pulmonary infection", Place(side=RIGHT), presence=Presence.ABSENT),
        finding("opacity", Place(side=LEFT), presence=Presence.HISTORY),
    ]
    prompts = {compile_prompt(order, SEGMENTABLE) for order in itertools.permutations(findings)}
    assert prompts == {compile_prompt(findings[:2], SEGMENTABLE)}


def test_an_impression_without_a_place_is_what_the_findings_show() -> None:
    placed = finding("opacity", Place(side=LEFT, zones=("base",)))
    both = [placed, finding("pulmonary infection")]
    assert compile_prompt(both, SEGMENTABLE) == compile_prompt([placed], SEGMENTABLE)


def test_a_doubtful_finding_is_looked_for() -> None:
    place = Place(side=LEFT)
    doubtful = finding("opacity", place, presence=Presence.UNCERTAIN)
    assert compile_prompt([doubtful], SEGMENTABLE) == compile_prompt(
        [finding("opacity", place)], SEGMENTABLE
    )


def test_denials_alone_deny() -> None:
    denied = finding("opacity", presence=Presence.ABSENT)
    assert compile_prompt([denied], SEGMENTABLE) == DENIAL


@pytest.mark.parametrize(
    "findings",
    [
        [],
        [finding("pleural effusion", Place(side=LEFT))],
        [finding("pneumothorax", presence=Presence.ABSENT)],
        [finding("opacity", presence=Presence.HISTORY)],
    ],
)
def test_what_does_not_concern_the_model_leaves_no_text(findings: list[Finding]) -> None:
    assert compile_prompt(findings, SEGMENTABLE) == ""
