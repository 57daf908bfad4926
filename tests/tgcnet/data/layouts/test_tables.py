"""Tables as spreadsheet programs write them, and as they break."""

import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tgcnet.data.layouts import tables
from tgcnet.data.layouts.tables import read_table
from tgcnet.errors import InputError, MissingExtraError

COLUMNS = ("image", "description")


def test_both_formats_give_the_same_rows(tmp_path: Path) -> None:
    rows = [["Image", " Description "], ["a.png", "naïve, “quoted”"], [None, None], ["b.png", None]]
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    for row in rows:
        sheet.append(row)
    workbook.save(tmp_path / "t.xlsx")
    (tmp_path / "t.csv").write_text(
        '\ufeffImage, Description \na.png,"naïve, “quoted”"\n,\nb.png,\n', encoding="utf-8"
    )
    spreadsheet, text = (read_table(tmp_path / name, COLUMNS) for name in ("t.xlsx", "t.csv"))
    assert spreadsheet == text
    assert [(r.number, r.cells["image"], r.cells["description"]) for r in text] == [
        (2, "a.png", "naïve, “quoted”"),
        (4, "b.png", ""),
    ]


def test_a_spreadsheet_that_states_the_wrong_size_is_read_whole(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    for row in (["Image", "Description"], ["a", "1"], ["b", "2"]):
        sheet.append(row)
    workbook.save(tmp_path / "right.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "right.xlsx") as right,
        zipfile.ZipFile(tmp_path / "wrong.xlsx", "w") as wrong,
    ):
        for name in right.namelist():
            wrong.writestr(name, right.read(name).replace(b'ref="A1:B3"', b'ref="A1:A1"'))
    assert len(read_table(tmp_path / "wrong.xlsx", COLUMNS)) == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"Image,Text\n", r"t\.csv lacks the column 'description', expected image, descr"),
        ("t.csv", b"", "lacks the column 'image'"),
        ("t.csv", b"Image;Description\n", "its cells are parted by semicolons, so save it as CSV"),
        ("t.csv", b"Image,Description,Image\n", r"has the column 'image' twice, expected it once"),
        ("t.csv", b'Image,Description\na,"b\nc,d\n', r"cannot be read as a table \(Error\)"),
        ("t.csv", b"Image,Description\na,gr\xf6\xdfer\n", r"as a table \(UnicodeDecodeError\)"),
        ("t.xlsx", b"Image,Description\n", r"t\.xlsx cannot be read as a table \(BadZipFile\)"),
    ],
)
def test_a_broken_table_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_table(tmp_path / name, COLUMNS)
    assert str(tmp_path) not in str(caught.value)


def test_an_archive_that_is_no_workbook_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("hello", "world")
    with pytest.raises(InputError, match=r"cannot be read as a table \(KeyError\)"):
        read_table(tmp_path / "t.xlsx", COLUMNS)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openpyxl.Workbook().save(tmp_path / "t.xlsx")
    monkeypatch.setattr(tables, "_LARGEST_BYTES", 100)
    with pytest.raises(InputError, match="unpacks to more than"):
        read_table(tmp_path / "t.xlsx", COLUMNS)


def test_without_openpyxl_the_command_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.xlsx").touch()
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"run: pip install 'napari-tgcnet\[train\]'"):
        read_table(tmp_path / "t.xlsx", COLUMNS)
