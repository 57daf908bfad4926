"""Images and labels decoded once into files that every process of a run maps into memory.

A file holds up to 256 records: image and labels on the network's square grid, (2, S, S) uint8, and
the modality that was found in decoding. It is named by a hash of what these depend on, and written
whole or not at all: a run that was killed while decoding goes on with the file it was at, and a
changed image is decoded anew. It holds no identifier of a patient, and may be deleted whenever no
run uses it.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tgcnet.config import PreprocessConfig
from tgcnet.data.row_decoding import decode_row
from tgcnet.data.rows import Row
from tgcnet.domain import Modality
from tgcnet.errors import InputError, OutputError
from tgcnet.io.atomic import write_atomically
from tgcnet.io.state import state_of

_FORMAT = 2
"""A part of every file's name, so that a file of another format is never looked at."""

_ROWS_A_FILE = 256

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelFiles:
    """Decoded rows in the files that hold them; what is pickled are names, never pixels.

    ``files`` in the order of the rows, each with the number of rows it holds.
    """

    files: tuple[tuple[Path, int], ...]

    def open(self) -> list["MappedRow"]:
        """Per row what was decoded, mapped: nothing is read yet."""
        return [
            MappedRow(records=records, index=index)
            for records, count in ((np.load(f, mmap_mode="r"), n) for f, n in self.files)
            for index in range(count)
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedRow:
    """One row in a mapped file; read when it is asked."""

    records: np.ndarray
    index: int

    @property
    def planes(self) -> np.ndarray:
        """Image and labels, (2, S, S) uint8."""
        planes: np.ndarray = self.records["planes"][self.index]
        return planes

    @property
    def modality(self) -> Modality:
        """What was stated, else what the layout or the file says."""
        return Modality(self.records["modality"][self.index].decode())


class PixelCache:
    """Decodes rows into a folder, and finds there what was decoded before.

    Parameters
    ----------
    folder : made if absent
    """

    def __init__(self, folder: Path, preprocess: PreprocessConfig) -> None:
        self._folder = folder
        self._preprocess = preprocess

    def decode(self, rows: Sequence[Row], modality: Modality) -> PixelFiles:
        """The files of these rows, made where they are absent or damaged.

        Raises
        ------
        InputError
            If a row cannot be decoded; names it. What was decoded before stays.
        OutputError
            If the folder or a file cannot be written.
        """
        files = []
        done = 0
        for part in _parts(rows):
            file = self._folder / f"{self._key(part, modality)}.npy"
            if not self._is_whole(file, len(part)):
                self._write(file, part, modality)
                logger.info("decoded %d of %d images", done + len(part), len(rows))
            done += len(part)
            files.append((file, len(part)))
        return PixelFiles(files=tuple(files))

    def _write(self, file: Path, rows: Sequence[Row], modality: Modality) -> None:
        records = np.empty(len(rows), dtype=_record(self._preprocess.side_px))
        for index, row in enumerate(rows):
            example = decode_row(row, modality, self._preprocess)
            records["planes"][index] = example.image, example.labels
            records["modality"][index] = str(example.modality)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the folder {self._folder.name!r} for decoded images cannot be made "
                f"({error.strerror or 'refused'}); name another one with --cache"
            ) from None
        write_atomically(file, lambda temporary: np.save(temporary, records))

    def _is_whole(self, file: Path, num_rows: int) -> bool:
        try:
            records = np.load(file, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return False  # absent, or cut short by a disk that was full: made again
        is_ours: bool = records.dtype == _record(self._preprocess.side_px)
        return is_ours and records.shape == (num_rows,)

    def _key(self, rows: Sequence[Row], modality: Modality) -> str:
        """Of what decides the pixels: mean and deviation are applied later, and do not."""
        config = self._preprocess
        settings = [
            _FORMAT, config.side_px, config.window_centre_hu, config.window_width_hu,
            config.percentile_low, config.percentile_high, str(modality),
        ]  # fmt: skip
        text = json.dumps([settings, [_identity(row) for row in rows]])
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]


def _record(side_px: int) -> np.dtype[np.void]:
    """Of one row; a modality is at most seven letters."""
    return np.dtype([("planes", np.uint8, (2, side_px, side_px)), ("modality", "S7")])


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _ROWS_A_FILE):
        yield rows[start : start + _ROWS_A_FILE]


def _identity(row: Row) -> list[object]:
    """What tells that the pixels of a row are still the same."""
    try:
        stamp = None if row.volume is None else repr(row.volume.stamp())
        files = [[str(file.resolve()), state_of(file)] for file in (row.image, row.mask)]
    except OSError as error:
        raise InputError(
            f"{row.where}: its image or its mask cannot be looked at "
            f"({error.strerror or 'refused'}), expected both to be there; restore them, or remove "
            "the row"
        ) from None
    return [*files, row.name, stamp, row.z, row.num_classes, str(row.modality)]


def all_files(parts: Iterable[PixelFiles]) -> PixelFiles:
    """Rows of several sources, one after the other."""
    return PixelFiles(files=tuple(file for part in parts for file in part.files))
