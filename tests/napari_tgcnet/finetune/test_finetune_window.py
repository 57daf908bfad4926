"""A real napari window: a run's files in, curves, figures and layers out; what closing asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt, QThreadPool, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox, QPushButton

from napari_tgcnet._finetune_widget import FinetunePanel
from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import Runs
from napari_tgcnet.finetune.run_processes import RunProcesses, is_alive
from napari_tgcnet.shared.session import Session
from tgcnet.corrections import Ledger
from tgcnet.finetune.compared_masks import ComparedMasks, write_compared
from tgcnet.finetune.events import Compared, Done, EventLog, Scored, SliceCompared, Stepped, Written
from tgcnet.finetune.run_folder import RunStatus, list_runs
from tgcnet.io.process_lock import running

TIMEOUT_MS = 60_000


class Window:
    """A viewer with the panel docked in it."""

    def __init__(self, viewer, qtbot, ledger: Path, runs: Runs | None = None) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.panel = FinetunePanel(viewer, Session(ledger), runs=runs)
        viewer.window.add_dock_widget(self.panel, name="TGC-Net: fine-tune")

    @property
    def state(self):
        return self.panel.controller.state

    @property
    def view(self):
        return self.panel.view

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=TIMEOUT_MS)

    def click(self, button: QPushButton) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def open_window(make_napari_viewer, qtbot, own_folders, add_case, program):
    """Opens a window whose runs behave as named; the ledger is enough for a run."""
    add_case(0)
    add_case(1)
    windows: list[Window] = []

    def build(behaviour: str = "stops") -> Window:
        runs = RunProcesses(program(behaviour))
        viewer = make_napari_viewer(show=True)
        windows.append(Window(viewer, qtbot, own_folders / "ledger", runs))
        return windows[-1]

    yield build
    for window in windows:
        window.panel.controller.run.stop_now()
        window.panel.leave()
        # What a panel started in the fake way may not outlive its test.
        run = window.state.run
        qtbot.waitUntil(lambda folder=run: not folder or not is_alive(folder), timeout=TIMEOUT_MS)
    windows.clear()
    # The answers of threads are on their way to this one; they hold the panel.
    QThreadPool.globalInstance().waitForDone()
    QApplication.processEvents()


@pytest.fixture
def finished_run(own_folders: Path, add_case, begun, report) -> Path:
    """A run that ended while no panel was open, with a compared slice."""
    run = own_folders / "runs" / "20260101-000000-abc"
    run.mkdir(parents=True)
    case_id = add_case(1)
    log = EventLog(run)
    log(begun)
    for step in range(1, 6):
        log(Stepped(step=step, total=5, loss=1 / step, seconds_left=0.0))
    log(Scored(epoch=0, step=0, dice_pooled=0.6, dice_mean=0.5))
    log(Scored(epoch=1, step=5, dice_pooled=0.7, dice_mean=0.6))
    log(Written(model="tuned"))
    case = Ledger.open(own_folders / "ledger").load(case_id)
    before = case.labels[3] > 0
    masks = ComparedMasks(before=before, after=np.roll(before, 2, axis=1))
    write_compared(run, case_id, {3: masks})
    one = SliceCompared(case_id=case_id, z=3, dice_before=1.0, dice_after=0.8)
    log(Compared(report=report, slices=(one,)))
    log(Done(model="tuned"))
    return run


def test_a_run_that_ended_is_shown_whenever_a_panel_opens(finished_run: Path, open_window) -> None:
    window = open_window()
    window.wait(lambda: window.state.ended is RunStatus.DONE)
    curves = window.view.run.curves
    assert curves.raw.getData()[1].tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert len(curves.pooled.getData()[0]) == 2
    assert window.view.gate_section.isVisible()
    assert window.view.gate.verdict.text() == messages.RECOMMENDED
    window.click(window.view.compare.show_button)
    window.wait(lambda: window.state.shown is not None)
    before = window.viewer.layers[messages.LAYER_BEFORE].data
    difference = window.viewer.layers[messages.LAYER_DIFFERENCE].data
    assert before[3, 10:20, 10:20].all()
    assert (difference[3, 10:20, 10:12] == 1).all()
    assert (difference[3, 10:20, 20:22] == 2).all()
    assert window.viewer.dims.current_step[0] == 3
    again = open_window()
    again.wait(lambda: again.state.ended is RunStatus.DONE)
    assert again.view.gate.verdict.text() == messages.RECOMMENDED


def test_start_stop_and_resume_by_its_buttons(open_window) -> None:
    window = open_window("stops")
    window.wait(lambda: window.state.can_start)
    window.click(window.view.run.start_button)
    window.wait(lambda: len(window.state.progress.losses) == 2)
    assert window.view.run.stop_button.isVisible()
    follower = open_window("stops")
    follower.wait(lambda: len(follower.state.progress.losses) == 2)
    assert follower.state.run == window.state.run
    window.click(window.view.run.stop_button)
    for one in (window, follower):
        one.wait(lambda one=one: one.state.ended is RunStatus.STOPPED)
    window.click(window.view.run.resume_button)
    window.wait(lambda: window.state.ended is RunStatus.DONE)


@pytest.mark.parametrize("answer", [messages.LET_FINISH, messages.STOP_IT, messages.CANCEL])
def test_closing_napari_in_mid_run_asks(open_window, monkeypatch, answer: str) -> None:
    window = open_window("stops")
    window.wait(lambda: window.state.can_start)
    window.click(window.view.run.start_button)
    window.wait(lambda: bool(window.state.progress.losses))
    asked: list[str] = []

    def click(box: QMessageBox) -> int:
        asked.append(box.defaultButton().text())
        next(button for button in box.buttons() if button.text() == answer).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec_", click)
    run = window.state.run
    if answer == messages.CANCEL:
        main = window.panel.window()
        main.close()
        assert main.isVisible()
    else:
        window.viewer.close()  # main.close() is more than napari's own fixture can clean up after
    assert asked == [messages.LET_FINISH]
    if answer == messages.STOP_IT:
        window.wait(lambda: not is_alive(run))
        assert list_runs(run.parent)[0].status is RunStatus.STOPPED
    else:
        assert is_alive(run)


def test_closing_the_dock_asks_nothing_and_closing_napari_then_does(
    open_window, monkeypatch
) -> None:
    asked: list[str] = []

    def let_it_finish(box: QMessageBox) -> int:
        asked.append(box.defaultButton().text())
        box.defaultButton().click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec_", let_it_finish)
    window = open_window("stops")
    window.wait(lambda: window.state.can_start)
    window.click(window.view.run.start_button)
    window.wait(lambda: bool(window.state.progress.losses))
    run = window.state.run
    window.click(window.panel.parentWidget().title.close_button)
    assert not window.panel.watcher.is_following
    assert is_alive(run)
    assert asked == []
    window.viewer.close()
    assert len(asked) == 1
    assert is_alive(run)
    RunProcesses().ask_to_stop(run)
    window.wait(lambda: not is_alive(run))


def test_closing_without_a_run_asks_nothing(open_window, monkeypatch) -> None:
    monkeypatch.setattr(QMessageBox, "exec_", lambda box: pytest.fail("it asked"))
    window = open_window()
    window.wait(lambda: window.state.can_start)
    window.viewer.close()


def test_a_closed_panel_leaves_no_timer_and_no_thread(open_window, own_folders, begun) -> None:
    run = own_folders / "runs" / "20260101-000000-abc"
    run.mkdir(parents=True)
    EventLog(run)(begun)
    with running(run):
        window = open_window()
        window.wait(lambda: window.state.progress.total_steps == 10)
        panel = window.panel
        window.click(panel.parentWidget().title.close_button)
        QThreadPool.globalInstance().waitForDone()
        QApplication.processEvents()
        assert not any(timer.isActive() for timer in panel.watcher.findChildren(QTimer))
        assert QThreadPool.globalInstance().activeThreadCount() == 0
