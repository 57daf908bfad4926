"""The simplest dataset format here: ``images/``, ``masks/`` and ``captions.csv``.

Its rows are what every layout is read as, see ``tgcnet.data.layouts``.
"""

import csv
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from tgcnet.data.header import check_header
from tgcnet.domain import Modality, Volume
from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS

REQUIRED_COLUMNS = ("image", "mask", "report")
SOURCE_VOLUME_COLUMN = "source_volume"
"""Which rows were cut from one volume, by any name; of this folder alone."""
KNOWN_COLUMNS = (*REQUIRED_COLUMNS, "subject", "split", "held_out", SOURCE_VOLUME_COLUMN)

_FIRST_ROW = 2  # below the header, as a spreadsheet counts

# Where Pillow's own array holds the values that were stored; colours are reduced to grey first.
_PLAIN_MODES = ("1", "L", "P", "I", "F")


@runtime_checkable
class VolumeSource(Hashable, Protocol):
    """A volume with its label volume, of which a row is one slice; hashable, picklable."""

    @property
    def name(self) -> str:
        """Unique within a data set."""

    def load(self, modality: Modality | None) -> tuple[Volume, np.ndarray]:
        """The volume, and its labels as (Z, Y, X) uint8: class index + 1, 0 background."""

    def stamp(self) -> Hashable:
        """Another one whenever the files have changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One image with its reference mask and its report.

    Attributes
    ----------
    number : unique within a data set; in ``captions.csv`` the row, the header being row 1
    image, mask : of a slice, the files of the whole volume
    subject : the patient, by any identifier; "" where nobody is named
    held_out : as the table says it; None where it has no such column
    split : "train", "val", "test" or what else the data set calls it; "" where it is not divided
    num_classes : what the mask tells apart; of one class whatever is not zero belongs to it
    modality : as the layout states it; None leaves it to the file
    volume, z : where the row is a slice: its volume, and its index along Z
    cut_from : where the image is a file of its own that was cut from a volume: the data folder,
        and what its table calls the volume
    place : what sentences call the row, since a file's name may name a patient; "" means by
        its number
    others : the table's further columns with their values
    """

    number: int
    image: Path
    mask: Path
    report: str
    subject: str = ""
    held_out: str | None = None
    split: str = ""
    num_classes: int = 1
    modality: Modality | None = None
    volume: VolumeSource | None = None
    z: int = 0
    cut_from: tuple[Path, str] | None = None
    place: str = ""
    others: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What the image is called; of a slice, its volume's name and its index along Z."""
        return self.image.name if self.volume is None else f"{self.volume.name}/{self.z}"

    @property
    def is_slice(self) -> bool:
        """Whether other rows may show the same volume."""
        return self.volume is not None or self.cut_from is not None

    @property
    def unit(self) -> Hashable:
        """What belongs together whoever it is of: a volume, else a picture's file."""
        return self.cut_from or self.image.resolve()

    @property
    def where(self) -> str:
        """What sentences call the row."""
        return self.place or f"row {self.number} of captions.csv"


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
        said = without_name(
            without_name(str(error), row.image.name, "its image"), row.mask.name, "its mask"
        )
        # "from None": the first sentence has the name.
        raise type(error)(f"{row.where}: {said}") from None


def without_name(sentence: str, name: str, instead: str) -> str:
    """A sentence that calls a file something else than its name, which may name a patient."""
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, sentence)


def _past_header(values: Mapping[Any, Any]) -> Sequence[str]:
    """The cells for which there is no column, as ``csv`` keeps them."""
    cells: Sequence[str] = values.get(None) or ()
    return [cell.strip() for cell in cells]


def read_mask(file: Path) -> np.ndarray:
    """A reference mask as (Y, X) bool: whatever is not zero.

    Of a palette the index counts, whatever its colour; of a colour, its luminance.

    Raises
    ------
    InputError
        If the file cannot be decoded, or unpacks to absurdly many pixels.
    """
    is_marked: np.ndarray = read_mask_values(file) != 0
    return is_marked


def read_mask_values(file: Path) -> np.ndarray:
    """A mask's values as stored, (Y, X) of any type; of a colour, its luminance.

    What is not black is at least 1, since a dark blue has a luminance that rounds to nothing.

    Raises
    ------
    InputError
        As of :func:`read_mask`.
    """
    try:
        with Image.open(file) as picture:
            is_plain = picture.mode in _PLAIN_MODES or picture.mode.startswith("I;16")
            values = np.asarray(picture) if is_plain else _luminance(picture)
    except (Image.DecompressionBombError, *DECODER_ERRORS) as error:
        # Without the decoder's own words, which hold the whole path.
        raise InputError(
            f"the mask cannot be read as a picture ({type(error).__name__}); replace it"
        ) from None
    return values


def _luminance(picture: Image.Image) -> np.ndarray:
    is_coloured = np.asarray(picture.convert("RGB")).any(axis=2)
    luminance: np.ndarray = np.maximum(np.asarray(picture.convert("L")), is_coloured)
    return luminance
