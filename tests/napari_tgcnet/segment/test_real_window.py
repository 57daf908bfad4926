"""A real napari window and, in most tests, the real child process with a tiny model."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_tgcnet._sample_data import radiograph
from napari_tgcnet._widget import SegmentPanel
from napari_tgcnet.segment.state import Phase
from napari_tgcnet.shared.jobs import EngineJobs
from napari_tgcnet.shared.layers import image_layer_tuple
from tgcnet.domain import SegmentationClass
from tgcnet.engine.client import EngineClient
from tgcnet.engine.protocol import Cancelled, Event, Finished, ModelInfo, Ready, SliceDone
from tgcnet.samples import phantom_stack

TIMEOUT_MS = 120_000


class FakeClient:
    """An engine without a process: the test says which slice is done."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self.send = on_event
        self.labels = np.zeros((1, 1, 1), dtype=np.uint8)
        self.is_closed = False

    def start(self) -> int:
        return self.describe()

    def describe(self) -> int:
        model = ModelInfo(
            name="fake",
            findings=("infection",),
            classes=(SegmentationClass(name="infection", colour=(230, 60, 60)),),
            threshold=0.5,
            licence="none",
            sha256="0",
            is_active=True,
        )
        self.send(Ready(request=1, devices=(), models=(model,)))
        return 1

    def segment(self, volume, **options: Any) -> int:
        self.options = options
        self.labels = np.zeros(volume.array.shape, dtype=np.uint8)
        return 2

    def labels_view(self, request: int) -> np.ndarray:
        return self.labels

    def finish_slices(self, slices: range, answer: np.ndarray) -> None:
        for z in slices:
            self.labels[z] = answer[z]
            self.send(SliceDone(request=2, z=z))

    def finish(self, num_slices: int) -> None:
        self.send(
            Finished(
                request=2,
                device="cpu",
                seconds=1.0,
                provenance={"model": "fake"},
                slices_done=num_slices,
            )
        )

    def cancel(self, request: int) -> None:
        self.send(Cancelled(request=request, slices_done=0))

    def release(self, request: int) -> None:
        pass

    def close(self, timeout_s: float = 5.0) -> None:
        self.is_closed = True


class PausingClient(EngineClient):
    """Stops its child at the first slice, so that a test acts in mid-run, however fast that is."""

    def __init__(self, on_event: Callable[[object], None]) -> None:
        self.is_paused = threading.Event()
        self.on_panel_event = on_event
        super().__init__(self.pause_at_the_first_slice)

    def pause_at_the_first_slice(self, event: Event) -> None:
        if isinstance(event, SliceDone) and not self.is_paused.is_set():
            assert self.process_id is not None
            os.kill(self.process_id, signal.SIGSTOP)
            self.is_paused.set()
        self.on_panel_event(event)

    def resume(self) -> None:
        assert self.process_id is not None
        os.kill(self.process_id, signal.SIGCONT)


class Window:
    """A viewer with the panel docked in it."""

    def __init__(self, viewer, build_client: Callable[..., Any], qtbot) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.clients: list = []

        def build(on_event: Callable[[Event], None]) -> Any:
            self.clients.append(build_client(on_event))
            return self.clients[-1]

        self.panel = SegmentPanel(viewer, build_engine=lambda workers: EngineJobs(workers, build))
        viewer.window.add_dock_widget(self.panel, name="TGC-Net: segment")

    @property
    def client(self):
        return self.clients[0]

    @property
    def state(self):
        return self.panel.controller.state

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=TIMEOUT_MS)

    def click_run(self) -> None:
        self.wait(lambda: self.state.can_run)
        self.qtbot.mouseClick(self.panel.view.run.run_button, Qt.MouseButton.LeftButton)

    def wait_for_slices(self) -> None:
        self.wait(lambda: self.state.phase is Phase.RUNNING and self.client.is_paused.is_set())
        preview = self.viewer.layers[-1]
        self.wait(lambda: bool(preview.data[0].any()))

    def press_undo(self) -> None:
        window = self.panel.window()
        self.qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    def mask(self) -> Labels:
        (mask,) = [layer for layer in self.viewer.layers if isinstance(layer, Labels)]
        return mask


@pytest.fixture
def window(make_napari_viewer, qtbot, tiny_model_folder: Path, monkeypatch) -> Iterator[Window]:
    monkeypatch.setenv("TGCNET_MODELS", str(tiny_model_folder.parent))
    window = Window(make_napari_viewer(show=True), PausingClient, qtbot)
    window.wait(lambda: window.state.engine_ready)
    window.panel.controller.choose_model("tiny")
    yield window
    window.panel.controller.close()


@pytest.fixture
def fake_window(make_napari_viewer, qtbot) -> Iterator[Window]:
    window = Window(make_napari_viewer(show=True), FakeClient, qtbot)
    yield window
    window.panel.controller.close()


def add_long_stack(window: Window) -> None:
    phantom = phantom_stack()
    long = replace(phantom, array=np.tile(phantom.array, (10, 1, 1)))
    window.viewer.add_layer(Layer.create(*image_layer_tuple(long, "long")))


def engine_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("tgcnet")]


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_run_on_the_sample_then_undo(window: Window) -> None:
    image = window.viewer.add_layer(Layer.create(*radiograph()[0]))
    assert isinstance(image, Image)
    window.qtbot.mouseClick(window.panel.view.report.sample_button, Qt.MouseButton.LeftButton)
    assert "infection" in window.panel.view.report.text.toPlainText()
    window.click_run()
    # Its only slice is its first: the child may have been stopped before it said that it is done.
    window.wait(window.client.is_paused.is_set)
    window.client.resume()
    window.wait(lambda: window.state.result is not None or bool(window.state.problem))
    assert window.state.problem == ""
    mask = window.mask()
    assert mask.data.shape == image.data.shape
    assert mask.data.any(), "random weights find something"
    assert "cpu" in window.state.result.lines[-1]
    window.press_undo()
    assert not mask.data.any()


def test_cancel_in_mid_run_keeps_the_finished_slices(window: Window) -> None:
    add_long_stack(window)
    image = window.viewer.layers["long"]
    image.contrast_limits = (0, 1)
    window.click_run()
    window.wait_for_slices()
    assert tuple(image.contrast_limits) == (-1350, 150), "as the model got it, from the start on"
    window.qtbot.mouseClick(window.panel.view.run.cancel_button, Qt.MouseButton.LeftButton)
    window.client.resume()
    window.wait(lambda: not window.state.is_busy)
    assert "Cancelled" in window.state.notices[-1]
    assert window.state.result.largest_slice is not None
    assert window.panel.view.result.jump_button.isVisible()
    mask = window.mask()
    assert mask.data[0].any()
    assert not mask.data[-1].any()
    window.press_undo()
    assert not mask.data.any()


def test_a_killed_child_is_a_sentence_and_the_next_run_has_a_fresh_one(window: Window) -> None:
    add_long_stack(window)
    window.click_run()
    window.wait_for_slices()
    first = window.client.process_id
    os.kill(first, signal.SIGKILL)
    window.wait(lambda: not window.state.is_busy)
    assert window.state.problem
    assert window.panel.view.result.problem.text() == window.state.problem
    window.viewer.add_layer(Layer.create(*radiograph()[0]))
    window.panel.controller.choose_image(window.state.images[-1].id)
    window.click_run()
    window.wait(lambda: window.state.result is not None)
    assert window.client.process_id not in (None, first)


def test_closing_in_mid_run_leaves_no_thread_and_no_process(window: Window) -> None:
    add_long_stack(window)
    window.click_run()
    window.wait_for_slices()
    process_id = window.client.process_id
    window.client.resume()
    window.viewer.close()
    window.wait(lambda: not is_alive(process_id))
    window.wait(lambda: not engine_threads())


def test_150_slices_painting_in_mid_run_and_one_ctrl_z(fake_window: Window) -> None:
    viewer = fake_window.viewer
    viewer.add_image(np.zeros((150, 64, 48), dtype=np.uint8), name="scan")
    answer = (np.random.default_rng(2).random((150, 64, 48)) > 0.7).astype(np.uint8)
    fake_window.click_run()
    fake_window.wait(lambda: len(fake_window.client.labels) == 150)
    fake_window.client.finish_slices(range(75), answer)
    preview, mask = viewer.layers[-1], viewer.layers[-2]
    fake_window.wait(lambda: bool(preview.data[74].any()))
    assert not mask.data.any(), "the mask is written once, at the end"
    for z in (10, 120):
        viewer.dims.set_current_step(0, z)
        mask.paint((z, 20, 20), 1)
    painted = mask.data.copy()
    fake_window.client.finish_slices(range(75, 150), answer)
    fake_window.client.finish(150)
    fake_window.wait(lambda: fake_window.state.result is not None)
    assert mask.data.tobytes() == np.where(painted != 0, painted, answer).tobytes()
    assert preview not in viewer.layers
    fake_window.press_undo()
    assert mask.data.tobytes() == painted.tobytes()
    fake_window.click_run()
    fake_window.wait(lambda: fake_window.state.question is not None)
    assert fake_window.panel.view.question.isVisible()
    no = fake_window.panel.view.question.buttons["no"]
    fake_window.qtbot.mouseClick(no, Qt.MouseButton.LeftButton)
    assert not fake_window.panel.view.question.isVisible()
    assert mask.data.tobytes() == painted.tobytes()


def test_a_stroke_under_way_is_a_step_of_its_own(fake_window: Window) -> None:
    viewer = fake_window.viewer
    viewer.add_image(np.zeros((64, 64), dtype=np.uint8), name="scan")
    fake_window.click_run()
    fake_window.wait(lambda: fake_window.client.labels.shape == (1, 64, 64))
    mask = viewer.layers[-2]
    mask.mode, mask.brush_size, mask.selected_label = "paint", 5, 1
    answer = np.zeros((1, 64, 64), dtype=np.uint8)
    answer[0, 0, :] = 1
    main = fake_window.panel.window()
    canvas = viewer.window._qt_viewer.canvas.native
    centre = canvas.mapTo(main, canvas.rect().center())
    # Through the window system, and not sent to the widget: Qt counts the button as pressed.
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(main.windowHandle(), left, none, centre)
    fake_window.wait(lambda: bool(mask.data.any()))
    fake_window.client.finish_slices(range(1), answer)
    fake_window.client.finish(1)
    fake_window.qtbot.wait(300)
    assert fake_window.state.phase is Phase.RUNNING
    QTest.mouseRelease(main.windowHandle(), left, none, centre)
    fake_window.wait(lambda: fake_window.state.result is not None)
    stroke = mask.data.copy()
    stroke[0, :] = 0
    assert stroke.any()
    assert mask.data[0].all()
    mask.undo()
    assert mask.data.tobytes() == stroke.tobytes()
    mask.undo()
    assert not mask.data.any()


def test_a_panel_taken_out_of_an_open_window_ends_its_engine(fake_window: Window, qtbot) -> None:
    viewer = fake_window.viewer
    viewer.add_image(np.zeros((4, 8, 8), dtype=np.uint8), name="scan")
    fake_window.click_run()
    fake_window.wait(lambda: len(fake_window.client.labels) == 4)
    fake_window.client.finish_slices(range(2), np.ones((4, 8, 8), dtype=np.uint8))
    preview = viewer.layers[-1]
    fake_window.wait(lambda: bool(preview.data[1].any()))
    dock: Any = fake_window.panel.parentWidget()
    qtbot.mouseClick(dock.title.close_button, Qt.MouseButton.LeftButton)
    assert fake_window.client.is_closed
    assert preview not in viewer.layers
    mask = fake_window.mask()
    assert [bool(plane.any()) for plane in mask.data] == [True, True, False, False]
    viewer.add_image(np.zeros((4, 8, 8), dtype=np.uint8), name="later")
