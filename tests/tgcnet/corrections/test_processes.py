"""Two windows save at once, and a process dies at any moment: nothing is lost, nothing is torn."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tgcnet.corrections import Ledger

ROOT = Path(__file__).parents[3]
CHILD = "tests.tgcnet.corrections.ledger_child"


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", CHILD, *(str(argument) for argument in arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def result_of(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    return json.loads(out)


def save_from_two_processes(folder: Path, count: int) -> None:
    ledger_folder = folder / "ledger"
    Ledger.create(ledger_folder)
    processes = [start("save", ledger_folder, count, seed) for seed in (1000, 2000)]
    while not all((folder / f"ready-{seed}").exists() for seed in (1000, 2000)):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)
    (folder / "go").touch()
    went = [tuple(place) for process in processes for place in result_of(process)]
    ledger = Ledger.open(ledger_folder)
    listing = ledger.check()
    assert listing.problems == ()
    # Both found no case of the picture if they started in one instant; nothing is lost by that.
    revisions = {case.case_id: case.num_revisions for case in listing.cases}
    shared = {case_id for case_id, _ in went}
    assert len(set(went)) == 2 * count
    assert sum(revisions[case_id] for case_id in shared) == 2 * count
    others = [case for case in listing.cases if case.case_id not in shared]
    assert len(others) == 2 * len(range(0, count, 7))
    for case_id, revision in went[:: max(1, count // 10)]:
        assert ledger.load(case_id, revision).record.num_changed_voxels is not None
    entries = [json.loads(file.read_bytes()) for file in ledger_folder.glob("split/*/*.json")]
    assert len({entry["patient_key"] for entry in entries}) == len(entries) == len(others) + 1
    assert len({case.patient_key for case in listing.cases if case.case_id in shared}) == 1


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    save_from_two_processes(tmp_path, 20)


@pytest.mark.slow
def test_two_processes_save_four_hundred_revisions(tmp_path: Path) -> None:
    save_from_two_processes(tmp_path, 200)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_kill_at_each_write_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    found = result_of(start("kill-each", tmp_path))
    assert found["wrong"] == []
    # Every operation was killed on its way, several times.
    assert min(found["killed"].values()) >= 3
    assert found["killed"]["case"] > 20


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_kill_at_random_instants(tmp_path: Path) -> None:
    found = result_of(start("kill-random", tmp_path, 200))
    assert found["wrong"] == []
    assert found["committed"] > 200
