"""Slices as a person writes them."""

from __future__ import annotations

import pytest

from napari_tgcnet.shared.slice_ranges import format_slices, parse_slices
from tgcnet.errors import InputError


@pytest.mark.parametrize(
    ("text", "slices"),
    [
        ("", ()),
        (" , ", ()),
        ("5", (5,)),
        ("3-5, 1", (1, 3, 4, 5)),
        ("3 \u2013 5; 4\n0", (0, 3, 4, 5)),  # a dash as word processors write it
    ],
)
def test_ranges_are_read(text: str, slices: tuple[int, ...]) -> None:
    assert parse_slices(text, 9) == slices


@pytest.mark.parametrize("text", ["x", "1..3", "-2", "1.5", "3-"])
def test_what_is_no_slice_is_named(text: str) -> None:
    with pytest.raises(InputError, match="is not a slice, expected numbers and ranges"):
        parse_slices(f"0, {text}", 9)


@pytest.mark.parametrize("text", ["9", "0-9", "5-3"])
def test_what_is_outside_is_named(text: str) -> None:
    with pytest.raises(InputError, match=f"“{text}” is outside the stack .* from 0 to 8"):
        parse_slices(text, 9)


@pytest.mark.parametrize("slices", [(), (0,), (1, 2, 3), (0, 2, 3, 7), tuple(range(50))])
def test_what_is_written_reads_back(slices: tuple[int, ...]) -> None:
    assert parse_slices(format_slices(slices), 60) == slices
    assert format_slices((4, 2, 3, 3)) == "2-4"
