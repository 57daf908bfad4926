"""The page that says where to change what names files that are there."""

import re
from pathlib import Path

import pytest

# Whatever looks like a path: in backticks, with a folder or an ending.
PATH = re.compile(r"`([\w.-]*/[\w./-]+|napari\.yaml)`")


@pytest.fixture(scope="module")
def rows(root: Path) -> list[str]:
    text = (root / "docs" / "where-to-change.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [line for line in lines if not line.startswith(("| I want", "| ---"))]


def test_at_least_twenty_changes_each_with_a_file(rows: list[str]) -> None:
    assert len(rows) >= 20
    assert [row for row in rows if not PATH.search(row)] == []


def test_every_path_exists(root: Path, rows: list[str]) -> None:
    named = {path for row in rows for path in PATH.findall(row)}
    assert sorted(path for path in named if not (root / path).exists()) == []
