"""One batch through the networks beside open_clip's ViT-B/16 image tower.

Each has its weights and its pixels with channels last, as runs do (BatchRunner.encode).
Wanted: mini at most 0.30 of the tower, vit-b16 at most 1.3 times, plus the text once a run.
"""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from tests.benchmarks.conftest import REPORT
from torch import nn

from tgcnet.inference.predictor import Predictor

BATCH = 4


def image_batch() -> torch.Tensor:
    """(4, 3, 224, 224) float32, channels last."""
    images = torch.randn(BATCH, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return images.contiguous(memory_format=torch.channels_last)


@pytest.mark.benchmark(group="forward, batch 4 at 224, two threads")
def test_reference_tower(benchmark: BenchmarkFixture, reference_tower: nn.Module) -> None:
    images = image_batch()
    tower = reference_tower.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        benchmark.pedantic(tower, args=(images,), rounds=10, warmup_rounds=2)


@pytest.mark.benchmark(group="forward, batch 4 at 224, two threads")
@pytest.mark.parametrize("name", ["mini", "vit_b16"])
def test_network(benchmark: BenchmarkFixture, name: str, request: pytest.FixtureRequest) -> None:
    predictor: Predictor = request.getfixturevalue(name)
    model = predictor.loaded.model.to(memory_format=torch.channels_last)
    images = image_batch()
    with torch.inference_mode():
        text = model.encode_text([predictor.read_report(REPORT).encoded]).expand(BATCH)
        benchmark.pedantic(model, args=(images, text), rounds=10, warmup_rounds=2)


@pytest.mark.benchmark(group="text, once a run")
@pytest.mark.parametrize("name", ["mini", "vit_b16"])
def test_text(benchmark: BenchmarkFixture, name: str, request: pytest.FixtureRequest) -> None:
    predictor: Predictor = request.getfixturevalue(name)
    encoded = predictor.read_report(REPORT).encoded
    with torch.inference_mode():
        benchmark.pedantic(
            predictor.loaded.model.encode_text, args=([encoded],), rounds=10, warmup_rounds=1
        )
