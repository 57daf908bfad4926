"""Following a run by its folder, from the Qt thread."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import QThreadPool

from napari_tgcnet.finetune.run_processes import RunProcesses
from napari_tgcnet.finetune.run_watcher import RunFolderWatcher
from napari_tgcnet.finetune.state import Options, RunRequest
from napari_tgcnet.shared.jobs import WorkerThreads
from tgcnet.finetune.events import EVENTS_FILE, Begun, Done, EventLog, Message, Stepped
from tgcnet.io.process_lock import running

POLL_MS = 10
REQUEST = RunRequest(
    ledger=Path("l"), reference=None, model="mini", device="cpu", options=Options()
)


@pytest.fixture
def watcher(qtbot):
    watcher = RunFolderWatcher(WorkerThreads(), poll_ms=POLL_MS)
    yield watcher
    watcher.stop()
    QThreadPool.globalInstance().waitForDone()


@pytest.fixture
def heard() -> list:
    return []


def kinds(heard: list) -> list[str]:
    return [type(one.event).__name__ for update in heard for one in update.events]


def test_events_come_once_each_in_order_with_their_time(watcher, heard, qtbot, tmp_path) -> None:
    log = EventLog(tmp_path)
    log(Message(sentence="one"))
    with running(tmp_path):
        watcher.follow(tmp_path, heard.append)
        qtbot.waitUntil(lambda: kinds(heard) == ["Message"])
        with (tmp_path / EVENTS_FILE).open("a", encoding="utf-8") as file:
            file.write('{"time": 1, "event": "FromTheFuture"}\n{"time": 2, "event": "To')
        qtbot.waitUntil(lambda: len(heard) > 2)
        log(Message(sentence="two"))
        qtbot.waitUntil(lambda: kinds(heard) == ["Message", "Message"])
    assert all(update.is_alive for update in heard[:2])
    times = [one.time_s for update in heard for one in update.events]
    assert times == sorted(times)
    assert times[0] > 1e9, "seconds since 1970"


def test_it_ends_with_the_process(watcher, heard, qtbot, tmp_path) -> None:
    EventLog(tmp_path)(Done(model="tuned"))
    watcher.follow(tmp_path, heard.append)
    qtbot.waitUntil(lambda: not watcher.is_following)
    assert [update.is_alive for update in heard] == [False]
    assert kinds(heard) == ["Done"]
    assert heard[0].last_log_line == ""


def test_once_stopped_it_reports_nothing_more(watcher, heard, qtbot, tmp_path) -> None:
    EventLog(tmp_path)(Message(sentence="one"))
    watcher.follow(tmp_path, heard.append)
    watcher.stop()
    QThreadPool.globalInstance().waitForDone()
    qtbot.wait(5 * POLL_MS)
    assert heard == []


def test_a_real_process_that_dies_silently(watcher, heard, qtbot, tmp_path, program) -> None:
    processes = RunProcesses(program("dies silently"), lambda: tmp_path)
    run = processes.start(REQUEST).run
    watcher.follow(run, heard.append)
    qtbot.waitUntil(lambda: not watcher.is_following, timeout=60_000)
    assert kinds(heard) == [Begun.__name__, "Scored", Stepped.__name__, Stepped.__name__]
    assert not heard[-1].is_alive


def test_a_real_process_that_crashes_leaves_its_last_log_line(
    watcher, heard, qtbot, tmp_path, program
) -> None:
    run = RunProcesses(program("crashes"), lambda: tmp_path).start(REQUEST).run
    watcher.follow(run, heard.append)
    qtbot.waitUntil(lambda: not watcher.is_following, timeout=60_000)
    assert heard[-1].last_log_line == "MemoryError"
