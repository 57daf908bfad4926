"""Models with random weights: the time does not depend on them, and nothing has to be fetched."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import open_clip
import pytest
import torch
from torch import nn

from tgcnet.config import PostprocessConfig
from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.inference.predictor import Predictor
from tgcnet.models import build_model, named_configs
from tgcnet.weights.load import LoadedModel, load_model

NOTES = pytest.StashKey[list[str]]()
REPORT = (
    "Bilateral pulmonary infection, ground glass opacities, all right lung and lower left lung."
)


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    """Every figure is for two cores; takes the place of the tests' fixture, which sets one."""
    torch.set_num_threads(2)
    torch.manual_seed(0)


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep figures that are no times: in the JSON, and shown below the table."""

    def keep(**figures: float) -> None:
        request.getfixturevalue("benchmark").extra_info.update(figures)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        request.config.stash.setdefault(NOTES, []).append(f"{request.node.name}: {shown}")

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was noted."""
    for line in terminalreporter.config.stash.get(NOTES, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def reference_tower() -> nn.Module:
    """The yardstick: open_clip's ViT-B/16 image tower, in eval mode."""
    clip = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None)
    return clip.visual.eval()


@pytest.fixture(scope="session")
def mini() -> Predictor:
    """The shipped model on the processor."""
    return Predictor(load_model("mini"), torch.device("cpu"))


@pytest.fixture(scope="session")
def vit_b16(mini: Predictor) -> Predictor:
    """The large configuration, random weights, on the processor."""
    return large_predictor(mini, torch.device("cpu"))


def large_predictor(mini: Predictor, device: torch.device) -> Predictor:
    """``vit-b16`` with seeded random weights and otherwise mini's manifest."""
    torch.manual_seed(0)
    config = named_configs()["vit-b16"]
    manifest = replace(
        mini.manifest, name=config.name, model=config, postprocess=PostprocessConfig()
    )
    return Predictor(LoadedModel(model=build_model(config), manifest=manifest), device)


def ct_stack(num_slices: int, side_px: int = 224) -> Volume:
    """A stack of smooth noise in Hounsfield units, the same each time."""
    rng = np.random.default_rng(num_slices)
    coarse = rng.normal(-600.0, 300.0, (num_slices, side_px // 8, side_px // 8))
    array = np.kron(coarse, np.ones((1, 8, 8))).astype(np.int16)
    geometry = Geometry(affine_lps=np.eye(4), unit="mm")
    return Volume(array=array, geometry=geometry, modality=Modality.CT, intensity_unit="HU")
