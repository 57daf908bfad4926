"""A child's start, pipes and end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tgcnet.ipc.process import end, opened, start_module

PRINTING = """
import os, sys
from tgcnet.ipc.process import take_pipes
requests, answers = take_pipes(keep_stderr={keep})
print("printed by Python", flush=True)
os.write(1, b"printed by C")
os.write(2, b"an error")
assert sys.stdin.read() == ""
answers.write(requests.readline())
answers.flush()
"""
DEAF = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdout.write("x")
sys.stdout.flush()
time.sleep(600)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a module that a child can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    def write(code: str) -> str:
        (tmp_path / "childmodule.py").write_text(code, encoding="utf-8")
        return "childmodule"

    return write


@pytest.mark.parametrize("keep", [True, False])
def test_prints_do_not_reach_the_parents_pipe(module, keep: bool) -> None:
    with start_module(module(PRINTING.format(keep=keep)), stderr=subprocess.PIPE) as process:
        answer, errors = process.communicate(b"a request\n", timeout=60)
    assert process.returncode == 0
    assert answer == b"a request\n"
    printed = (b"printed by Python", b"printed by C", b"an error")
    assert [text in errors for text in printed] == [keep] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to ignore")
def test_who_does_not_listen_is_killed(module) -> None:
    process = start_module(module(DEAF))
    assert opened(process.stdout).read(1) == b"x"
    begun = time.monotonic()
    end(process, 0.1)
    assert process.returncode == -9
    assert time.monotonic() - begun < 10
    process.communicate()


def test_an_interpreter_that_is_none_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-python"):
        start_module("childmodule", python=str(tmp_path / "no-python"))
