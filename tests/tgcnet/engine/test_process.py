import signal
import sys
from pathlib import Path

import pytest

from tgcnet.engine.log import log_place
from tgcnet.engine.process import ChildProcess, explain_exit
from tgcnet.errors import EngineError


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_kill_is_explained_as_a_lack_of_memory() -> None:
    sentence = explain_exit(-signal.SIGKILL)
    assert "killed (signal 9), most probably by the system because memory ran out" in sentence
    assert "run again" in sentence
    assert "fewer slices" in sentence


def test_a_crash_names_its_signal_and_the_log() -> None:
    assert "ended by signal 11 (SIGSEGV)" in explain_exit(-11)
    assert "engine.log" in explain_exit(-11)
    assert "ended by signal 200." in explain_exit(-200)


def test_an_exit_names_its_code_and_the_log() -> None:
    sentence = explain_exit(3)
    assert "stopped by itself with exit code 3" in sentence
    assert log_place() in sentence
    assert str(Path.home()) not in sentence


def test_an_interpreter_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"'no-python' is no interpreter that runs .*Repair"):
        ChildProcess(
            str(tmp_path / "no-python"),
            tmp_path / "engine.log",
            on_line=lambda child, line: None,
            on_end=lambda child, code: None,
        )
