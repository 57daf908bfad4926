"""Real processes: started apart from us, stopped, ended, found again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from napari_tgcnet.finetune.run_processes import (
    LOG_FILE,
    REQUEST_FILE,
    RunProcesses,
    is_alive,
    last_log_line,
    options_of,
)
from napari_tgcnet.finetune.state import FoundRun, Options, RunRequest
from tgcnet.errors import InputError, OutputError
from tgcnet.finetune.events import EVENTS_FILE, Done, EventLog, Stopped, read_events
from tgcnet.finetune.run_folder import RunStatus, list_runs
from tgcnet.io.process_lock import process_of, running

REQUEST = RunRequest(
    ledger=Path("a ledger"), reference=None, model="mini", device="cpu", options=Options(epochs=2)
)
PARENT = """
import sys
from pathlib import Path
from napari_tgcnet.finetune.state import FoundRun, RunRequest
from napari_tgcnet.finetune.run_processes import RunProcesses
from napari_tgcnet.finetune.state import Options
request = RunRequest(ledger=Path("x"), reference=None, model="m", device="cpu", options=Options())
root = Path(sys.argv[1])
RunProcesses(sys.argv[2:], lambda: root).start(request)
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "runs"
    for info in list_runs(tmp_path / "runs"):
        process_id = process_of(info.folder)
        if process_id is not None:
            os.kill(process_id, signal.SIGKILL)
        wait_for(partial(_has_ended, info.folder))


@pytest.fixture
def runs(root: Path, program) -> Callable[[str], RunProcesses]:
    return lambda behaviour: RunProcesses(program(behaviour), lambda: root)


def _has_ended(folder: Path) -> bool:
    return not is_alive(folder)


def wait_for(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)


def ended_run(root: Path, name: str) -> Path:
    run = root / name
    run.mkdir(parents=True)
    EventLog(run)(Done(model="tuned"))
    return run


def test_options_leave_out_what_nobody_set() -> None:
    assert options_of(REQUEST) == [
        "--model", "mini", "--device", "cpu", "--epochs", "2", "--learns", "standard",
        "--cache-limit", "4",
    ]  # fmt: skip


def test_the_command_takes_every_option_there_is() -> None:
    from tgcnet.cli.app import parse
    from tgcnet.cli.finetune import FinetuneCommand

    options = Options(
        epochs=2, learns="decoder", learning_rate=2e-4, replay_share=0.0, batch_size=4, seed=0,
        cache_limit_gib=0.5,
    )  # fmt: skip
    request = RunRequest(
        ledger=Path("l"), reference=Path("r"), model="mini", device="cpu", options=options
    )
    command = ["finetune", "--corrections", "l", "--out", "o", "--reference", "r", "--resume"]
    parsed = parse([*command, *options_of(request)])
    assert isinstance(parsed, FinetuneCommand)
    assert (parsed.learning_rate, parsed.replay_share, parsed.batch_size) == (2e-4, 0.0, 4)
    assert (parsed.epochs, parsed.learns, parsed.seed) == (2, "decoder", 0)
    assert parsed.cache_limit == 0.5


def test_a_run_starts_stops_and_resumes(runs) -> None:
    found = runs("stops").start(REQUEST)
    assert found.is_new
    wait_for(lambda: process_of(found.run) is not None)
    assert is_alive(found.run)
    assert process_of(found.run) != os.getpid()
    again = runs("stops").start(REQUEST)
    assert (again.run, again.is_new) == (found.run, False), "one run at a time"
    wait_for(lambda: bool(read_events(found.run)))
    runs("stops").ask_to_stop(found.run)
    wait_for(lambda: not is_alive(found.run))
    assert isinstance(read_events(found.run)[-1], Stopped)
    runs("stops").resume(found.run, Path("a ledger"), None)
    wait_for(lambda: not is_alive(found.run))
    assert read_events(found.run)[-1] == Done(model="tuned")
    (info,) = list_runs(found.run.parent)
    assert info.status is RunStatus.DONE, "the stop was for the run before"


def test_no_path_of_the_users_is_written_down(runs) -> None:
    run = runs("done").start(REQUEST).run
    wait_for(lambda: not is_alive(run))
    kept = json.loads((run / REQUEST_FILE).read_text(encoding="utf-8"))
    assert kept == {"options": options_of(REQUEST), "has_reference": False}


@pytest.mark.skipif(sys.platform == "win32", reason="tells of signals")
def test_a_run_that_does_not_stop_is_ended(runs) -> None:
    processes = runs("deaf")
    run = processes.start(REQUEST).run
    wait_for(lambda: bool(read_events(run)))
    processes.ask_to_stop(run)
    processes.kill(run)
    wait_for(lambda: not is_alive(run))
    (info,) = list_runs(run.parent)
    assert info.status is RunStatus.BROKEN
    processes.kill(run)  # of a process that is gone nothing is ended


def test_a_run_that_has_not_taken_its_lock_yet_is_ended_too(root: Path) -> None:
    processes = RunProcesses((sys.executable, "-c", "import time; time.sleep(60)"), lambda: root)
    run = processes.start(REQUEST).run
    assert process_of(run) is None
    assert is_alive(run)
    processes.kill(run)
    wait_for(lambda: not is_alive(run))


def test_a_run_survives_the_window_that_started_it(root: Path, program) -> None:
    command = [sys.executable, "-c", PARENT, str(root), *program("stops")]
    subprocess.run(command, check=True, timeout=60)
    wait_for(lambda: any(process_of(info.folder) for info in list_runs(root)))
    (info,) = list_runs(root)
    processes = RunProcesses(program("stops"), lambda: root)
    wait_for(lambda: processes.find_current() is not None)
    found = processes.find_current()
    assert found is not None
    assert (found.run, found.status, found.is_new) == (info.folder, RunStatus.RUNNING, False)
    run = found.run
    processes.ask_to_stop(run)
    wait_for(lambda: process_of(run) is None)
    assert isinstance(read_events(run)[-1], Stopped)


def test_the_last_log_line_of_a_crash_without_any_path(runs) -> None:
    run = runs("crashes").start(REQUEST).run
    wait_for(lambda: not is_alive(run))
    assert last_log_line(run) == "MemoryError"
    with (run / LOG_FILE).open("a", encoding="utf-8") as log:
        log.write("File /somewhere/of/a/patient is gone\n\n")
    assert last_log_line(run) == ""
    assert last_log_line(run / "nowhere") == ""


def test_a_program_that_is_not_there(root: Path) -> None:
    processes = RunProcesses((str(root / "nothing"),), lambda: root)
    with pytest.raises(OutputError, match="could not be started"):
        processes.start(REQUEST)


def test_resuming_needs_the_options_and_the_reference(runs, root: Path) -> None:
    run = ended_run(root, "a")
    with pytest.raises(InputError, match="options this run began with"):
        runs("done").resume(run, Path("l"), None)
    text = json.dumps({"options": [], "has_reference": True})
    (run / REQUEST_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="began with a reference set"):
        runs("done").resume(run, Path("l"), None)


def test_what_a_panel_picks_up(runs, root: Path) -> None:
    processes = runs("done")
    assert processes.find_current() is None
    (root / "0").mkdir(parents=True)
    assert processes.find_current() is None, "it never wrote an event"
    old = ended_run(root, "1")
    assert processes.find_current().run == old, "as often as a panel opens"
    newer = ended_run(root, "2")
    assert processes.find_current().run == newer
    with running(old):
        assert processes.find_current() == FoundRun(run=old, status=RunStatus.RUNNING)
    (newer / EVENTS_FILE).unlink()
    (newer / EVENTS_FILE).mkdir()
    assert processes.find_current().run == old, "one that cannot be read is in nobody's way"
