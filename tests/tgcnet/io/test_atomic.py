"""A file is written whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tgcnet.errors import OutputError
from tgcnet.io import write_atomically


def test_the_new_file_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "mask.nii.gz"
    target.write_text("old")
    target.chmod(0o640)
    seen: list[Path] = []

    def write(path: Path) -> None:
        seen.append(path)
        assert target.read_text() == "old"
        path.write_text("new")

    write_atomically(target, write)
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert seen[0].parent == tmp_path
    assert seen[0].name.endswith(".nii.gz")
    assert list(tmp_path.iterdir()) == [target]


def test_dots_in_a_name_are_no_endings(tmp_path: Path) -> None:
    seen: list[Path] = []

    def write(path: Path) -> None:
        seen.append(path)
        path.touch()

    write_atomically(tmp_path / "1.2.840.png", write)
    assert seen[0].suffixes == [".png"]


def test_a_new_file_has_the_users_own_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "atomic", lambda path: path.touch())
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EACCES, "writing there is not permitted"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, code: int, sentence: str) -> None:
    target = tmp_path / "mask.png"
    target.write_text("old")

    def write(path: Path) -> None:
        path.write_text("half")
        raise OSError(code, os.strerror(code), str(path))

    with pytest.raises(OutputError, match=sentence) as caught:
        write_atomically(target, write)
    assert "mask.png was not written" in str(caught.value)
    assert "What stood there before is unchanged" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_protected_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "mask.png"
    target.write_text("old")
    target.chmod(0o444)
    with pytest.raises(OutputError, match=r"^mask\.png is write-protected"):
        write_atomically(target, lambda path: path.touch())
    assert target.read_text() == "old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o444


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "blob", tmp_path / "mask.png"
    target.write_text("old")
    link.symlink_to(target)
    seen: list[Path] = []

    def write(path: Path) -> None:
        seen.append(path)
        path.write_text("new")

    write_atomically(link, write)
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert seen[0].parent == target.parent
    assert seen[0].suffix == ".png"


def test_a_defect_in_the_writer_passes_and_leaves_nothing(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_atomically(tmp_path / "mask.png", write)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_as_target_and_an_absent_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder, expected a file name"):
        write_atomically(tmp_path, lambda path: path.touch())
    with pytest.raises(OutputError, match=r"^a\.png cannot be written: its folder does not exist"):
        write_atomically(tmp_path / "absent" / "a.png", lambda path: path.touch())
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"^b\.png cannot be written: its folder does not exist"):
        write_atomically(tmp_path / "file" / "b.png", lambda path: path.touch())
