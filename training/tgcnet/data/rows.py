"""A row of a data set in any layout: an image with its reference mask and its report."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from tgcnet.domain import Modality, Volume
from tgcnet.errors import InputError


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
    subject : the patient, by any identifier; "" where none is given
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
        """What belongs together even if no patient is known: a volume, else a picture's file."""
        return self.cut_from or self.image.resolve()

    @property
    def where(self) -> str:
        """What sentences call the row."""
        return self.place or f"row {self.number} of captions.csv"


@contextmanager
def naming(file_name: str) -> Iterator[None]:
    """Put a file's name before the message of an InputError that says "the image" alone."""
    try:
        yield
    except InputError as error:
        # Its own class: callers that ask for a modality recognise it.
        raise type(error)(f"{file_name}: {error}") from error


@contextmanager
def at_row(row: Row) -> Iterator[None]:
    """Put a row's number before the message of an InputError, in place of files' names.

    A file's name may name a patient.
    """
    try:
        yield
    except InputError as error:
        message = without_name(
            without_name(str(error), row.image.name, "its image"), row.mask.name, "its mask"
        )
        # "from None": the first sentence has the name.
        raise type(error)(f"{row.where}: {message}") from None


def without_name(sentence: str, name: str, instead: str) -> str:
    """A sentence that calls a file something else than its name, which may name a patient."""
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, sentence)


def is_held_out(row: Row, set_name: str) -> bool:
    """Whether a row is for comparing models, never for training; false where it is not stated.

    Parameters
    ----------
    set_name : what the sentence calls the data set

    Raises
    ------
    InputError
        If the column says something else than true or false.
    """
    stated = (row.held_out or "false").lower()
    if stated not in ("true", "false"):
        raise InputError(
            f"The column held_out of {set_name} says neither true nor false in {row.where}, "
            "expected one of them; correct the row or remove the column"
        )
    return stated == "true"


def captions_sha256(rows: Iterable[Row]) -> str:
    """The hash of which image has which text, whatever the order of the rows.

    The canonical form: for every row the JSON array ``["IMAGE","TEXT"]`` without spaces and with
    no character escaped that JSON need not escape; these lines sorted by code point, each with a
    line feed behind it, in UTF-8. IMAGE is :attr:`Row.name` in Unicode's composed form, since
    systems store names differently; TEXT is the report to the last space.

    Returns
    -------
    str
        64 hexadecimal digits of SHA-256.
    """
    lines = sorted(
        json.dumps(
            [unicodedata.normalize("NFC", row.name), row.report],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for row in rows
    )
    digest = hashlib.sha256()
    for line in lines:
        # A lone surrogate, which a table cannot hold but a file's name can, is no UTF-8.
        digest.update(f"{line}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()


def count_distinct(rows: Iterable[Row]) -> int:
    """The number of different texts."""
    return len({row.report for row in rows})
