"""A run dies at any moment, goes on, and ends as one that was left alone: to the bit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


def result_of(*arguments: object) -> Any:
    command = [sys.executable, "-m", "tests.tgcnet.train.kill_child"]
    done = subprocess.run(
        [*command, *(str(argument) for argument in arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_run_killed_while_it_writes_ends_as_one_that_was_not(tmp_path: Path) -> None:
    found = result_of("writes", tmp_path, 40)
    assert found["wrong"] == []
    assert found["killed"] >= 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_killed_at_each_third_write_ends_as_one_that_was_not(tmp_path: Path) -> None:
    found = result_of("writes", tmp_path, 3)
    assert found["wrong"] == []
    assert found["killed"] >= 20


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_killed_at_random_ends_as_one_that_was_not(tmp_path: Path) -> None:
    found = result_of("random", tmp_path, 20)
    assert found["wrong"] == []
    assert found["killed"] >= 20
