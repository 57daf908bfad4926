"""Whole folders, files made once, and whose leftovers are swept."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tgcnet.errors import OutputError
from tgcnet.io import publish
from tgcnet.io.publish import publish_folder, sweep_leftovers, write_once


def write_word(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "word.txt").write_text("whole")


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    staging = tmp_path / "staging"

    def fill(folder: Path) -> None:
        write_word(folder)
        assert folder.parent == staging
        assert not (tmp_path / "new").exists()

    taken = publish_folder([tmp_path / "new"], fill, staging=staging, called="The case")
    assert taken == tmp_path / "new"
    assert (taken / "deep" / "word.txt").read_text() == "whole"
    assert list(staging.iterdir()) == []


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    targets = [tmp_path / name for name in ("empty", "full", "file", "free", "later")]
    targets[0].mkdir()
    (targets[1] / "deep").mkdir(parents=True)
    targets[2].touch()
    assert publish_folder(targets, write_word, staging=tmp_path, called="It") == targets[3]
    assert list(targets[0].iterdir()) == []
    assert not targets[4].exists()
    with pytest.raises(FileExistsError):
        publish_folder(targets[:3], write_word, staging=tmp_path, called="It")
    assert sorted(tmp_path.iterdir()) == sorted(targets[:4])


def test_who_is_quicker_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes the name between the look and the rename."""
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        if target.name == "1" and not target.exists():
            write_word_into(target)
        real(source, target)

    def write_word_into(folder: Path) -> None:
        folder.mkdir()
        (folder / "quicker").touch()

    monkeypatch.setattr(os, "rename", rename)
    targets = [tmp_path / "1", tmp_path / "2"]
    assert publish_folder(targets, write_word, staging=tmp_path, called="It").name == "2"
    assert (tmp_path / "1" / "quicker").is_file()


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        write_word(folder)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    with pytest.raises(OutputError, match=r"^The case was not written, the disk is full") as caught:
        publish_folder([tmp_path / "new"], fill, staging=tmp_path, called="The case")
    assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "ledger.json"
    assert write_once(path, b"first", called="It")
    assert not write_once(path, b"second", called="It")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def leftover(folder: Path, host: str, pid: int) -> Path:
    path = folder / f".tgcnet-{host}-{pid}-0123456789ab"
    write_made = path / "deep"
    write_made.mkdir(parents=True)
    return path


def a_dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(sys.platform == "win32", reason="Windows goes by age alone")
def test_only_what_nobody_builds_any_more_is_swept(tmp_path: Path) -> None:
    here = publish._this_host()
    elsewhere = "00000000" if here != "00000000" else "11111111"
    living = leftover(tmp_path, here, os.getpid())
    dead = leftover(tmp_path, here, a_dead_process())
    fresh = leftover(tmp_path, elsewhere, 1)
    old = leftover(tmp_path, elsewhere, 2)
    os.utime(old, (1.0, 1.0))
    single = tmp_path / dead.name.replace("0123", "4567")
    single.touch()
    theirs = tmp_path / ".tgcnet-notes"
    theirs.mkdir()
    sweep_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([living, fresh, theirs])
    sweep_leftovers(tmp_path / "absent")
