from pathlib import Path

import platformdirs
import pytest
from platformdirs import windows
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from tgcnet.engine.log import EngineLog, default_log_file, log_place


@pytest.mark.parametrize(
    ("environment", "folders", "expected"),
    [
        ({"XDG_STATE_HOME": "/state"}, Unix, Path("/state/napari-tgcnet/engine.log")),
        ({}, Unix, Path.home() / ".local/state/napari-tgcnet/engine.log"),
        ({}, MacOS, Path.home() / "Library/Logs/napari-tgcnet/engine.log"),
        ({"LOCALAPPDATA": "/local"}, windows.Windows, Path("/local/napari-tgcnet/engine.log")),
    ],
)
def test_the_log_lies_where_the_platform_keeps_state(
    environment, folders, expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(platformdirs, "PlatformDirs", folders)
    # What asks the system itself runs on Windows alone.
    monkeypatch.setattr(windows, "get_win_folder", windows.get_win_folder_from_env_vars)
    assert default_log_file() == expected


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_place_is_told_in_words_and_not_as_a_path_of_this_machine(platform: str) -> None:
    words = log_place(platform)
    file = default_log_file()
    assert words.startswith(f"the file {file.name} in the folder {file.parent.name} under ")
    assert str(Path.home()) not in words
    folder = {"linux": ".local/state", "darwin": "Library/Logs", "win32": "%LOCALAPPDATA%"}
    assert folder[platform] in words


def test_what_a_name_holds_does_not_reach_a_terminal(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log")
    log.write("\x1b[31ma.png\x9b2J\u202e\nb")
    log.close()
    (line,) = (tmp_path / "engine.log").read_text(encoding="utf-8").splitlines()
    assert line.endswith(r" \x1b[31ma.png\x9b2J\u202e\nb")


def test_lines_are_dated_and_appended(tmp_path: Path) -> None:
    file = tmp_path / "a" / "engine.log"
    for line in ("first 100% {x}", "second"):
        log = EngineLog(file)
        log.write(line)
        log.close()
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["first 100% {x}", "second"]


def test_nothing_is_created_before_the_first_line(tmp_path: Path) -> None:
    EngineLog(tmp_path / "a" / "engine.log").close()
    assert list(tmp_path.iterdir()) == []


def test_it_rotates_and_stays_small(tmp_path: Path) -> None:
    log = EngineLog(tmp_path / "engine.log")
    for _ in range(50):
        log.write("x" * 100_000)
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["engine.log", "engine.log.1", "engine.log.2"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3_000_000


def test_a_log_that_cannot_be_written_disturbs_nobody(tmp_path: Path, capfd) -> None:
    (tmp_path / "file").write_text("in the way")
    log = EngineLog(tmp_path / "file" / "engine.log")
    log.write("lost")
    log.close()
    assert capfd.readouterr() == ("", "")
