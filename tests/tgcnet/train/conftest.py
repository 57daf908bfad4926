"""Data that a recipe trains on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TWO_CLASSES = (
    '[{"name": "ground glass", "colour": [230, 160, 60]},'
    ' {"name": "consolidation", "colour": [70, 140, 230]}]'
)


def write_data(folder: Path, *, classes: str = "") -> Path:
    """The folders of ``tiny_recipe``: blobs on the sides that their captions name."""
    rng = np.random.default_rng(0)
    for name, number in (("seen", 8), ("scored", 3)):
        for part in ("images", "masks"):
            (folder / name / part).mkdir(parents=True)
        table = "image,mask,report\n"
        for index in range(number):
            labels = np.zeros((48, 64), dtype=np.uint8)
            left = 8 if index % 2 else 40
            labels[8 + index : 24 + index, left : left + 12] = 1
            if classes:
                labels[16 + index : 24 + index, left : left + 12] = 2
            image = np.where(labels, 180, 60) + rng.integers(0, 20, labels.shape)
            Image.fromarray(image.astype(np.uint8)).save(folder / name / f"images/p{index}.png")
            Image.fromarray(labels).save(folder / name / f"masks/p{index}.png")
            side = "right" if index % 2 else "left"
            table += f"p{index}.png,p{index}.png,Infection in the {side} lung.\n"
        (folder / name / "captions.csv").write_text(table)
        if classes:
            (folder / name / "classes.json").write_text(classes)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One class."""
    return write_data(tmp_path / "data")
