"""The process that reads foreign files: whatever happens in it, here it is a sentence."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tgcnet.errors import Cancelled, EngineError, InputError, LedgerError
from tgcnet.io.sandbox import limits, protocol
from tgcnet.io.sandbox.client import Sandbox
from tgcnet.io.sandbox.protocol import Request

HOSTILE = '''
"""Functions that do what a hostile file makes a decoder do."""

import os
import time
from pathlib import Path

import numpy as np

from tgcnet.errors import LedgerError
from tgcnet.io.decoded import announce


def crash(path: Path) -> int:
    os.abort()


def hang(path: Path) -> int:
    time.sleep(600)
    return 0


def devour(path: Path) -> int:
    taken = np.ones(500_000_000, np.uint8)
    time.sleep(1)
    return int(taken[::1000].sum())


def announced(path: Path) -> int:
    announce(path.name, unpacked=500_000_000, packed=500_000_000, working=500_000_000)
    time.sleep(0.1)
    return int(np.ones(500_000_000, np.uint8)[::1000].sum())


def refuse(path: Path) -> int:
    raise LedgerError(f"{path.name} is refused; do something.")


def surprise(path: Path) -> int:
    raise NotImplementedError("Jane Doe")


def answer(path: Path) -> int:
    print("what a library says")
    return os.getpid()


def lie(path: Path) -> str:
    return "an int was announced"


def count(path: Path, on_progress) -> int:
    for done in range(4):
        on_progress(done / 3)
        time.sleep(0.1)
    return 3
'''
NAMES = ("crash", "hang", "devour", "announced", "refuse", "surprise", "answer", "lie")


@pytest.fixture(scope="module")
def child_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose sitecustomize teaches every interpreter started with it these functions."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile_functions.py").write_text(HOSTILE, encoding="utf-8")
    lines = [
        "import os",
        "from tgcnet.io.sandbox import limits, protocol",
        "from tgcnet.io.sandbox.protocol import *",
        "limits.IS_MEMORY_LIMITED_BY_SYSTEM &= 'NO_LIMIT' not in os.environ",
    ]
    for name in (*NAMES, "count"):
        lines.append(
            f"protocol.REQUESTS[{name!r}] = Request(module='hostile_functions', function={name!r}, "
            f"answer=int, has_progress={name == 'count'})"
        )
    (folder / "sitecustomize.py").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def shared_sandbox(child_path: Path) -> Iterator[Sandbox]:
    """One child for all of this file: its start takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(child_path), prepend=os.pathsep)
        for name in (*NAMES, "count"):
            request = Request(
                module="hostile_functions", function=name, answer=int, has_progress=name == "count"
            )
            patch.setitem(protocol.REQUESTS, name, request)
        sandbox = Sandbox()
        yield sandbox
        sandbox.close()


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    return shared_sandbox


def ask(sandbox: Sandbox, request: str, **more: Any) -> object:
    return sandbox.ask(request, name="a.png", path=Path("a.png"), **more)


def test_one_child_answers_request_after_request(sandbox: Sandbox) -> None:
    first = ask(sandbox, "answer")
    assert first != os.getpid()
    assert ask(sandbox, "answer") == first == sandbox.process_id


def test_a_crash_is_a_sentence_and_the_next_request_finds_a_fresh_child(sandbox: Sandbox) -> None:
    with pytest.raises(InputError, match=r"^a\.png made its decoder crash \(signal 6\)"):
        ask(sandbox, "crash")
    assert ask(sandbox, "answer") == sandbox.process_id


def test_a_hang_is_ended(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.5)
    ask(sandbox, "answer")
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"^a\.png was not read within 0 s, so it was given up"):
        ask(sandbox, "hang")
    assert time.monotonic() - begun < 8


@pytest.mark.skipif(sys.platform != "linux", reason="Linux limits memory, others are watched")
def test_too_much_memory_is_refused_and_the_child_lives(sandbox: Sandbox) -> None:
    child = ask(sandbox, "answer")
    with pytest.raises(InputError, match=r"^a\.png needs more memory to be read than an image"):
        ask(sandbox, "devour")
    assert ask(sandbox, "answer") == child


def test_where_the_system_limits_no_memory_too_much_is_seen_and_ended(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.close()
    monkeypatch.setenv("NO_LIMIT", "1")  # of the system's, for the child that starts now
    monkeypatch.setattr(limits, "IS_MEMORY_LIMITED_BY_SYSTEM", False)
    child = ask(sandbox, "answer")
    with pytest.raises(InputError, match=r"^a\.png needs more memory to be read than an image"):
        ask(sandbox, "devour")
    assert ask(sandbox, "announced") == 500_000
    assert sandbox.process_id != child
    sandbox.close()


def test_an_image_of_a_checked_size_gets_the_memory_it_announced(sandbox: Sandbox) -> None:
    assert ask(sandbox, "announced") == 500_000


def test_our_own_errors_keep_their_class_and_sentence(sandbox: Sandbox) -> None:
    with pytest.raises(LedgerError, match=r"^a\.png is refused; do something\.$"):
        ask(sandbox, "refuse")


def test_what_nobody_foresaw_says_where_and_not_what(sandbox: Sandbox) -> None:
    place = r"\(NotImplementedError at hostile_functions\.py:\d+\)"
    with pytest.raises(InputError, match=place) as caught:
        ask(sandbox, "surprise")
    assert "Jane" not in str(caught.value)


def test_an_answer_of_another_type_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(EngineError, match=r"it should not of a\.png: it is str, expected int"):
        ask(sandbox, "lie")


def test_progress_passes_through_and_false_stops_the_work(sandbox: Sandbox) -> None:
    fractions: list[float] = []
    assert ask(sandbox, "count", on_progress=fractions.append) == 3
    assert fractions[-1] == 1
    with pytest.raises(Cancelled, match=r"^Reading was stopped\.$"):
        ask(sandbox, "count", on_progress=lambda fraction: False)
    assert ask(sandbox, "answer") == sandbox.process_id


def test_ctrl_c_in_mid_reading_ends_the_work_and_the_next_request_is_answered(
    sandbox: Sandbox,
) -> None:
    def interrupt(fraction: float) -> None:
        raise KeyboardInterrupt

    child = ask(sandbox, "answer")
    with pytest.raises(KeyboardInterrupt):
        ask(sandbox, "count", on_progress=interrupt)
    assert ask(sandbox, "answer") == sandbox.process_id != child


def test_threads_take_turns(sandbox: Sandbox) -> None:
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(sandbox, "answer"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [sandbox.process_id] * 4


def test_a_child_that_died_between_two_requests_is_replaced(sandbox: Sandbox) -> None:
    child = ask(sandbox, "answer")
    assert isinstance(child, int)
    os.kill(child, getattr(signal, "SIGKILL", signal.SIGTERM))
    while sandbox.process_id is not None:
        time.sleep(0.01)
    assert ask(sandbox, "answer") != child


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_asks_a_child_of_its_own(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    code = (
        "import os, sys\n"
        "from tgcnet.io import load_volume\n"
        "from tgcnet.io.sandbox.client import this_process_sandbox as own\n"
        "load_volume(sys.argv[1])\n"
        "mine = own().process_id\n"
        "if (other := os.fork()) == 0:\n"
        "    load_volume(sys.argv[1])\n"
        "    os._exit(own().process_id == mine)\n"
        "assert os.waitpid(other, 0)[1] == 0\n"
        "assert load_volume(sys.argv[1]).array.shape == (1, 4, 5)\n"
        "assert own().process_id == mine\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(os.name != "posix", reason="looks for a process by a signal")
def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    code = (
        "import os, sys\n"
        "from tgcnet.io import load_volume\n"
        "from tgcnet.io.sandbox.client import this_process_sandbox as own\n"
        "load_volume(sys.argv[1])\n"
        "print(own().process_id, flush=True)\n"
        "os._exit(0)\n"  # as after a crash: nothing is tidied up
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png")], capture_output=True, check=True
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the child lives on")


def test_the_child_imports_neither_torch_nor_a_window() -> None:
    code = (
        "import sys, tgcnet.io.sandbox.child, tgcnet.io.read\n"
        "print(sorted({'torch', 'napari', 'qtpy', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
