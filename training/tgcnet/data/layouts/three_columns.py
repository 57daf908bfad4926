"""Our own layout: ``images/``, ``masks/``, ``captions.csv``, perhaps ``classes.json``."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tgcnet.data.classes import read_classes
from tgcnet.data.folder import table_rows
from tgcnet.data.layouts.dataset import DataSet, Gap, Part

NAME = "three columns"


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
