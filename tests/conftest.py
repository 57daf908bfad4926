"""What every test may use: one torch thread, fixed seeds, a tiny model on disk, phantoms."""

import random
import sys
from pathlib import Path

import numpy as np
import pytest

TINY_REPORT = "Bilateral pulmonary infection, two infected areas, lower left lung."
TINY_FINDINGS = ("pulmonary infection",)


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    """The same numbers in any order of tests; torch only where a test already brought it in."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries under test may still use the global generator
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        torch.manual_seed(0)


@pytest.fixture
def data_folder() -> Path:
    """The data beside the checkout; the test is skipped where it is absent."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data")
    return folder


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TGC-Net with random weights, small towers and a pruned vocabulary, as saved on disk."""
    import torch

    from tgcnet.config import (
        DecoderConfig,
        ModelConfig,
        PostprocessConfig,
        PreprocessConfig,
        TowerConfig,
    )
    from tgcnet.domain import SegmentationClass
    from tgcnet.models import build_model
    from tgcnet.models.reader import END_TOKEN, START_TOKEN, words_with_tokens
    from tgcnet.weights.load import save_model
    from tgcnet.weights.manifest import Manifest

    read = {
        token for _, tokens in words_with_tokens(TINY_REPORT + " right upper") for token in tokens
    }
    kept = sorted(read | {START_TOKEN, END_TOKEN})
    config = ModelConfig(
        name="tiny",
        towers=TowerConfig(
            embed_dim=16,
            image_width=32,
            image_layers=4,
            image_heads=2,
            patch_px=16,
            side_px=64,
            text_width=32,
            text_layers=2,
            text_heads=2,
            num_tokens=len(kept),
            quick_gelu=True,
        ),
        decoder=DecoderConfig(channels=(8, 8, 16, 16), head_channels=8),
    )
    torch.manual_seed(0)
    manifest = Manifest(
        name="tiny",
        model=config,
        preprocess=PreprocessConfig(side_px=64),
        postprocess=PostprocessConfig(threshold=0.5),
        classes=(SegmentationClass(name="infection", colour=(230, 60, 60)),),
        findings=TINY_FINDINGS,
        licence="none: random numbers",
        training_data=("nothing",),
    )
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(build_model(config, kept), manifest, folder)
    return folder


@pytest.fixture
def no_user_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder in place of the user's own models."""
    folder = tmp_path / "user-models"
    folder.mkdir()
    monkeypatch.setenv("TGCNET_MODELS", str(folder))
    return folder
