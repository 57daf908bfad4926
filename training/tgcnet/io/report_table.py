"""The row of a table of reports that is about one image."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.formats import ending_of

_REPORT = ("report", "report_text", "text")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "study_id": ("study_id", "study_uid", "study_instance_uid", "studyinstanceuid"),
    "accession_number": ("accession_number", "accession", "accessionnumber"),
    "image": ("image", "file", "filename"),
    "patient_id": ("patient_id", "patient", "patientid", "subject"),
}
TOO_MANY_CELLS = "has more cells than the header; put texts with commas into quotes"
_EXPECTED = "expected a column 'report' and one of 'image', 'study_id', 'accession', 'patient_id'"


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The image that a report is wanted for.

    Attributes
    ----------
    name : of its file or folder; a row that names it, with or without its ending, is about it
    """

    name: str = field(default="", repr=False)
    identity: Identity = field(default_factory=Identity)


def read_report_table(content: bytes, name: str, about: About) -> tuple[str, Identity]:
    """The report of the one row that is about an image, and the row's patient and study.

    The study decides before the accession number, that before the image's name, that before the
    patient, who may have several rows.

    Raises
    ------
    InputError
        If it is no such table, a row has more cells than the header, or not exactly one row is
        about the image.
    """
    numbered = _rows(content, name)
    rows = [row for _, row in numbered]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    columns = {key: _column(header, names) for key, names in (("report", _REPORT), *_KEYS.items())}
    if columns["report"] is None or not any(columns[key] is not None for key in _KEYS):
        raise InputError(f"{name} has no such columns: {_EXPECTED}; name its columns so.")
    for number, row in numbered:
        # Whichever row it is: what stands in the wrong columns may hide that it is the image's.
        if has_too_many_cells(row, header):
            raise InputError(f"Row {number} of {name} {TOO_MANY_CELLS}.")
    found = _rows_about(rows[1:], columns, about)
    if len(found) != 1:
        raise InputError(
            f"{name} has {len(found) or 'no'} rows about this image, expected one; correct the "
            "table, or paste the report."
        )
    cells = {key: _cell(found[0], column) for key, column in columns.items()}
    identity = Identity(
        patient_id=cells["patient_id"] or None,
        accession_number=cells["accession_number"] or None,
        study_id=cells["study_id"] or None,
    )
    return cells["report"].replace("\r\n", "\n"), identity


def has_too_many_cells(row: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a text with a comma and without quotes was cut there, as far as a row can tell."""
    return len(row) > len(header)


def _rows(content: bytes, name: str) -> list[tuple[int, list[str]]]:
    """Number, from 1, and cells of every row that is not blank."""
    try:
        text = content.decode("utf-8-sig")
        header = text.lstrip().partition("\n")[0]
        # Spreadsheet programs put semicolons where a country's decimals have the comma.
        delimiter = ";" if header.count(";") > header.count(",") else ","
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{name} cannot be read as a table ({type(error).__name__}), expected CSV with commas, "
            "in UTF-8; save it so."
        ) from None
    return [(number, row) for number, row in enumerate(rows, start=1) if any(map(str.strip, row))]


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _cell(row: list[str], column: int | None) -> str:
    return row[column].strip() if column is not None and column < len(row) else ""


def _rows_about(
    rows: list[list[str]], columns: Mapping[str, int | None], about: About
) -> list[list[str]]:
    """The rows that the most telling of what is known leads to; several where it leads to these."""
    names = {PurePath(about.name).name.casefold(), _stem(about.name)} - {""}
    known = {
        "study_id": _folded(about.identity.study_id),
        "accession_number": _folded(about.identity.accession_number),
        "image": names,
        "patient_id": _folded(about.identity.patient_id),
    }
    for key, wanted in known.items():
        found = [row for row in rows if wanted & _values(key, _cell(row, columns[key]))]
        if found:
            return found
    return []


def _values(key: str, cell: str) -> set[str]:
    if key != "image":
        return _folded(cell)
    # A table written on Windows has the other slashes.
    name = PurePath(cell.replace("\\", "/")).name
    return {name.casefold(), _stem(name)} - {""}


def _folded(value: str | None) -> set[str]:
    return {value.strip().casefold()} - {""} if value else set()


def _stem(name: str) -> str:
    plain = PurePath(name).name.casefold()
    return plain.removesuffix(ending_of(plain)) or plain
