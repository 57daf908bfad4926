"""The table of a cohort: what is read, and every sentence that refuses one."""

from pathlib import Path

import pytest
from tests.tgcnet.cohort.conftest import REPORT, MakeTable

from tgcnet.cohort.manifest import read_cohort
from tgcnet.domain import Identity, Modality
from tgcnet.errors import InputError


def test_a_row_becomes_a_study(cohort: MakeTable, tmp_path: Path) -> None:
    table = cohort(
        [
            {"image": "a.png", "id": "first", "report": REPORT, "slices": "1:3", "modality": "CT"},
            {"image": "b.png", "report_file": "b.txt", "slices": ":", "modality": "auto"},
        ]
    )
    (table.parent / "b.txt").write_text("Größer.", encoding="cp1252")
    first, second = read_cohort(table, modality=Modality.XRAY).studies
    assert (first.row, first.id, first.report) == (2, "first", REPORT)
    assert first.image == table.parent / "a.png"
    assert (first.slices, first.modality) == (slice(1, 3), Modality.CT)
    assert (second.row, second.id, second.report) == (3, "000002", "Größer.")
    assert (second.slices, second.modality) == (slice(None), Modality.XRAY)


def test_an_image_may_be_a_folder_or_an_absolute_path(cohort: MakeTable, tmp_path: Path) -> None:
    series = tmp_path / "series"
    series.mkdir()
    table = cohort([{"image": str(series)}, {"image": "../series"}])
    assert [study.image.resolve() for study in read_cohort(table).studies] == [series, series]


def test_a_study_is_never_called_by_its_file(cohort: MakeTable) -> None:
    (study,) = read_cohort(cohort([{"image": "Miller.png", "report": REPORT}])).studies
    assert study.id == "000001"
    assert "Miller" not in repr(study)
    assert "infection" not in repr(study)


def test_blank_lines_count_as_rows_and_a_report_may_have_lines(cohort: MakeTable) -> None:
    table = cohort([{"image": "a.png"}])
    table.write_text('image,report\n\na.png,"one,\ntwo"\n,\n', encoding="utf-8-sig")
    (study,) = read_cohort(table).studies
    assert (study.row, study.id, study.report) == (3, "000001", "one,\ntwo")


@pytest.mark.parametrize("header", ["image;report", '\ufeff"image";"report"', "report;IMAGE"])
def test_a_spreadsheet_may_put_semicolons_and_windows_line_ends(
    cohort: MakeTable, header: str
) -> None:
    table = cohort([{"image": "a.png"}])
    cells = ["a.png", '"Left, lower."'] if "image" in header else ['"Left, lower."', "a.png"]
    table.write_bytes(f"{header}\r\n{';'.join(cells)}\r\n".encode())
    (study,) = read_cohort(table).studies
    assert (study.image, study.report) == (table.parent / "a.png", "Left, lower.")


def test_an_image_that_is_not_there_is_the_studys_own_matter(cohort: MakeTable) -> None:
    names = ["absent.png", "x" * 5000, "~nobody.png"]
    studies = read_cohort(cohort([{"image": name} for name in names])).studies
    assert [study.image.name for study in studies] == names


def test_what_is_not_used_is_said(cohort: MakeTable) -> None:
    notices = " ".join(read_cohort(cohort([{"image": "a.png", "reports": REPORT}])).notices)
    assert "not used: reports" in notices
    assert "no column report or report_file: every study runs without a text" in notices
    assert read_cohort(cohort([{"image": "a.png", "report": REPORT}])).notices == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"image": "", "id": "b"}, "row 3 names no image"),
        ({"image": "b.png", "id": "same"}, "row 3 has the id of row 2"),
        ({"image": "b.png", "id": "SAME"}, "row 3 has the id of row 2"),
        ({"image": "b.png", "id": "../up"}, "row 3 has an id that is no plain name"),
        ({"image": "b.png", "id": ".."}, "row 3 has an id that is no plain name"),
        ({"image": "b.png", "id": "/etc"}, "row 3 has an id that is no plain name"),
        ({"image": "b.png", "id": "-rf"}, "row 3 has an id that is no plain name"),
        ({"image": "b.png", "id": "dot."}, "row 3 has an id that is no plain name"),
        ({"image": "b.png", "id": "x" * 101}, "row 3 has an id that is no plain name"),
        ({"image": "b.png", "id": "Con"}, "row 3 has an id that is no plain name"),
        ({"image": "b.png", "report_file": "no.txt"}, "row 3 names a report_file that is not"),
        ({"image": "b.png", "report_file": "b.png"}, "row 3 names a report_file that is not"),
        ({"image": "b.png", "report": "x", "report_file": "a"}, "row 3 has both a report and"),
        ({"image": "b.png", "modality": "mri"}, "row 3 has a modality other than ct, xray or auto"),
        ({"image": "b.png", "slices": "5"}, "row 3 has slices that are no range A:B"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_by_its_number(
    cohort: MakeTable, row: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_cohort(cohort([{"image": "a.png", "id": "same"}, row]))
    assert words in str(refused.value)
    assert "nothing was started" in str(refused.value)
    assert "Miller" not in str(refused.value)


def test_all_rows_that_are_wrong_are_listed_up_to_ten(cohort: MakeTable) -> None:
    with pytest.raises(InputError) as refused:
        read_cohort(cohort([{"image": "a.png", "id": f"{index}/"} for index in range(13)]))
    assert str(refused.value).count("has an id") == 10
    assert "row 11 has" in str(refused.value)
    assert "; and 3 more." in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "studies.csv is empty"),
        (b"file,report\na.png,x\n", "lacks the column 'image'"),
        (b"image,report\n", "has no rows below its header"),
        (b"image,image\na.png,a.png\n", "has the column 'image' twice"),
        (b'image\n"a.png\n', "cannot be read as a table (Error)"),
        (b"image,report\na.png,ol\xe9\n", "cannot be read as a table (UnicodeDecodeError)"),
        (b"image\na\0.png\n", "cannot be read as a table (Error)"),
        (b"image,report\na.png,left, lower\n", "row 2 has more cells than the header"),
    ],
)
def test_a_table_that_is_none_is_refused(cohort: MakeTable, content: bytes, words: str) -> None:
    table = cohort([{"image": "a.png"}])
    table.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_cohort(table)
    assert words in str(refused.value)


def test_an_absent_table_is_refused_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table absent\.csv cannot be read \(No such file"):
        read_cohort(tmp_path / "absent.csv")


def test_a_row_says_whose_its_report_is(cohort: MakeTable) -> None:
    row = {"image": "a.png", "report": REPORT, "patient_id": "P-1", "study_id": "1.2"}
    (study,) = read_cohort(cohort([row])).studies
    assert study.identity == Identity(patient_id="P-1", study_id="1.2")
