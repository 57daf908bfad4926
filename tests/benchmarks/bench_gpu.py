"""On a GPU, where there is one.

Wanted: 400 slices with vit-b16 within 20 s, masks like the processor's (Dice 0.999).
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from tests.benchmarks.conftest import REPORT, ct_stack, large_predictor

from tgcnet.inference.predictor import Predictor
from tgcnet.metrics import MetricAccumulator
from tgcnet.samples import PHANTOM_REPORT, phantom_stack
from tgcnet.weights.load import load_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
    pytest.mark.benchmark(group="GPU, bf16 autocast"),
]


def test_large_stack(benchmark: BenchmarkFixture, mini: Predictor) -> None:
    predictor = large_predictor(mini, torch.device("cuda"))
    volume = ct_stack(400)
    benchmark.pedantic(predictor.segment, args=(volume, REPORT), rounds=3, warmup_rounds=1)


def test_masks_agree_with_the_processor(
    benchmark: BenchmarkFixture, note: Callable[..., None], mini: Predictor
) -> None:
    on_gpu = Predictor(load_model("mini"), torch.device("cuda"))
    volume = phantom_stack()
    found = benchmark.pedantic(on_gpu.segment, args=(volume, PHANTOM_REPORT), rounds=3)
    expected = mini.segment(volume, PHANTOM_REPORT)
    dice = MetricAccumulator()
    for mask, reference in zip(found.labels, expected.labels, strict=True):
        dice.add(np.asarray(mask > 0), np.asarray(reference > 0))
    note(dice_pooled=dice.result().dice_pooled)
