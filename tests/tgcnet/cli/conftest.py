"""What the command line's tests share: a tiny model, images, and what a refusal looks like."""

import csv
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tgcnet.cli import main


@pytest.fixture
def model(tiny_model_folder: Path, no_user_models: Path) -> str:
    return str(tiny_model_folder)


@pytest.fixture
def radiograph(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 40)).astype(np.uint8)
    path = tmp_path / "radiograph.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    array = np.random.default_rng(0).integers(-1000, 300, (30, 26, 7)).astype(np.int16)
    affine = np.array([[-1.5, 0, 0, 20], [0, -1.5, 0, 30], [0, 0, 4, -5], [0, 0, 0, 1.0]])
    path = tmp_path / "ct.nii.gz"
    nibabel.Nifti1Image(array, affine).to_filename(path)
    return path


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """Runs a command that must exit with 2; the one sentence it prints, and nothing else."""

    def refusal_of(arguments: list[str]) -> str:
        try:
            status: object = main(arguments)
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        assert status == 2
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "Traceback" not in captured.err
        return captured.err

    return refusal_of


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Two images of noise with the same mask and report."""
    folder = tmp_path / "set"
    generator = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    report = (
        "bilateral pulmonary infection, two infected areas, lower right lung and lower left lung."
    )
    mask = np.zeros((64, 64), dtype=np.uint8)
    mask[40:55, 8:20] = mask[40:55, 44:56] = 255
    for index in range(2):
        image = generator.integers(0, 255, (64, 64)).astype(np.uint8)
        Image.fromarray(image).save(folder / "images" / f"{index}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{index}.png")
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [[f"{index}.png", f"{index}.png", report] for index in range(2)]
        csv.writer(file).writerows([["image", "mask", "report"], *rows])
    return folder
