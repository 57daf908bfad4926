"""The simplest dataset format here: ``images/``, ``masks/`` and ``captions.csv``."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS

REQUIRED_COLUMNS = ("image", "mask", "report")

# Where Pillow's own array holds the values that were stored; colours are reduced to grey first.
_PLAIN_MODES = ("1", "L", "P", "I", "F")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One image with its reference mask and its report."""

    image: Path
    mask: Path
    report: str
    subject: str = ""


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
    if not table.is_file():
        raise InputError(
            f"{folder.name} has no captions.csv; a data folder holds images/, masks/ and "
            "captions.csv with the columns image, mask, report"
        )
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            absent = [c for c in REQUIRED_COLUMNS if c not in (reader.fieldnames or ())]
            rows = tuple(() if absent else (_row(folder, values) for values in reader))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
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


def _row(folder: Path, values: dict[str, str | None]) -> Row:
    if not values["image"] or not values["mask"]:
        raise InputError(
            f"captions.csv of {folder.name} has a row without an image or a mask; fill it in or "
            "remove it"
        )
    for name, part in ((values["image"], "images"), (values["mask"], "masks")):
        path = Path(name)
        if path.anchor or ".." in path.parts:
            raise InputError(
                f"captions.csv of {folder.name} names {path.name} by a path that leaves {part}/, "
                f"expected a file inside it; put the file into {part}/ and correct the row"
            )
    row = Row(
        image=folder / "images" / values["image"],
        mask=folder / "masks" / values["mask"],
        report=values["report"] or "",
        subject=values.get("subject") or "",
    )
    for file in (row.image, row.mask):
        if not file.is_file():
            raise InputError(
                f"captions.csv of {folder.name} names {file.parent.name}/{file.name}, which is "
                "not there; restore the file or remove its row"
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
            f"the mask {file.name} cannot be read as a picture ({type(error).__name__}); replace it"
        ) from None
    return mask
