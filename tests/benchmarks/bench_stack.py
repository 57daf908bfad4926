"""Whole stacks: the cost of a slice stays flat, and the report is encoded once.

Wanted: seconds per slice flat from 8 to 512 slices, of 512 x 512 as scanners make them too;
text_encodings 1.
"""

from collections.abc import Callable
from unittest.mock import patch

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from tests.benchmarks.conftest import REPORT, ct_stack

from tgcnet.inference.predictor import Predictor


@pytest.mark.benchmark(group="mini, whole stack, two threads")
@pytest.mark.parametrize(("num_slices", "side_px"), [(8, 224), (64, 224), (512, 224), (64, 512)])
def test_stack(
    benchmark: BenchmarkFixture,
    note: Callable[..., None],
    mini: Predictor,
    num_slices: int,
    side_px: int,
) -> None:
    volume = ct_stack(num_slices, side_px)
    rounds = 1 if num_slices > 64 else 3
    benchmark.pedantic(
        mini.segment, args=(volume, REPORT), rounds=rounds, warmup_rounds=int(num_slices <= 64)
    )
    model = mini.loaded.model
    with patch.object(model, "encode_text", wraps=model.encode_text) as encode_text:
        mini.segment(ct_stack(8), REPORT, batch_size=2)
    assert benchmark.stats is not None
    note(
        seconds_per_slice=benchmark.stats.stats.median / num_slices,
        text_encodings=encode_text.call_count,
    )
