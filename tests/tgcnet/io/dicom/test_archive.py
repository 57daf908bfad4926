"""A zip is unpacked within its folder and its quotas, or not at all."""

import struct
import zipfile
from pathlib import Path

import pytest

from tgcnet.errors import Cancelled, InputError
from tgcnet.io.dicom import archive
from tgcnet.io.dicom.archive import unpack


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where archives are unpacked."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def make(folder: Path, entries: dict[str, bytes]) -> Path:
    path = folder / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


def test_every_entry_lies_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = unpack(make(tmp_path, {"a/1": b"one", "b/1": b"two", "b/": b""}))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("1"))
    assert files == ["00000/1", "00001/1"]


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    path = make(tmp_path, {"1": b"one"})
    assert unpack(path) == unpack(path)


@pytest.mark.parametrize(
    "name", ["../out", "/etc/out", "a/../../out", "C:\\out", "..\\out", "\\\\x\\y\\out"]
)
def test_a_name_that_leads_outside_is_refused(name: str, tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(InputError, match="a file whose name leads outside the archive, expected"):
        unpack(make(tmp_path, {name: b"x"}))
    assert list(temporary.iterdir()) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as made:
        made.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match="holds a link to another file, expected files only"):
        unpack(tmp_path / "study.zip")


def test_an_encrypted_archive_is_told(tmp_path: Path) -> None:
    path = make(tmp_path, {"1": b"one"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="is encrypted, expected an archive without a password"):
        unpack(path)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = make(tmp_path, {str(number): b"" for number in range(4)})
    with pytest.raises(InputError, match="holds 4 files, expected at most 3"):
        unpack(path, max_entries=3)


def test_too_many_declared_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unpacks to 2,000 bytes, expected at most 1,999"):
        unpack(make(tmp_path, {"1": b"x" * 2000}), max_bytes=1999)


def test_a_bomb_is_known_by_how_well_it_packs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archive, "SMALL_BYTES", 1000)
    with pytest.raises(InputError, match="unpacks to 1,000,000 bytes, expected at most"):
        unpack(make(tmp_path, {"1": bytes(10**6)}))


def test_more_bytes_than_declared_are_refused(tmp_path: Path, temporary: Path) -> None:
    path = make(tmp_path, {"1": b"x" * 5000})
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 10)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"study\.zip (cannot be unpacked|unpacks to more)"):
        unpack(path)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("num_bytes", [1, 30, 100])
def test_a_damaged_archive_is_refused_and_leaves_nothing(
    num_bytes: int, tmp_path: Path, temporary: Path
) -> None:
    path = make(tmp_path, {"1": bytes(range(256)) * 9})
    path.write_bytes(path.read_bytes()[:-num_bytes])
    with pytest.raises(InputError, match=r"^study\.zip cannot be unpacked \(damaged"):
        unpack(path)
    assert list(temporary.iterdir()) == []


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        "tgcnet.io.dicom.archive.shutil.disk_usage", lambda path: type("Room", (), {"free": 2})()
    )
    with pytest.raises(InputError, match="the disk for temporary files has 2 left; free some"):
        unpack(make(tmp_path, {"1": b"one"}))


def test_unpacking_can_be_stopped_and_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(Cancelled, match="not unpacked to its end"):
        unpack(make(tmp_path, {"1": b"one"}), on_progress=lambda done: False)
    assert list(temporary.iterdir()) == []
