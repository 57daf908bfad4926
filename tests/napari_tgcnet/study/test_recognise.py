"""What the reader takes for a study, by content, and what it leaves to other readers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from napari_tgcnet._reader import get_reader
from napari_tgcnet.study import recognise
from napari_tgcnet.study.recognise import is_large, is_study

DICOM = bytes(128) + b"DICM" + bytes(8)


@pytest.mark.parametrize("name", ["IM000001", "1.2.840.113619.2.55", "slice.dcm", "DICOMDIR"])
def test_a_file_is_dicom_by_its_content_or_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(DICOM)
    assert get_reader(str(tmp_path / name)) is not None


def test_a_file_without_an_ending_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("no image")
    assert get_reader(str(tmp_path / "README")) is None
    assert get_reader(str(tmp_path / "absent")) is None


def test_a_folder_is_a_study_where_dicom_lies_in_it_however_deep(tmp_path: Path) -> None:
    deep = tmp_path / "study" / "series"
    deep.mkdir(parents=True)
    (deep / "1").write_bytes(DICOM)
    assert get_reader(str(tmp_path)) is not None


def test_a_folder_of_pictures_is_left_to_napari(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    assert get_reader(str(tmp_path)) is None


def test_an_archive_is_a_study_where_it_holds_dicom(tmp_path: Path) -> None:
    for name, content in (("study.zip", DICOM), ("texts.zip", b"no image")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("folder/first", content)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    found = [is_study(tmp_path / name) for name in ("study.zip", "texts.zip", "broken.zip")]
    assert found == [True, False, False]


def test_a_folder_of_many_files_is_large(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recognise, "_MAX_FILES", 2)
    for index in range(3):
        assert not is_large(tmp_path)
        (tmp_path / str(index)).write_bytes(DICOM)
    assert is_large(tmp_path)
    assert is_large(tmp_path / "DICOMDIR")
    assert not is_large(tmp_path / "0")


def test_an_archive_with_a_damaged_stream_is_no_study(tmp_path: Path) -> None:
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(range(256)) * 8)
    content = bytearray(path.read_bytes())
    content[40:60] = bytes(255 - value for value in content[40:60])
    path.write_bytes(bytes(content))
    assert not is_study(path)
