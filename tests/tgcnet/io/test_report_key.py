"""The keyed hash of a report."""

import stat
import sys
from pathlib import Path

import pytest

from tgcnet.errors import OutputError
from tgcnet.io.report_key import report_provenance

NAME = "report_hmac_sha256"
REPORT = "Opacity, left lower lobe.\nNo effusion."


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "keys"
    monkeypatch.setenv("TGCNET_KEYS", str(folder))
    return folder


def test_the_same_report_has_the_same_hash_whatever_its_spaces(keys: Path) -> None:
    first = report_provenance(REPORT)
    assert report_provenance("  " + REPORT.replace("\n", "\r\n  ")) == first
    assert report_provenance(REPORT + " x") != first
    assert len(first[NAME]) == 64


def test_half_a_character_counts_as_its_mark(keys: Path) -> None:
    marked = report_provenance(f"\ufffd {REPORT}")
    assert report_provenance(f"\ud800 {REPORT}") == report_provenance(f"\udcff {REPORT}") == marked


def test_another_key_makes_another_hash(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = report_provenance(REPORT)
    monkeypatch.setenv("TGCNET_KEYS", str(tmp_path / "others"))
    assert report_provenance(REPORT) != first


def test_no_report_has_no_hash_and_makes_no_key(keys: Path) -> None:
    assert report_provenance(" \n") == {}
    assert not keys.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_the_key_is_for_its_owner_alone(keys: Path) -> None:
    report_provenance(REPORT)
    (key,) = keys.iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.stat().st_size == 32


def test_a_file_that_is_no_key_is_told(keys: Path) -> None:
    keys.mkdir()
    (keys / "report.key").write_bytes(b"short")
    with pytest.raises(OutputError, match="holds 5 bytes, expected 32; remove it"):
        report_provenance(REPORT)


def test_a_place_that_cannot_be_written_is_told_without_its_path(keys: Path) -> None:
    keys.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="The key for hashes of reports was not written"):
        report_provenance(REPORT)
