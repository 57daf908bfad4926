"""Rows of any layout written as a three-column folder, without loss."""

import shutil
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.corrections.export_three_columns import NOTICE_FILE, write_table
from tgcnet.corrections.voxels import write_voxels
from tgcnet.data.classes import LUNG_OPACITY, write_classes
from tgcnet.data.layouts.three_columns import SOURCE_VOLUME_COLUMN
from tgcnet.data.row_decoding import read_pair
from tgcnet.data.rows import Row
from tgcnet.domain import SegmentationClass
from tgcnet.io import RESEARCH_NOTICE
from tgcnet.io.formats import PNG, ending_of, format_of

IMAGE_SIDE_COLUMN = "report_image_side"
"""The column that keeps the original report, where its sides were those of the image."""

_WHITE = 255


def write_three_columns(
    rows: Sequence[Row],
    classes: Sequence[SegmentationClass],
    made: Path,
    on_progress: Callable[[float], object] | None = None,
) -> None:
    """Fill a new folder; ``convert_folder`` says how each kind of row is written.

    Parameters
    ----------
    rows : readable, every one
    made : empty
    on_progress : receives the fraction in [0.5, 1], since the rows were read before
    """
    for part in ("images", "masks"):
        (made / part).mkdir()
    image_names, mask_names, volume_names = _Names(), _Names(), _Names()
    records: list[dict[str, str]] = []
    for index, row in enumerate(rows, start=1):
        image, mask = _write_pair(row, made, image_names, mask_names)
        records.append(
            dict(row.others)
            | {
                "image": image,
                "mask": mask,
                "report": row.report,
                "subject": row.subject,
                "split": row.split,
                "held_out": row.held_out or "",
                SOURCE_VOLUME_COLUMN: _volume_of(row, volume_names),
            }
        )
        if on_progress is not None:
            on_progress(0.5 + index / len(rows) / 2)
    columns = _columns(rows)
    write_table(made / "captions.csv", _only(records, columns), columns)
    if tuple(classes) != (LUNG_OPACITY,):
        write_classes(classes, made)
    (made / NOTICE_FILE).write_text(f"{RESEARCH_NOTICE}\n", encoding="utf-8")


def _columns(rows: Sequence[Row]) -> list[str]:
    columns = ["image", "mask", "report"]
    others = dict.fromkeys(column for row in rows for column, _ in row.others)
    columns += [IMAGE_SIDE_COLUMN] if IMAGE_SIDE_COLUMN in others else []
    columns += ["subject"] if any(row.subject for row in rows) else []
    columns += ["split"] if any(row.split for row in rows) else []
    columns += ["held_out"] if any(row.held_out is not None for row in rows) else []
    columns += [SOURCE_VOLUME_COLUMN] if any(row.is_slice for row in rows) else []
    return [*columns, *(column for column in others if column not in columns)]


def _only(records: Iterable[dict[str, str]], columns: Sequence[str]) -> Iterator[dict[str, str]]:
    for record in records:
        yield {column: record.get(column, "") for column in columns}


class _Names:
    """A name for every source, the same for the same one, none twice whatever their case."""

    def __init__(self) -> None:
        self._of_source: dict[Hashable, str] = {}
        self._taken: set[str] = set()

    def take(self, source: Hashable, stem: str, ending: str) -> tuple[str, bool]:
        """The name, and whether it is new."""
        if source in self._of_source:
            return self._of_source[source], False
        name, number = f"{stem}{ending}", 1
        while name.lower() in self._taken:
            number += 1
            name = f"{stem}-{number}{ending}"
        self._taken.add(name.lower())
        self._of_source[source] = name
        return name, True


def _volume_of(row: Row, volumes: _Names) -> str:
    """What the new table calls the volume that a row shows; "" where it shows none."""
    if row.volume is not None:
        return volumes.take(row.unit, row.volume.name, "")[0]
    return volumes.take(row.unit, row.cut_from[1], "")[0] if row.cut_from else ""


def _write_pair(row: Row, made: Path, images: _Names, masks: _Names) -> tuple[str, str]:
    """Write what is not there yet; the names of both files."""
    if row.volume is not None:
        return _write_slice(row, row.volume.name, made, images, masks)
    stem = row.image.name.removesuffix(ending_of(row.image))
    image, is_new = images.take(row.image, stem, ending_of(row.image))
    if is_new:
        shutil.copyfile(row.image, made / "images" / image)
    mask_stem = row.mask.name.removesuffix(ending_of(row.mask)).removeprefix("mask_")
    mask, is_new = masks.take(row.mask, mask_stem, ".png")
    if is_new and format_of(row.mask, (PNG,)):
        shutil.copyfile(row.mask, made / "masks" / mask)
    elif is_new:
        _write_mask(read_pair(row)[1], row.num_classes, made / "masks" / mask)
    return image, mask


def _write_slice(
    row: Row, called: str, made: Path, images: _Names, masks: _Names
) -> tuple[str, str]:
    volume, labels = read_pair(row)
    is_8bit = volume.array.dtype == np.uint8
    stem, source = f"{called}-{row.z:04d}", (row.image, row.mask, row.z)
    image, _ = images.take(source, stem, ".png" if is_8bit else ".nii.gz")
    mask, _ = masks.take(source, stem, ".png")
    if is_8bit:
        Image.fromarray(volume.array[0]).save(made / "images" / image)
    else:
        write_voxels(volume.array, volume.geometry, made / "images" / image)
    _write_mask(labels, row.num_classes, made / "masks" / mask)
    return image, mask


def _write_mask(labels: np.ndarray, num_classes: int, path: Path) -> None:
    """Label values; of one class white, so that people see it."""
    Image.fromarray(labels * np.uint8(_WHITE) if num_classes == 1 else labels).save(path)
