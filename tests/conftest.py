"""What every test may use: one torch thread, fixed seeds, a tiny model on disk, phantoms."""

import os
import random
import socket
import sys
from dataclasses import replace
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


def pytest_configure(config: pytest.Config) -> None:
    """Before any library reads it: no test asks a hub for weights; child processes inherit it."""
    os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session", autouse=True)
def _no_user_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys of the user stay untouched; child processes inherit it."""
    os.environ["TGCNET_KEYS"] = str(tmp_path_factory.mktemp("keys"))


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to anywhere but this machine, unless a test is marked for the network."""
    if request.node.get_closest_marker("network"):
        return

    def refuse_elsewhere(name: str) -> None:
        connect = getattr(socket.socket, name)

        def local_only(self: socket.socket, address: object) -> object:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                assert isinstance(address, tuple)
                host = str(address[0])
                if not (host.startswith("127.") or host in ("localhost", "::1")):
                    pytest.fail(f"a test wanted the network: it connects to {host}")
            return connect(self, address)

        monkeypatch.setattr(socket.socket, name, local_only)

    refuse_elsewhere("connect")
    refuse_elsewhere("connect_ex")


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
        ClipImageConfig,
        ClipTextConfig,
        DecoderConfig,
        PostprocessConfig,
        PreprocessConfig,
        TgcNetConfig,
        TowerConfig,
    )
    from tgcnet.domain import SegmentationClass
    from tgcnet.models import build_model
    from tgcnet.models.clip_towers import words_with_tokens
    from tgcnet.weights.load import save_model
    from tgcnet.weights.manifest import Manifest

    words = {word for word, _ in words_with_tokens(TINY_REPORT + " right upper")}
    config = TgcNetConfig(
        name="tiny",
        towers=TowerConfig(
            embed_dim=16,
            image=ClipImageConfig(
                width=32, layers=4, heads=2, patch_px=16, side_px=64, quick_gelu=True
            ),
            text=ClipTextConfig(
                width=32, layers=2, heads=2, words=tuple(sorted(words)), quick_gelu=True
            ),
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
    save_model(build_model(config), manifest, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_tmca_folder(tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TMCA with random weights that reads the words of the tiny TGC-Net, as saved on disk."""
    import torch

    from tgcnet.config import TmcaConfig, text_tower_config
    from tgcnet.models import build_model
    from tgcnet.weights.load import save_model
    from tgcnet.weights.manifest import read_manifest

    tiny = read_manifest(tiny_model_folder)
    config = TmcaConfig(
        name="tiny-tmca",
        text=text_tower_config(tiny.model),
        cnn="tf_efficientnet_lite0",
        joint_dim=16,
        decoder=tiny.model.decoder,
    )
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("models") / "tiny-tmca"
    save_model(build_model(config), replace(tiny, name="tiny-tmca", model=config), folder)
    return folder


@pytest.fixture
def no_user_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder in place of the user's own models."""
    folder = tmp_path / "user-models"
    folder.mkdir()
    monkeypatch.setenv("TGCNET_MODELS", str(folder))
    return folder
