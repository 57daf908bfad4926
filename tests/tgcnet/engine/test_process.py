import signal
import sys
from pathlib import Path

import pytest

from tgcnet.engine.process import ChildProcess, explain_exit
from tgcnet.errors import EngineError

LOG = Path("engine.log")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_kill_is_told_as_a_lack_of_memory() -> None:
    sentence = explain_exit(-signal.SIGKILL, LOG)
    assert "killed (signal 9), most probably by the system because memory ran out" in sentence
    assert "run again" in sentence
    assert "fewer slices" in sentence


def test_a_crash_names_its_signal_and_the_log() -> None:
    assert "ended by signal 11 (SIGSEGV)" in explain_exit(-11, LOG)
    assert "engine.log" in explain_exit(-11, LOG)
    assert "ended by signal 200." in explain_exit(-200, LOG)


def test_an_exit_names_its_code_and_the_log() -> None:
    sentence = explain_exit(3, LOG)
    assert "stopped by itself with exit code 3" in sentence
    assert "engine.log" in sentence


def test_an_interpreter_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"is no interpreter that runs .*Repair the Python"):
        ChildProcess(
            str(tmp_path / "no-python"),
            tmp_path / "engine.log",
            on_line=lambda child, line: None,
            on_end=lambda child, code: None,
        )
