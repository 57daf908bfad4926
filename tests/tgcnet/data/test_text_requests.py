"""What training asks for: the text and the mask say the same thing."""

from collections import Counter
from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from tgcnet.data import caption_templates
from tgcnet.data.caption_templates import Place
from tgcnet.data.regions import XRAY_ZONES, split_by_side
from tgcnet.data.text_requests import RequestMix, describe, draw_request
from tgcnet.domain import Modality, Presence, Report, Side
from tgcnet.models.clip_towers import words_with_tokens
from tgcnet.report import read_report
from tgcnet.train.towers import training_words

REPORT = "bilateral pulmonary infection, three infected areas, lower right lung and all left lung."


def sides_present(report: Report) -> set[Side]:
    found = {f.side for f in report.findings if f.presence is Presence.PRESENT and f.side}
    return {Side.LEFT, Side.RIGHT} if Side.BILATERAL in found else found


def only(kind: str) -> RequestMix:
    """A mix that draws one kind alone."""
    names = ("no_text", "reworded", "one_side", "some_zones", "one_lesion", "wrong_side", "nothing")
    return RequestMix(**{name: float(name == kind) for name in names})


def test_one_side_asks_for_that_side_and_gets_its_mask(both_sides: np.ndarray) -> None:
    asked = Counter[Side]()
    for seed in range(60):
        request = draw_request(both_sides, REPORT, Modality.XRAY, only("one_side"), Random(seed))
        (side,) = [
            s for s, part in split_by_side(both_sides).items() if (part & request.mask).any()
        ]
        assert np.array_equal(request.mask, split_by_side(both_sides)[side])
        assert sides_present(read_report(request.text)) == {side}, request.text
        asked[side] += 1
    assert min(asked.values()) > 15


def test_zones_asked_for_are_the_zones_of_the_mask(both_sides: np.ndarray) -> None:
    for seed in range(60):
        request = draw_request(both_sides, REPORT, Modality.XRAY, only("some_zones"), Random(seed))
        assert request.mask.any()
        assert not (request.mask & ~both_sides).any()
        lowest = np.nonzero(request.mask.any(axis=1))[0].min() / 64
        report = read_report(request.text)
        named = {z for f in report.findings if f.presence is Presence.PRESENT for z in f.zones}
        if lowest >= XRAY_ZONES["lower"][0] - 0.02:
            assert not named & {"upper", "middle", "apex"}, request.text


def test_a_side_without_a_lesion_gets_an_empty_mask(paint: Callable[..., np.ndarray]) -> None:
    mask = paint((slice(40, 58), slice(8, 24)))
    for seed in range(30):
        request = draw_request(mask, REPORT, Modality.XRAY, only("wrong_side"), Random(seed))
        assert not request.mask.any()
        assert sides_present(read_report(request.text)) == {Side.LEFT}, request.text


def test_nothing_and_no_text(both_sides: np.ndarray) -> None:
    nothing = draw_request(both_sides, REPORT, Modality.XRAY, only("nothing"), Random(0))
    assert not nothing.mask.any()
    assert nothing.text
    silent = draw_request(both_sides, REPORT, Modality.XRAY, only("no_text"), Random(0))
    assert silent.text == ""
    assert np.array_equal(silent.mask, both_sides)


def test_the_given_report_comes_with_the_whole_mask(both_sides: np.ndarray) -> None:
    request = draw_request(both_sides, REPORT, Modality.XRAY, only("given"), Random(0))
    assert REPORT in request.text
    assert np.array_equal(request.mask, both_sides)


def test_a_clear_image_never_gets_a_mask() -> None:
    clear = np.zeros((64, 64), dtype=bool)
    texts = set()
    for seed in range(80):
        request = draw_request(clear, "", Modality.CT, RequestMix(), Random(seed))
        assert not request.mask.any()
        texts.add(request.text)
    assert "" in texts
    assert len(texts) > 20


def test_describe_names_sides_and_zones(both_sides: np.ndarray) -> None:
    assert describe(both_sides, XRAY_ZONES) == [
        Place(side=Side.RIGHT, zones=("lower",)),
        Place(side=Side.LEFT, zones=("upper", "lower")),
    ]


@pytest.mark.parametrize(
    ("places", "num_areas", "expected"),
    [
        (
            [Place(side=Side.LEFT, zones=("lower",))],
            1,
            "unilateral pulmonary infection, one infected area, lower left lung.",
        ),
        (
            [Place(side=Side.RIGHT), Place(side=Side.LEFT, zones=("middle", "lower"))],
            3,
            "bilateral pulmonary infection, three infected areas, all right lung and middle lower "
            "left lung.",
        ),
    ],
)
def test_captions_read_like_the_public_ones(
    places: list[Place], num_areas: int, expected: str
) -> None:
    assert caption_templates.caption(places, num_areas=num_areas) == expected


def test_every_word_of_the_templates_is_in_the_vocabulary(both_sides: np.ndarray) -> None:
    known = set(training_words([REPORT]))
    for seed in range(400):
        random = Random(seed)
        modality = random.choice((Modality.XRAY, Modality.CT))
        mask = both_sides if seed % 5 else both_sides & False
        text = draw_request(mask, REPORT, modality, RequestMix(), random).text
        for word, _ in words_with_tokens(text):
            assert word in known, f"{word!r} in {text!r}"
