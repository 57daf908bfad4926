"""Our own layout: ``images/``, ``masks/``, ``captions.csv``, perhaps ``classes.json``."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tgcnet.data.classes import read_classes
from tgcnet.data.layouts.dataset import DataSet, Gap, Part
from tgcnet.data.rows import Row
from tgcnet.errors import InputError

_OTHER_MARKS = {";": "semicolons", "\t": "tabs"}
NAME = "three columns"

REQUIRED_COLUMNS = ("image", "mask", "report")
SOURCE_VOLUME_COLUMN = "source_volume"
"""Which rows were cut from one volume, by any name; of this folder alone."""
KNOWN_COLUMNS = (*REQUIRED_COLUMNS, "subject", "split", "held_out", SOURCE_VOLUME_COLUMN)

_FIRST_ROW = 2  # below the header, as a spreadsheet counts


def read_folder(folder: Path) -> tuple[Row, ...]:
    """The rows of ``captions.csv``, every file checked to be there.

    Raises
    ------
    InputError
        If the table, one of its columns, or a file it names is missing, if it cannot be read as a
        table, has no rows, or names a file outside ``images/`` and ``masks/``.
    """
    rows = table_rows(folder)
    for row in rows:
        for file, part in ((row.image, "images"), (row.mask, "masks")):
            where = f"row {row.number} of captions.csv of {folder.absolute().name}"
            if file.name == part and file.parent == folder.absolute():
                raise InputError(f"{where} has no image or no mask; fill it in or remove it")
            if not file.is_file():
                raise InputError(
                    f"{where} names a file of {part}/ that is not there; restore the file or "
                    "remove the row"
                )
    return rows


def table_rows(folder: Path) -> tuple[Row, ...]:
    """The rows of ``captions.csv``, whether or not their files are there.

    Where a row names no image or no mask, the path is that of ``images/`` or ``masks/`` itself.

    Raises
    ------
    InputError
        As :func:`read_folder` says, absent files aside.
    """
    folder = folder.absolute()  # "." has no name that a sentence could say
    table = folder / "captions.csv"
    try:
        is_there = table.is_file()
    except OSError as error:
        raise _unreadable(folder, error) from None
    if not is_there:
        raise InputError(
            f"{folder.name} has no captions.csv; a data folder holds images/, masks/ and "
            "captions.csv with the columns image, mask, report"
        )
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            # Strict: a quote that is never closed would swallow all rows below it.
            reader = csv.DictReader(file, strict=True)
            check_header(
                f"captions.csv of {folder.name}", reader.fieldnames or (), REQUIRED_COLUMNS
            )
            rows = tuple(
                _row(folder, number, values) for number, values in enumerate(reader, _FIRST_ROW)
            )
    except OSError as error:
        raise _unreadable(folder, error) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"captions.csv of {folder.name} cannot be read as a table ({type(error).__name__}); "
            "save it as CSV with commas, in UTF-8, quotes around texts closed"
        ) from None
    if not rows:
        raise InputError(f"captions.csv of {folder.name} has no rows; nothing to read")
    return rows


def _unreadable(folder: Path, error: OSError) -> InputError:
    """Without the system's own message, which holds the whole path and may name a patient."""
    return InputError(
        f"The data folder {folder.name} cannot be read ({error.strerror or 'refused'}), expected "
        "one whose files may be read; check the permissions and the disk"
    )


def _row(folder: Path, number: int, values: dict[str, str | None]) -> Row:
    if any(_past_header(values)):
        raise InputError(
            f"row {number} of captions.csv of {folder.name} has more cells than the table has "
            "columns, expected as many; put quotes around a text that holds commas"
        )
    for column, part in (("image", "images"), ("mask", "masks")):
        path = Path(values[column] or "")
        if path.anchor or ".." in path.parts:
            raise InputError(
                f"row {number} of captions.csv of {folder.name} names a file by a path that leaves "
                f"{part}/, expected a file inside it; put the file into {part}/ and correct the row"
            )
    volume = (values.get(SOURCE_VOLUME_COLUMN) or "").strip()
    return Row(
        number=number,
        image=folder / "images" / (values["image"] or ""),
        mask=folder / "masks" / (values["mask"] or ""),
        report=values["report"] or "",
        subject=values.get("subject") or "",
        held_out=(values["held_out"] or "") if "held_out" in values else None,
        split=(values.get("split") or "").strip(),
        cut_from=(folder.resolve(), volume) if volume else None,
        # Cells past the header have no column; they are blank.
        others=tuple(
            (column, value or "")
            for column, value in values.items()
            if column is not None and column not in KNOWN_COLUMNS
        ),
    )


def _past_header(values: Mapping[Any, Any]) -> Sequence[str]:
    """The cells for which there is no column, as ``csv`` keeps them."""
    cells: Sequence[str] = values.get(None) or ()
    return [cell.strip() for cell in cells]


def check_header(table: str, header: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a table without a column that is needed, or with one of them twice.

    Parameters
    ----------
    table : what sentences call it
    columns : all of which have to be there

    Raises
    ------
    InputError
        If one is absent or ambiguous; says so where cells are parted by another mark than commas.
    """
    absent = next((column for column in columns if column not in header), None)
    if absent is not None:
        parted = next((w for m, w in _OTHER_MARKS.items() if any(m in c for c in header)), None)
        what_to_do = (
            f"its cells are parted by {parted}, so save it as CSV with commas"
            if parted
            else "name the columns in its first row"
        )
        raise InputError(
            f"{table} lacks the column {absent!r}, expected {', '.join(columns)}; {what_to_do}"
        )
    twice = next((column for column in columns if list(header).count(column) > 1), None)
    if twice is not None:
        raise InputError(
            f"{table} has the column {twice!r} twice, expected it once; remove or rename one of "
            "them"
        )


def scan(folder: Path) -> DataSet:
    """Every row of ``captions.csv``, and every file that none names; errors of ``table_rows``."""
    folder = folder.absolute()
    classes = read_classes(folder)
    rows, gaps = [], []
    used: set[Path] = set()
    for row in table_rows(folder):
        used |= {row.image, row.mask}
        lacks = Part.IMAGE if not row.image.is_file() else Part.MASK
        if row.image.is_file() and row.mask.is_file():
            rows.append(replace(row, num_classes=len(classes)))
        else:
            gaps.append(Gap(lacks=lacks, is_named=True, place=row.where, path=row.image))
    gaps += _unnamed(folder, used)
    return DataSet(
        name=folder.name, layout=NAME, classes=classes, rows=tuple(rows), gaps=tuple(gaps)
    )


def _unnamed(folder: Path, used: set[Path]) -> Iterator[Gap]:
    for part, lacks in (("images", Part.TEXT), ("masks", Part.IMAGE)):
        for file in sorted((folder / part).rglob("*")):
            if file.is_file() and file not in used and not file.name.startswith("."):
                yield Gap(lacks=lacks, is_named=False, place=f"a file of {part}/", path=file)
