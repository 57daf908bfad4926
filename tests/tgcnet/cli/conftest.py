"""What the command line's tests share: a tiny model, images, and what a refusal looks like."""

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
            status = main(arguments)
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        assert status == 2
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "Traceback" not in captured.err
        return captured.err

    return refusal_of
