"""A CT of 600 slices: the middle one first, then all of them.

Wanted: the first slice within a second of choosing the series, its headers being read.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless
from pytest_benchmark.fixture import BenchmarkFixture
from tests.tgcnet.io.dicom.phantoms import series, write

from tgcnet.io.dicom.arrange import arrange
from tgcnet.io.dicom.gather import list_studies
from tgcnet.io.dicom.read_header import read_headers
from tgcnet.io.dicom.series import Series
from tgcnet.io.dicom.volume import memory_bytes, open_series, read_series

NUM_SLICES, SIDE_PX = 600, 512


def write_ct(folder: Path, num_slices: int, *, is_compressed: bool) -> list[Path]:
    """Smooth noise as a scanner's, the same each time, a few slices at once in memory."""
    rng = np.random.default_rng(0)
    coarse = rng.normal(1000.0, 300.0, (SIDE_PX // 8, SIDE_PX // 8))
    plane = np.kron(coarse, np.ones((8, 8))) + rng.normal(0.0, 15.0, (SIDE_PX, SIDE_PX))
    values = np.broadcast_to(plane.astype(np.int16), (num_slices, SIDE_PX, SIDE_PX))
    paths = []
    for index, one in enumerate(series(values=values, spacing_zyx=(0.7, 0.7, 0.7))):
        if is_compressed:
            one.compress(JPEG2000Lossless, generate_instance_uid=False)
        paths += write([one], folder, stem=f"ct_{index:04d}")
    return paths


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ct")
    write_ct(folder, NUM_SLICES, is_compressed=False)
    return folder


def listed(folder: Path) -> Series:
    (one,) = arrange(f for path in sorted(folder.iterdir()) for f in read_headers(path))
    return one


@pytest.mark.benchmark(group="a CT of 600 slices of 512 x 512")
def test_first_slice(benchmark: BenchmarkFixture, note: Callable[..., None], ct: Path) -> None:
    chosen = listed(ct)

    def first_slice() -> np.ndarray:
        return np.asarray(open_series(chosen).array[NUM_SLICES // 2])

    plane = benchmark.pedantic(first_slice, rounds=5, warmup_rounds=1)
    assert plane.shape == (SIDE_PX, SIDE_PX)
    note(memory_mib=memory_bytes(chosen) / 2**20)


@pytest.mark.benchmark(group="a CT of 600 slices of 512 x 512")
def test_listing(benchmark: BenchmarkFixture, ct: Path) -> None:
    assert len(benchmark.pedantic(list_studies, args=(ct,), rounds=3).series) == 1


@pytest.mark.benchmark(group="a CT of 600 slices of 512 x 512")
def test_whole(benchmark: BenchmarkFixture, note: Callable[..., None], ct: Path) -> None:
    benchmark.pedantic(read_series, args=(listed(ct),), rounds=3)
    assert benchmark.stats is not None
    note(milliseconds_per_slice=1000 * benchmark.stats.stats.median / NUM_SLICES)


@pytest.mark.benchmark(group="60 slices of 512 x 512, JPEG 2000 without loss")
def test_compressed(benchmark: BenchmarkFixture, note: Callable[..., None], tmp_path: Path) -> None:
    write_ct(tmp_path, 60, is_compressed=True)
    benchmark.pedantic(read_series, args=(listed(tmp_path),), rounds=3)
    assert benchmark.stats is not None
    note(milliseconds_per_slice=1000 * benchmark.stats.stats.median / 60)
