"""A tiny model and a stack for it."""

from pathlib import Path

import numpy as np
import pytest

from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.inference.predictor import Predictor, load_predictor


@pytest.fixture(scope="module")
def predictor(tiny_model_folder: Path) -> Predictor:
    return load_predictor(str(tiny_model_folder), "cpu")


@pytest.fixture
def stack() -> Volume:
    """Eleven slices, not square, in Hounsfield units."""
    array = np.random.default_rng(0).integers(-1000, 300, (11, 40, 56)).astype(np.int16)
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    return Volume(
        array=array,
        geometry=Geometry(affine_lps=affine, unit="mm"),
        modality=Modality.CT,
        intensity_unit="HU",
        patient_id="Somebody^Real",
        series_id="1.2.3",
    )
