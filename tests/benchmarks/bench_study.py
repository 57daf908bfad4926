"""A CT of 600 slices in a real window: its first image, all of it, and how long Qt waits.

Wanted: the first image within a second of choosing the series. The longest blocks of the window
are noted: while the layer is added (napari's own work), and while one scrolls and it still loads.
"""

import time
from collections.abc import Callable
from pathlib import Path

import napari
import pytest
from napari.components import ViewerModel
from pytest_benchmark.fixture import BenchmarkFixture
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QTimer
from tests.benchmarks.bench_dicom import NUM_SLICES, write_ct

from napari_tgcnet._widget import StudyPanel

TIMEOUT_MS = 120_000


class Blocks:
    """How long Qt's loop was away, at the most."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(5)
        self.forget()

    def forget(self) -> None:
        self.longest_s, self._last = 0.0, time.perf_counter()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest_s, self._last = max(self.longest_s, now - self._last), now


@pytest.mark.benchmark(group="a CT of 600 slices of 512 x 512 in a window; until its first image")
def test_first_image(
    benchmark: BenchmarkFixture,
    note: Callable[..., None],
    make_napari_viewer: Callable[..., napari.Viewer],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    write_ct(tmp_path, NUM_SLICES, is_compressed=False)
    viewer = make_napari_viewer(show=True)
    panel = StudyPanel(viewer)
    viewer.window.add_dock_widget(panel)
    controller, blocks = panel.controller, Blocks()
    controller.list_path(str(tmp_path))
    qtbot.waitUntil(lambda: controller.state.is_listed, timeout=TIMEOUT_MS)
    (row,) = controller.state.rows

    def open_it() -> None:
        controller.open_series(row.key)
        qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=TIMEOUT_MS)

    blocks.forget()
    benchmark.pedantic(open_it, rounds=1)
    begun, opening_s = time.perf_counter(), blocks.longest_s
    blocks.forget()
    scroll(viewer, qtbot)
    scrolling_s = blocks.longest_s
    qtbot.waitUntil(lambda: not controller.state.is_loading, timeout=TIMEOUT_MS)
    note(
        block_opening_s=opening_s,
        block_scrolling_s=scrolling_s,
        loaded_s=time.perf_counter() - begun,
    )
    controller.close()


def scroll(viewer: ViewerModel, qtbot: QtBot) -> None:
    for step in range(15):
        viewer.dims.set_current_step(0, (37 * step + 3) % NUM_SLICES)
        qtbot.wait(50)
