"""A run dies at any moment: what it wrote is the old or the new, and it goes on to the same end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


def result_of(*arguments: object) -> Any:
    command = [sys.executable, "-m", "tests.tgcnet.finetune.kill_child"]
    done = subprocess.run(
        [*command, *(str(argument) for argument in arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_kill_at_each_write_leaves_the_old_or_the_new(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    found = result_of("each", tmp_path, tiny_model_folder)
    assert found["wrong"] == []
    # Each was killed on its way, several times.
    assert min(found["killed"].values()) >= 3
    assert found["killed"]["install"] > 10


@pytest.mark.slow
def test_checkpoints_at_200_random_instants(tiny_model_folder: Path, tmp_path: Path) -> None:
    found = result_of("saving", tmp_path, tiny_model_folder, 200)
    assert found == {"wrong": [], "killed": 200}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_killed_at_random_ends_as_one_that_was_not(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    found = result_of("random", tmp_path, tiny_model_folder, 20)
    assert found["wrong"] == []
    assert found["killed"] >= 15
