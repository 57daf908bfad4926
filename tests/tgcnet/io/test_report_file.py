"""Report texts from files."""

import contextlib
import random
from pathlib import Path

import pytest

from tgcnet.errors import InputError
from tgcnet.io import read_report_text
from tgcnet.io.report_file import read_report_file
from tgcnet.io.report_text import decode_report

TEXT = "Verschattung im linken Unterfeld, größer als zuvor.\nKein Erguss.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "report.txt").write_bytes(TEXT.encode(encoding))
    assert read_report_text(tmp_path / "report.txt") == TEXT


def test_line_ends_become_newlines(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_bytes(b"one\r\ntwo\rthree")
    assert read_report_text(str(tmp_path / "report.txt")) == "one\ntwo\nthree"


def test_an_empty_report_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "report.txt").touch()
    assert read_report_text(tmp_path / "report.txt") == ""


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.docx").write_bytes(b"PK\x03\x04\x14\x00\x06\x00 word")
    with pytest.raises(InputError, match=r"report\.docx is no plain text, expected a \.txt file"):
        read_report_text(tmp_path / "report.docx")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_bytes(b"a" * 1_000_001)
    with pytest.raises(InputError, match="is larger than 1,000,000 bytes"):
        read_report_text(tmp_path / "report.txt")


def test_an_absent_file_shows_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^The report a\.txt cannot be read \(No such file"):
        read_report_text(tmp_path / "a.txt")
    with pytest.raises(InputError, match="cannot be read"):
        read_report_text(tmp_path)


def test_random_bytes_are_text_or_an_input_error(tmp_path: Path) -> None:
    chance = random.Random(5)
    for _ in range(100):
        (tmp_path / "a.txt").write_bytes(chance.randbytes(chance.randrange(1, 60)))
        with contextlib.suppress(InputError):
            assert "\0" not in read_report_text(tmp_path / "a.txt")


def test_bytes_from_elsewhere_are_read_alike() -> None:
    assert decode_report(TEXT.encode("cp1252"), "on standard input") == TEXT
    with pytest.raises(InputError, match=r"^The report on standard input is no plain text"):
        decode_report(b"PK\x03\x04", "on standard input")


def test_rich_text_is_refused_and_not_read_as_its_own_source(tmp_path: Path) -> None:
    (tmp_path / "report.rtf").write_bytes(rb"{\rtf1\ansi Opacity in the left lung.}")
    with pytest.raises(InputError, match=r"report\.rtf is rich text \(RTF\), expected plain text"):
        read_report_text(tmp_path / "report.rtf")


def test_plain_text_says_nothing_of_the_patient(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("Patient ID 123. Opacity.")
    assert read_report_file(tmp_path / "report.txt").identity.patient_id is None
