"""The state of an image: what changes it, and what does not."""

import os
from pathlib import Path

import pytest

from tgcnet.io.state import state_of


@pytest.fixture
def series(tmp_path: Path) -> Path:
    folder = tmp_path / "series"
    (folder / "part").mkdir(parents=True)
    for name in ("1.dcm", "part/2.dcm"):
        (folder / name).write_bytes(b"before")
    return folder


def test_a_file_of_a_folder_written_over_in_place_changes_the_folder(series: Path) -> None:
    times = series.stat()
    before = state_of(series)
    assert state_of(series) == before
    (series / "part/2.dcm").write_bytes(b"after, and longer")
    os.utime(series, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert series.stat().st_mtime_ns == times.st_mtime_ns
    assert state_of(series) != before


def test_a_file_that_came_went_or_was_renamed_changes_the_folder(series: Path) -> None:
    states = [state_of(series)]
    (series / "3.dcm").write_bytes(b"new")
    states.append(state_of(series))
    (series / "3.dcm").rename(series / "4.dcm")
    states.append(state_of(series))
    (series / "1.dcm").unlink()
    states.append(state_of(series))
    assert len(set(states)) == 4


def test_a_file_goes_by_size_and_time_whatever_it_is_called(series: Path) -> None:
    file = series / "1.dcm"
    ((place, size, time),) = state_of(file)
    assert (place, size, time) == ("", 6, file.stat().st_mtime_ns)
    assert state_of(file.rename(series / "5.dcm")) == (("", 6, time),)


def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError):
        state_of(series)
