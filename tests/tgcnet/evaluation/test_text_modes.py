"""What the model is told: edits, shuffles, and the side that a text names."""

from collections import Counter

import numpy as np
import pytest

from tgcnet.domain import Finding, Geometry, Modality, Place, Presence, Report, Side, Volume
from tgcnet.evaluation.score import named_side, wrong_half
from tgcnet.evaluation.text_modes import TextMode, edit_texts, shuffle_texts

REPORT = "unilateral pulmonary infection, one infected area, lower left lung."


def test_texts_are_edited_by_mode() -> None:
    assert edit_texts([REPORT], TextMode.GIVEN) == [REPORT]
    assert edit_texts([REPORT], TextMode.NONE) == [""]
    assert edit_texts([REPORT], TextMode.SWAPPED) == [REPORT.replace("left", "right")]
    assert "left" not in edit_texts([REPORT], TextMode.NO_LOCATION)[0]
    assert edit_texts([REPORT], TextMode.CONTRADICTORY)[0] != REPORT


@pytest.mark.parametrize("seed", range(5))
def test_nobody_keeps_their_own_text(seed: int) -> None:
    reports = ["a"] * 4 + ["b"] * 3 + ["c", "d"]
    shuffled = shuffle_texts(reports, seed)
    assert Counter(shuffled) == Counter(reports)
    assert all(new != old for new, old in zip(shuffled, reports, strict=True))
    assert shuffled == shuffle_texts(reports, seed)


def test_the_seed_decides_the_shuffle() -> None:
    reports = [str(index) for index in range(20)]
    assert shuffle_texts(reports, 1) != shuffle_texts(reports, 2)


def test_a_text_of_the_majority_is_kept_as_rarely_as_can_be() -> None:
    reports = ["a", "a", "a", "b"]
    shuffled = shuffle_texts(reports, 0)
    assert sum(new == old for new, old in zip(shuffled, reports, strict=True)) == 2
    assert shuffle_texts([], 0) == []


def _report(*findings: tuple[Side | None, Presence]) -> Report:
    return Report(
        text="…",
        findings=tuple(Finding(name="x", places=_on(s), presence=p) for s, p in findings),
    )


def _on(side: Side | None) -> tuple[Place, ...]:
    sides = (Side.LEFT, Side.RIGHT) if side is Side.BILATERAL else (side,)
    return tuple(Place(side=s) for s in sides)


def test_the_one_side_that_present_findings_name() -> None:
    present, absent = Presence.PRESENT, Presence.ABSENT
    assert named_side(_report((Side.LEFT, present), (None, present))) is Side.LEFT
    assert named_side(_report((Side.LEFT, present), (Side.RIGHT, absent))) is Side.LEFT
    assert named_side(_report((Side.LEFT, present), (Side.RIGHT, present))) is None
    assert named_side(_report((Side.BILATERAL, present))) is None
    assert named_side(_report((None, present))) is None


def _radiological() -> np.ndarray:
    affine = np.zeros((4, 4))
    affine[2, 0] = affine[1, 1] = affine[0, 2] = affine[3, 3] = 1.0
    return affine


def test_the_wrong_half_follows_the_geometry() -> None:
    affine = _radiological()
    volume = Volume(
        array=np.zeros((1, 2, 5), dtype=np.uint8),
        geometry=Geometry(affine_lps=affine),
        modality=Modality.XRAY,
    )
    # Columns grow towards the patient's left; the middle one is on neither side.
    np.testing.assert_array_equal(wrong_half(volume, Side.LEFT)[0], [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(wrong_half(volume, Side.RIGHT)[0], [0, 0, 0, 1, 1])
    affine[0, 2] = -1.0
    np.testing.assert_array_equal(wrong_half(volume, Side.LEFT)[1], [0, 0, 0, 1, 1])
