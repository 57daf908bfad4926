"""Images and labels decoded once into files that every process of a run maps into memory.

A file holds up to 256 rows, (N, 2, S, S) uint8: image and labels on the network's square grid. It
is named by a hash of what its pixels depend on, and written whole or not at all: a run that was
killed while decoding goes on with the file it was at, and a changed image is decoded anew. Nothing
tells of what is in it whose images they are; it may be deleted whenever no run uses it.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tgcnet.config import PreprocessConfig
from tgcnet.data.examples import decode_row
from tgcnet.data.folder import Row
from tgcnet.domain import Modality
from tgcnet.errors import OutputError
from tgcnet.io.atomic import write_atomically

_FORMAT = 1
_ROWS_A_FILE = 256

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelFiles:
    """Decoded rows in the files that hold them; what is pickled are names, never pixels.

    ``files`` in the order of the rows, each with the number of rows it holds.
    """

    files: tuple[tuple[Path, int], ...]

    def open(self) -> list[np.ndarray]:
        """Per row (2, S, S) uint8, image and labels, mapped: nothing is read yet."""
        return [plane for file, _ in self.files for plane in np.load(file, mmap_mode="r")]


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
        side = self._preprocess.side_px
        planes = np.empty((len(rows), 2, side, side), dtype=np.uint8)
        for plane, row in zip(planes, rows, strict=True):
            example = decode_row(row, modality, self._preprocess)
            plane[0], plane[1] = example.image, example.labels
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the folder {self._folder.name!r} for decoded images cannot be made "
                f"({error.strerror or 'refused'}); name another one with --cache"
            ) from None
        write_atomically(file, lambda temporary: np.save(temporary, planes))

    def _is_whole(self, file: Path, num_rows: int) -> bool:
        side = self._preprocess.side_px
        try:
            planes = np.load(file, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return False  # absent, or cut short by a disk that was full: made again
        return bool(planes.shape == (num_rows, 2, side, side) and planes.dtype == np.uint8)

    def _key(self, rows: Sequence[Row], modality: Modality) -> str:
        """Of what decides the pixels: mean and deviation are applied later, and do not."""
        config = self._preprocess
        settings = [
            _FORMAT, config.side_px, config.window_centre_hu, config.window_width_hu,
            config.percentile_low, config.percentile_high, str(modality),
        ]  # fmt: skip
        text = json.dumps([settings, [_identity(row) for row in rows]])
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _ROWS_A_FILE):
        yield rows[start : start + _ROWS_A_FILE]


def _identity(row: Row) -> list[object]:
    """What tells that the pixels of a row are still the same."""
    stamp = None if row.volume is None else repr(row.volume.stamp())
    files = [_file_identity(file) for file in (row.image, row.mask)]
    return [*files, row.name, stamp, row.z, row.num_classes, str(row.modality)]


def _file_identity(file: Path) -> list[object]:
    found = file.stat()
    return [str(file.resolve()), found.st_size, found.st_mtime_ns]


def all_files(parts: Iterable[PixelFiles]) -> PixelFiles:
    """Rows of several sources, one after the other."""
    return PixelFiles(files=tuple(file for part in parts for file in part.files))
