"""Folders of a user's own data, on every platform."""

import sys
from pathlib import Path
from types import SimpleNamespace

import platformdirs
import pytest
from platformdirs import windows
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from tgcnet.io.user_data import user_folder

VARIABLE = "TGCNET_SOMETHING"


def be_on(
    monkeypatch: pytest.MonkeyPatch, platform: str, folders: type, home: Path, **variables: str
) -> None:
    """Let this process believe that it runs on another system."""
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(platformdirs, "PlatformDirs", folders)
    # What asks the system itself runs on Windows alone.
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)
    monkeypatch.setattr("tgcnet.io.user_data.sys", SimpleNamespace(platform=platform))


@pytest.mark.parametrize(
    ("platform", "folders", "variables", "expected"),
    [
        ("linux", Unix, {}, ".local/share/napari-tgcnet/models"),
        ("linux", Unix, {"XDG_DATA_HOME": "{home}/data"}, "data/napari-tgcnet/models"),
        ("darwin", MacOS, {}, "Library/Application Support/napari-tgcnet/models"),
        ("win32", windows.Windows, {"LOCALAPPDATA": "{home}/local"}, "local/napari-tgcnet/models"),
        ("linux", Unix, {VARIABLE: "{home}/own"}, "own"),
        ("linux", Unix, {VARIABLE: "~/own"}, "own"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the home folder is another variable there")
def test_a_folder_lies_where_the_platform_keeps_data(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    folders: type,
    variables: dict[str, str],
    expected: str,
) -> None:
    stated = {name: value.format(home=tmp_path) for name, value in variables.items()}
    be_on(monkeypatch, platform, folders, tmp_path, **stated)
    assert user_folder("models", VARIABLE) == tmp_path / expected


@pytest.mark.skipif(sys.platform == "win32", reason="the home folder is another variable there")
def test_data_that_an_earlier_version_kept_elsewhere_stays_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_on(monkeypatch, "darwin", MacOS, tmp_path, XDG_DATA_HOME=str(tmp_path / "data"))
    new = tmp_path / "data" / "napari-tgcnet" / "models"
    old = tmp_path / "Library" / "Application Support" / "napari-tgcnet" / "models"
    assert user_folder("models", VARIABLE) == new
    old.mkdir(parents=True)
    assert user_folder("models", VARIABLE) == old
    new.mkdir(parents=True)
    assert user_folder("models", VARIABLE) == new
