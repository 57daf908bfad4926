"""Which classes are scored, and how a reference's values become the model's."""

from collections.abc import Sequence

import numpy as np
import pytest

from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError
from tgcnet.evaluation.class_match import match_classes


def named(*names: str) -> list[SegmentationClass]:
    return [SegmentationClass(name=name, colour=(1, 2, 3)) for name in names]


def test_values_follow_the_names() -> None:
    match = match_classes(named("a", "b", "c"), named("c", "a", "b"))
    assert match.names == ("a", "b", "c")
    reference = np.array([[0, 1, 2, 3]], dtype=np.uint8)
    np.testing.assert_array_equal(match.in_model_order(reference), [[0, 3, 1, 2]])
    assert match.notice == ""


@pytest.mark.parametrize(
    ("model", "folder", "words"),
    [
        (("infection",), ("lung opacity",), ""),
        (("infection",), ("a", "b"), "the one class 'infection'.*union of the.*classes (a, b)"),
        (("a", "b"), ("lung opacity",), "tell no classes apart.*union.*model's classes (a, b)"),
    ],
)
def test_the_union_is_scored_where_nothing_can_be_told_apart(
    model: Sequence[str], folder: Sequence[str], words: str
) -> None:
    match = match_classes(named(*model), named(*folder))
    assert match.names == ()
    for part in words.split(".*"):
        assert part in match.notice
    assert bool(match.notice) == bool(words)
    reference = np.array([[0, 1, 2]], dtype=np.uint8)
    np.testing.assert_array_equal(match.in_model_order(reference), [[0, 1, 1]])


def test_other_names_are_refused_and_both_lists_said() -> None:
    with pytest.raises(InputError, match=r"classes are a, b and the data set's are a, b, c; exp"):
        match_classes(named("a", "b"), named("a", "b", "c"))
