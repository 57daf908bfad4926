"""Series of phantoms that were changed, and what becomes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from tests.tgcnet.io.dicom import phantoms

from tgcnet.io.dicom.gather import list_studies
from tgcnet.io.dicom.series import Series

Change = Callable[[list[Dataset]], list[Dataset] | None]


def listed(slices: list[Dataset], folder: Path) -> Series:
    """Write them, list the folder, and expect one series."""
    phantoms.write(slices, folder)
    (series,) = list_studies(folder).series
    return series


def changed(change: Change, **options: Any) -> list[Dataset]:
    slices = phantoms.series(**{"shape": (7, 16, 12), **options})
    return change(slices) or slices


def on_one(**tags: Any) -> Change:
    """Set, or with None remove, tags of the slice in the middle."""
    return lambda slices: _set(slices[3:4], tags)


def on_all(**tags: Any) -> Change:
    return lambda slices: _set(slices, tags)


def _set(slices: list[Dataset], tags: dict[str, Any]) -> None:
    for one in slices:
        for keyword, value in tags.items():
            if value is None:
                delattr(one, keyword)
            else:
                setattr(one, keyword, value)


def move(one: Dataset, *offset: float) -> None:
    one.ImagePositionPatient = [
        round(float(mm) + by, 4) for mm, by in zip(one.ImagePositionPatient, offset, strict=True)
    ]
