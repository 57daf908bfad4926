"""What the tests of fixtures share: copies of them, and models of the user among them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compat.unpack import unpack

Opened = Callable[[str], Path]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """A fixture's copy, by its name; the same one each time."""

    def copy_of(name: str) -> Path:
        folder = tmp_path / "files" / name
        return folder if folder.is_dir() else unpack(name, folder)

    return copy_of


@pytest.fixture
def models(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fixtures' models as the user's own."""
    monkeypatch.setenv("TGCNET_MODELS", str(opened("models")))
    return opened("models")
