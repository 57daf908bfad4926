"""The simplest dataset format here: ``images/``, ``masks/`` and ``captions.csv``."""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS

REQUIRED_COLUMNS = ("image", "mask", "report")

_FIRST_ROW = 2  # below the header, as a spreadsheet counts

# Where Pillow's own array holds the values that were stored; colours are reduced to grey first.
_PLAIN_MODES = ("1", "L", "P", "I", "F")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One image with its reference mask and its report.

    Attributes
    ----------
    number : in ``captions.csv``, the header being row 1; sentences name a row by it, since a
        file's name may name a patient
    subject : the patient, by any identifier; "" where the table names nobody
    held_out : as the table says it; None where it has no such column
    """

    number: int
    image: Path
    mask: Path
    report: str
    subject: str = ""
    held_out: str | None = None


def read_folder(folder: Path) -> tuple[Row, ...]:
    """The rows of ``captions.csv``, every file checked to be there.

    Raises
    ------
    InputError
        If the table, one of its columns, or a file it names is missing, if it cannot be read as a
        table, has no rows, or names a file outside ``images/`` and ``masks/``.
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
            reader = csv.DictReader(file)
            absent = [c for c in REQUIRED_COLUMNS if c not in (reader.fieldnames or ())]
            rows = tuple(() if absent else _rows(folder, reader))
    except OSError as error:
        raise _unreadable(folder, error) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"captions.csv of {folder.name} cannot be read as a table ({type(error).__name__}); "
            "save it as CSV with commas, in UTF-8"
        ) from None
    if absent:
        raise InputError(
            f"captions.csv of {folder.name} lacks the column {absent[0]!r}; "
            "expected image, mask, report"
        )
    if not rows:
        raise InputError(f"captions.csv of {folder.name} has no rows; nothing to read")
    return rows


def _unreadable(folder: Path, error: OSError) -> InputError:
    """Without the system's own message, which holds the whole path and may name a patient."""
    return InputError(
        f"The data folder {folder.name} cannot be read ({error.strerror or 'refused'}), expected "
        "one whose files may be read; check the permissions and the disk"
    )


def _rows(folder: Path, table: Iterable[dict[str, str | None]]) -> Iterator[Row]:
    for number, values in enumerate(table, start=_FIRST_ROW):
        yield _row(folder, number, values)


def _row(folder: Path, number: int, values: dict[str, str | None]) -> Row:
    where = f"row {number} of captions.csv of {folder.name}"
    if not values["image"] or not values["mask"]:
        raise InputError(f"{where} has no image or no mask; fill it in or remove it")
    for name, part in ((values["image"], "images"), (values["mask"], "masks")):
        path = Path(name)
        if path.anchor or ".." in path.parts:
            raise InputError(
                f"{where} names a file by a path that leaves {part}/, expected a file inside it; "
                f"put the file into {part}/ and correct the row"
            )
    row = Row(
        number=number,
        image=folder / "images" / values["image"],
        mask=folder / "masks" / values["mask"],
        report=values["report"] or "",
        subject=values.get("subject") or "",
        held_out=(values["held_out"] or "") if "held_out" in values else None,
    )
    for file in (row.image, row.mask):
        if not file.is_file():
            raise InputError(
                f"{where} names a file of {'images' if file == row.image else 'masks'}/ that is "
                "not there; restore the file or remove the row"
            )
    return row


@contextmanager
def naming(file_name: str) -> Iterator[None]:
    """Say first which file it is about, where a sentence speaks of "the image" alone."""
    try:
        yield
    except InputError as error:
        # Its own class: whoever asks for a modality goes by it.
        raise type(error)(f"{file_name}: {error}") from error


@contextmanager
def at_row(row: Row) -> Iterator[None]:
    """Say which row a sentence is about, by its number: a file's name may name a patient."""
    try:
        yield
    except InputError as error:
        said = _without(
            _without(str(error), row.image.name, "its image"), row.mask.name, "its mask"
        )
        # "from None": the first sentence has the name.
        raise type(error)(f"row {row.number} of captions.csv: {said}") from None


def _without(sentence: str, name: str, instead: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, sentence)


def read_mask(file: Path) -> np.ndarray:
    """A reference mask as (Y, X) bool: whatever is not zero.

    Of a palette the index counts, whatever its colour; of a colour, its luminance.

    Raises
    ------
    InputError
        If the file cannot be decoded, or unpacks to absurdly many pixels.
    """
    try:
        with Image.open(file) as picture:
            is_plain = picture.mode in _PLAIN_MODES or picture.mode.startswith("I;16")
            mask: np.ndarray = np.asarray(picture if is_plain else picture.convert("L")) != 0
    except (Image.DecompressionBombError, *DECODER_ERRORS) as error:
        # Without the decoder's own words, which hold the whole path.
        raise InputError(
            f"the mask cannot be read as a picture ({type(error).__name__}); replace it"
        ) from None
    return mask
