"""The simplest dataset format here: ``images/``, ``masks/`` and ``captions.csv``."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.errors import InputError

REQUIRED_COLUMNS = ("image", "mask", "report")


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
        If the table, one of its columns, or a file it names is missing, or it has no rows.
    """
    table = folder / "captions.csv"
    if not table.is_file():
        raise InputError(
            f"{folder.name} has no captions.csv; a data folder holds images/, masks/ and "
            "captions.csv with the columns image, mask, report"
        )
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = [c for c in REQUIRED_COLUMNS if c not in (reader.fieldnames or ())]
        if absent:
            raise InputError(
                f"captions.csv of {folder.name} lacks the column {absent[0]!r}; "
                "expected image, mask, report"
            )
        rows = tuple(_row(folder, values) for values in reader)
    if not rows:
        raise InputError(f"captions.csv of {folder.name} has no rows; nothing to read")
    return rows


def _row(folder: Path, values: dict[str, str]) -> Row:
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


def read_mask(file: Path) -> np.ndarray:
    """A reference mask as (Y, X) bool: whatever is not zero."""
    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("L")) > 0
    except OSError as error:
        raise InputError(
            f"the mask {file.name} cannot be read as a picture ({error}); replace it"
        ) from error
