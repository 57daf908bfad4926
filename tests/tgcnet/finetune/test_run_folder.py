"""Which runs there are and how each stands; the lock that ends with its process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tgcnet.errors import InputError, OutputError
from tgcnet.finetune.events import (
    EVENTS_FILE,
    STOP_FILE,
    Done,
    Event,
    EventLog,
    Failed,
    Message,
    Stopped,
)
from tgcnet.finetune.run_folder import (
    RUNS_VARIABLE,
    RunStatus,
    ask_to_stop,
    lift_stop,
    list_runs,
    new_run_folder,
    run_info,
    user_runs_folder,
)
from tgcnet.io.process_lock import LOCK_FILE, PID_FILE, process_of, running

HOLDER = """
import sys, pathlib
from tgcnet.io.process_lock import running
with running(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return new_run_folder(tmp_path / "runs")


def hold(folder: Path) -> "subprocess.Popen[str]":
    """A process of its own that holds the folder until a line comes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_lock_ends_with_its_process_however_that_ends(folder: Path) -> None:
    assert process_of(folder) is None
    with hold(folder) as process:
        assert process_of(folder) == process.pid
        assert run_info(folder).status is RunStatus.RUNNING
        with pytest.raises(InputError, match="of a run that is under way"), running(folder):
            pytest.fail("two hold it")
        assert process_of(folder) == process.pid
        process.kill()
    assert (folder / PID_FILE).read_text().strip() == str(process.pid)  # nobody cleaned up
    assert process_of(folder) is None
    assert run_info(folder).status is RunStatus.BROKEN
    with running(folder):
        assert process_of(folder) == os.getpid()
    assert process_of(folder) is None
    assert not (folder / PID_FILE).read_text().strip()


def test_whoever_looks_neither_keeps_a_run_from_starting_nor_takes_another_for_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(folder):
        pass
    (folder / PID_FILE).write_text("12345")  # of a process that was killed
    looking = FileLock(folder / LOCK_FILE)
    monkeypatch.setattr("time.sleep", lambda _: looking.release())
    with looking:
        assert process_of(folder) is None
    with looking, running(folder):
        assert process_of(folder) == os.getpid()


@pytest.mark.skipif(sys.platform == "win32", reason="locked another byte of the file there")
def test_a_run_of_an_earlier_version_is_understood(folder: Path) -> None:
    import fcntl

    (folder / LOCK_FILE).write_text("12345".ljust(16))
    assert process_of(folder) is None
    with (folder / LOCK_FILE).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert process_of(folder) == 12345
        with pytest.raises(InputError, match="under way"), running(folder):
            pytest.fail("two hold it")
    with running(folder):
        assert process_of(folder) == os.getpid()


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="was not written"), running(tmp_path / "gone"):
        pass
    assert process_of(tmp_path / "gone") is None


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], RunStatus.BROKEN),
        ([Message(sentence="s")], RunStatus.BROKEN),
        ([Message(sentence="s"), Done(model="m")], RunStatus.DONE),
        ([Stopped(sentence="s")], RunStatus.STOPPED),
        ([Failed(sentence="s")], RunStatus.FAILED),
        ([Stopped(sentence="s"), Message(sentence="resumed, and killed")], RunStatus.BROKEN),
    ],
)
def test_how_a_run_stands_is_how_it_ended(
    folder: Path, events: list[Event], status: RunStatus
) -> None:
    for event in events:
        EventLog(folder)(event)
    assert run_info(folder).status is status
    with running(folder):
        assert run_info(folder).status is RunStatus.RUNNING


def test_a_run_that_ends_while_somebody_looks_is_not_broken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_: Path) -> None:
        EventLog(folder)(Done(model="m"))

    monkeypatch.setattr("tgcnet.finetune.run_folder.process_of", end)
    assert run_info(folder).status is RunStatus.DONE


def test_runs_are_listed_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUNS_VARIABLE, str(tmp_path / "runs"))
    root = user_runs_folder()
    assert list_runs(root) == ()
    for name in ("20260102-000000-aa", "20260101-000000-bb"):
        (root / name).mkdir(parents=True)
    (root / "a file").touch()
    infos = list_runs(root)
    assert [info.folder.name for info in infos] == ["20260101-000000-bb", "20260102-000000-aa"]


def test_a_run_that_cannot_be_read_is_left_out_of_the_list(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable = folder.with_name("20990101-000000-unreadable")
    (unreadable / EVENTS_FILE).mkdir(parents=True)
    assert [info.folder for info in list_runs(folder.parent)] == [folder]
    assert "20990101-000000-unreadable cannot be read" in caplog.text


def test_a_run_is_asked_to_stop_by_a_file(folder: Path) -> None:
    ask_to_stop(folder)
    assert (folder / STOP_FILE).exists()
    with pytest.raises(OutputError, match="request to stop the run gone was not written"):
        ask_to_stop(folder.with_name("gone"))


def test_a_request_to_stop_is_taken_back_unless_it_is_younger_than_asked(folder: Path) -> None:
    lift_stop(folder)  # there is none
    ask_to_stop(folder)
    lift_stop(folder, older_than_s=10.0)
    assert (folder / STOP_FILE).exists()
    os.utime(folder / STOP_FILE, times=(time.time() - 11,) * 2)
    lift_stop(folder, older_than_s=10.0)
    assert not (folder / STOP_FILE).exists()
    ask_to_stop(folder)
    lift_stop(folder)
    assert not (folder / STOP_FILE).exists()


def test_a_root_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="The run's folder was not written"):
        new_run_folder(tmp_path / "file")
