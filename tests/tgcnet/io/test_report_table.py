"""The row of a table of reports that is about one image."""

from pathlib import Path

import pytest

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.report_file import read_report_file
from tgcnet.io.report_table import About, read_report_table

TABLE = b"""image,report,patient_id,accession,study_id
a/one.png,Opacity on the left.,P1,A1,1.1
a/two.nii.gz,"Line one.
Line two.",P2,A2,1.2
b/three.png,Clear.,P2,A3,1.3
"""


@pytest.mark.parametrize(
    ("about", "start"),
    [
        (About(name="one.png"), "Opacity"),
        (About(name="ONE.PNG"), "Opacity"),
        (About(name="one"), "Opacity"),
        (About(name="two"), "Line one.\nLine two."),
        (About(identity=Identity(study_id="1.3")), "Clear"),
        (About(identity=Identity(accession_number=" a2 ")), "Line one"),
        (About(identity=Identity(patient_id="P1")), "Opacity"),
        # The study goes before a name that says otherwise.
        (About(name="one.png", identity=Identity(study_id="1.3")), "Clear"),
    ],
)
def test_the_row_is_found(about: About, start: str) -> None:
    text, _ = read_report_table(TABLE, "t.csv", about)
    assert text.startswith(start)


def test_the_row_says_whose_it_is() -> None:
    _, identity = read_report_table(TABLE, "t.csv", About(name="one.png"))
    assert identity == Identity(patient_id="P1", accession_number="A1", study_id="1.1")


@pytest.mark.parametrize(
    ("about", "count"),
    [(About(name="four.png"), "no"), (About(), "no"),
     (About(identity=Identity(patient_id="P2")), "2")],
)  # fmt: skip
def test_not_exactly_one_row_is_refused(about: About, count: str) -> None:
    with pytest.raises(InputError, match=rf"^t\.csv has {count} rows about this image, expected"):
        read_report_table(TABLE, "t.csv", about)


def test_semicolons_and_a_byte_order_mark_are_read() -> None:
    table = "\ufeffimage;report\na.png;left, then right\n".encode()
    assert read_report_table(table, "t.csv", About(name="a.png"))[0] == "left, then right"


@pytest.mark.parametrize("table", [b"", b"image,mask\na,b\n", b"report\nx\n"])
def test_a_table_without_the_columns_is_refused(table: bytes) -> None:
    with pytest.raises(InputError, match="has no such columns: expected a column 'report'"):
        read_report_table(table, "t.csv", About(name="a"))


@pytest.mark.parametrize("table", [b"image,report\n\xff\xfe,a\n", b'image,report\na,"b'])
def test_what_is_no_table_is_refused(table: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_report_table(table, "t.csv", About(name="a"))


@pytest.mark.parametrize(
    "table",
    [
        "patient_id,report\nP1,No opacity left, opacity on the right\n",
        # Whose cells then stand in other columns: it need not be the row that is found.
        "report,patient_id\nleft, upper,P1\n\nClear.,P1\n",
        "patient_id;report\nP1;left; right\n",
    ],
)
def test_a_report_is_never_cut_at_its_comma(table: str) -> None:
    about = About(identity=Identity(patient_id="P1"))
    with pytest.raises(InputError, match=r"^Row 2 of t\.csv has more cells than the header; put "):
        read_report_table(table.encode(), "t.csv", about)


def test_the_ending_csv_makes_a_table(tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_bytes(TABLE)
    found = read_report_file(tmp_path / "reports.csv", about=About(name="one.png"))
    assert found.text == "Opacity on the left."
