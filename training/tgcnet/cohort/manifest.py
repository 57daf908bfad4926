"""The table that names a cohort's studies, checked whole before anything starts."""

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tgcnet.domain import Identity, Modality
from tgcnet.errors import InputError
from tgcnet.io import read_report
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import TOO_MANY_CELLS, has_too_many_cells

_IDENTITY_COLUMNS = ("patient_id", "accession_number", "study_id")
COLUMNS = ("image", "id", "report", "report_file", "modality", "slices", *_IDENTITY_COLUMNS)

_MOST_PROBLEMS = 10
_ID_DIGITS = 6
_PLAIN_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
# Windows opens a device under these names, whatever the folder.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_SLICES = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """One row of the table. Image and report may name a patient: neither is shown or logged.

    Attributes
    ----------
    row : in the table, the header being row 1; sentences name a study by it
    id : what its folder is called
    image : a file, or the folder of a series
    named : the image as the table names it
    report : "" where there is none
    identity : identifiers of patient and study in the row, or in the report's file
    modality : as row or command states it; None leaves it to the file
    slices : along Z; None means all
    """

    row: int
    id: str
    image: Path = field(repr=False)
    named: str = field(repr=False)
    report: str = field(default="", repr=False)
    identity: Identity = field(default_factory=Identity)
    modality: Modality | None = None
    slices: slice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CohortTable:
    """All studies in the table's order, and sentences about what of the table is not used."""

    studies: tuple[Study, ...]
    notices: tuple[str, ...] = ()


def read_cohort(path: Path, *, modality: Modality | None = None) -> CohortTable:
    """Read the table of a cohort.

    Parameters
    ----------
    path : CSV with commas or semicolons, in UTF-8. Needs the column ``image``; knows ``id``,
        ``report``, ``report_file``, ``modality``, ``slices``, ``patient_id``, ``accession_number``
        and ``study_id``; paths are relative to its folder
    modality : of rows that state none

    Raises
    ------
    InputError
        If it cannot be read, or any row cannot be used; the sentence names rows by number and no
        file, whose name may be a patient's.
    """
    path = path.absolute()
    numbered = _numbered_rows(path)
    if not numbered:
        raise InputError(
            f"{path.name} is empty, expected a table with the column 'image' and a row for each "
            "study; export it again."
        )
    header = [cell.strip().lower() for cell in numbered[0][1]]
    _check_header(header, path.name)
    if len(numbered) == 1:
        raise InputError(f"{path.name} has no rows below its header, expected one for each study.")
    reader = _RowReader(path.parent, header, modality)
    studies = [
        reader.read(position, number, cells)
        for position, (number, cells) in enumerate(numbered[1:], start=1)
    ]
    problems = [*reader.problems, *_repeated(studies)]
    if problems:
        raise InputError(_in_words(path.name, sorted(problems)))
    return CohortTable(studies=tuple(studies), notices=tuple(_notices(path.name, header)))


def _numbered_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Row number and cells of every row that is not blank."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if "\0" in text:  # which no file's name may hold
            raise csv.Error
        lines = io.StringIO(text, newline="")
        rows = enumerate(csv.reader(lines, delimiter=_delimiter(text), strict=True), start=1)
        return [(number, cells) for number, cells in rows if any(map(str.strip, cells))]
    except OSError as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
        raise InputError(
            f"The cohort's table {path.name} cannot be read ({error.strerror or 'refused'}); check "
            "the name and the permission to read it."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path.name} cannot be read as a table ({type(error).__name__}), expected CSV with "
            "commas, in UTF-8; save it so."
        ) from None


def _delimiter(text: str) -> str:
    """Spreadsheet programs put semicolons where a country's decimals have the comma."""
    header = text.lstrip().partition("\n")[0].lower()
    cells = [cell.strip('" \r') for cell in header.split(";")]
    return ";" if len(cells) > 1 and "image" in cells else ","


def _check_header(header: Sequence[str], name: str) -> None:
    if "image" not in header:
        raise InputError(
            f"{name} lacks the column 'image'; expected a header in row 1 with image and, where "
            f"they are known, {', '.join(COLUMNS[1:])}."
        )
    twice = [column for column in COLUMNS if header.count(column) > 1]
    if twice:
        raise InputError(f"{name} has the column {twice[0]!r} twice, expected once; remove one.")


class _RowReader:
    """Turns rows to studies and gathers what is wrong with them."""

    def __init__(self, folder: Path, header: Sequence[str], modality: Modality | None) -> None:
        self.problems: list[tuple[int, str]] = []
        self._folder, self._header, self._modality = folder, header, modality

    def read(self, position: int, number: int, cells: Sequence[str]) -> Study:
        """The study of a row; what is wrong in it has a stand-in, since it is never used."""
        if has_too_many_cells(cells, self._header):
            self._wrong(number, TOO_MANY_CELLS)
        values = dict(zip(self._header, (cell.strip() for cell in cells), strict=False))
        named, report = values.get("image", ""), self._report(number, values)
        return Study(
            row=number,
            id=self._id(number, values.get("id") or f"{position:0{_ID_DIGITS}d}"),
            image=self._image(number, named),
            named=named,
            report=report.text,
            identity=_identity_of(values, report.identity),
            modality=self._stated_modality(number, values.get("modality", "")),
            slices=self._slices(number, values.get("slices", "")),
        )

    def _wrong(self, number: int, what: str) -> None:
        self.problems.append((number, what))

    def _id(self, number: int, given: str) -> str:
        if not _PLAIN_ID.fullmatch(given) or _RESERVED.fullmatch(given):
            self._wrong(
                number,
                "has an id that is no plain name; use at most 100 letters, digits and . _ - "
                "beginning with a letter or a digit",
            )
        return given

    def _image(self, number: int, named: str) -> Path:
        # Whether it is there is the study's own matter: one lost file must not stop all others.
        if not named:
            self._wrong(number, "names no image")
        return self._path(named)

    def _path(self, named: str) -> Path:
        # Not Path.expanduser, which raises for "~x.png" where nobody is called x.png.
        return self._folder / os.path.expanduser(named)

    def _report(self, number: int, values: Mapping[str, str]) -> ReportFile:
        text, file = values.get("report", ""), values.get("report_file", "")
        if text and file:
            self._wrong(number, "has both a report and a report_file; keep one")
        if not file or text:
            return ReportFile(text=text)
        try:
            return read_report(self._path(file))
        except InputError:
            # Its sentence names the file.
            self._wrong(number, "names a report_file that is not there or is no report")
            return ReportFile(text="")

    def _stated_modality(self, number: int, stated: str) -> Modality | None:
        if stated.lower() in ("", "auto"):
            return self._modality
        if stated.lower() in (Modality.CT, Modality.XRAY):
            return Modality(stated.lower())
        self._wrong(number, "has a modality other than ct, xray or auto")
        return None

    def _slices(self, number: int, stated: str) -> slice | None:
        found = _SLICES.fullmatch(stated)
        if found:
            first, last = found.groups()
            return slice(int(first) if first else None, int(last) if last else None)
        if stated:
            self._wrong(number, "has slices that are no range A:B, such as 10:20")
        return None


def _identity_of(values: Mapping[str, str], of_file: Identity) -> Identity:
    """What the row states takes precedence over the report's file."""
    return Identity(
        **{name: values.get(name) or getattr(of_file, name) for name in _IDENTITY_COLUMNS}
    )


def _repeated(studies: Sequence[Study]) -> Iterator[tuple[int, str]]:
    # Some disks take a and A for one name.
    first_row: dict[str, int] = {}
    for study in studies:
        earlier = first_row.setdefault(study.id.lower(), study.row)
        if earlier != study.row:
            yield study.row, f"has the id of row {earlier}"


def _in_words(name: str, problems: Sequence[tuple[int, str]]) -> str:
    listed = "; ".join(f"row {number} {what}" for number, what in problems[:_MOST_PROBLEMS])
    rest = len(problems) - _MOST_PROBLEMS
    more = f"; and {rest} more" if rest > 0 else ""
    return f"{name} cannot be used, so nothing was started: {listed}{more}. Correct the table."


def _notices(name: str, header: Sequence[str]) -> Iterator[str]:
    unused = [column for column in header if column and column not in COLUMNS]
    if unused:
        yield f"Columns of {name} that are not used: {', '.join(unused)}."
    if "report" not in header and "report_file" not in header:
        yield f"{name} has no column report or report_file: every study runs without a text."
