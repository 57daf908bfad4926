"""Tables beside the images: CSV, and the spreadsheets that LViT's texts are published as."""

import csv
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from xml.etree.ElementTree import ParseError

from tgcnet.data.layouts.three_columns import check_header
from tgcnet.errors import InputError, MissingExtraError

_FIRST_ROW = 2  # below the header, as a spreadsheet counts
_LARGEST_BYTES = 100_000_000
"""A table of texts has a few megabytes; more is a compressed bomb or something else."""


# What the two readers raise for a broken file.
_TABLE_ERRORS = (
    csv.Error, zipfile.BadZipFile, ParseError, LookupError, ValueError, TypeError, AttributeError,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A row: its number, the header being row 1, and its cells by column in lower case."""

    number: int
    cells: dict[str, str]


def read_table(file: Path, columns: Sequence[str]) -> tuple[Record, ...]:
    """The rows of a table, blank ones left out; columns are matched whatever their case.

    Parameters
    ----------
    file : ``.csv`` or ``.xlsx``, whose first sheet is read
    columns : in lower case, all of which have to be there

    Raises
    ------
    InputError
        If the file cannot be read as a table, lacks a column or has it twice.
    MissingExtraError
        If it is a spreadsheet and openpyxl is not installed.
    """
    lines: Callable[[Path], Iterator[list[str]]]
    lines = _lines_of_xlsx if file.suffix.lower() == ".xlsx" else _lines_of_csv
    try:
        found = list(lines(file))
    except OSError as error:
        raise InputError(
            f"{file.name} cannot be opened ({error.strerror or 'refused'}), expected a table; "
            "check the permission to read it"
        ) from None
    except _TABLE_ERRORS as error:
        raise InputError(
            f"{file.name} cannot be read as a table ({type(error).__name__}), expected an Excel "
            "workbook or CSV with commas in UTF-8; save it again"
        ) from None
    header = [cell.strip().lower() for cell in (found[0] if found else [])]
    check_header(file.name, header, columns)
    return tuple(
        Record(number=number, cells=dict(zip_longest(header, line[: len(header)], fillvalue="")))
        for number, line in enumerate(found[1:], start=_FIRST_ROW)
        if any(cell.strip() for cell in line)
    )


def _lines_of_csv(file: Path) -> Iterator[list[str]]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        yield from csv.reader(stream, strict=True)  # an open quote would swallow rows


def _lines_of_xlsx(file: Path) -> Iterator[list[str]]:
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"{file.name} is a spreadsheet, and openpyxl, which reads them, is not installed; run: "
            "pip install 'napari-tgcnet[train]', or save the table as CSV"
        ) from None
    with zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_BYTES:
            raise InputError(
                f"{file.name} unpacks to more than {_LARGEST_BYTES // 1_000_000} MB, expected a "
                "table of texts; save the texts alone"
            )
    workbook = load_workbook(file, read_only=True, data_only=True)
    try:
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # some programs write the wrong ones, and rows would be missing
        for line in sheet.iter_rows(values_only=True):
            yield ["" if cell is None else str(cell) for cell in line]
    finally:
        workbook.close()
