"""Phantom masks: blobs whose place is known; and small data sets of them."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Blob = tuple[slice, slice]
# In the radiological view the patient's right lung is on the image's left.
RIGHT_LOWER: Blob = (slice(40, 58), slice(8, 24))
LEFT_LOWER: Blob = (slice(42, 56), slice(42, 56))
LEFT_UPPER: Blob = (slice(6, 16), slice(42, 56))


@pytest.fixture
def paint() -> Callable[..., np.ndarray]:
    """A (64, 64) bool mask with the blobs given."""

    def paint_blobs(*blobs: Blob) -> np.ndarray:
        mask = np.zeros((64, 64), dtype=bool)
        for blob in blobs:
            mask[blob] = True
        return mask

    return paint_blobs


@pytest.fixture
def both_sides(paint: Callable[..., np.ndarray]) -> np.ndarray:
    """A lesion in the right lower zone, and two in the left lung."""
    return paint(RIGHT_LOWER, LEFT_LOWER, LEFT_UPPER)


MakeSet = Callable[..., Path]


@pytest.fixture
def make_set(tmp_path: Path, paint: Callable[..., np.ndarray]) -> MakeSet:
    """A three-column folder.

    Each row is a dict; what it leaves out is an image of its own, a mask in the patient's left lung
    and a caption of that. ``pixels`` and ``mask`` are arrays, any other key is a column.
    """

    def make(*rows: dict[str, Any], name: str = "set") -> Path:
        folder = tmp_path / name
        for part in ("images", "masks"):
            (folder / part).mkdir(parents=True)
        columns = dict.fromkeys(["image", "mask", "report"])
        for row in rows:
            columns.update(dict.fromkeys(set(row) - {"pixels", "mask_pixels"}))
        with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(columns), restval="")
            writer.writeheader()
            for index, row in enumerate(rows):
                values = dict(row)
                noise = np.random.default_rng(index).integers(0, 255, (64, 64)).astype(np.uint8)
                pixels = values.pop("pixels", noise)
                mask = values.pop("mask_pixels", paint(LEFT_LOWER))
                values.setdefault("image", f"{index}.png")
                values.setdefault("mask", f"{index}.png")
                values.setdefault("report", "Pneumonia in the left lung.")
                Image.fromarray(pixels).save(folder / "images" / values["image"])
                Image.fromarray(mask).save(folder / "masks" / values["mask"])
                writer.writerow(values)
        return folder

    return make


def data_set(folder: Path, mask: np.ndarray, reports: tuple[str, ...], classes: str = "") -> Path:
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    table = "image,mask,report\n"
    for index, report in enumerate(reports):
        Image.fromarray((mask * 200 + index).astype(np.uint8)).save(folder / f"images/{index}.png")
        Image.fromarray(mask.astype(np.uint8)).save(folder / f"masks/{index}.png")
        table += f"{index}.png,{index}.png,{report}\n"
    (folder / "captions.csv").write_text(table)
    if classes:
        (folder / "classes.json").write_text(classes)
    return folder
