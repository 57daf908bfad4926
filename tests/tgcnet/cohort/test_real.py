"""The command itself with the shipped model, on processes that are stopped and killed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.cohort import stub
from tests.tgcnet.cohort.conftest import MakeTable, rows, write_table

from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.journal import End, read_journal
from tgcnet.cohort.segment_cohort import CohortJob, segment_cohort
from tgcnet.cohort.study_record import Status
from tgcnet.samples import list_samples, sample_path

pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_user_models")]

NUM_STUDIES = 12


@pytest.fixture
def radiographs(tmp_path: Path) -> Path:
    """The shipped sample, each time with other noise."""
    sample = list_samples()[0]
    grey = np.asarray(Image.open(sample_path(sample.name)).convert("L")).astype(np.float32)
    rng = np.random.default_rng(0)
    given = []
    for number in range(NUM_STUDIES):
        noisy = np.clip(grey + rng.normal(0, 8, grey.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(tmp_path / f"{number}.png")
        given.append({"image": f"{number}.png", "id": f"s{number}", "report": sample.report})
    return write_table(tmp_path / "studies.csv", given)


def start(table: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tgcnet.cli", "segment-cohort", str(table), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--model", "mini", "--device", "cpu", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the tests run in the background, Ctrl-C is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_until(holds: Callable[[], bool], run: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 240
    while not holds():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def published(out: Path) -> Counter[str]:
    return Counter(e.study for e in read_journal(out / "journal") if e.end is End.PUBLISHED)


def latest_pid(out: Path) -> int:
    """A process that has just worked on a study."""
    newest = max((out / "journal").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    return int(newest.name.partition("-")[0])


def test_two_workers_one_stopped_run_one_killed_worker(radiographs: Path, tmp_path: Path) -> None:
    out, alone = tmp_path / "out", tmp_path / "alone"
    run = start(radiographs, out, "--workers", "2")
    wait_until(lambda: len(published(out)) >= 3, run)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    _, words = run.communicate(timeout=60)
    assert (run.returncode, words.count("\n")) == (130, 1)
    assert "stopped before the end" in words
    done_before = len(published(out))
    assert done_before < NUM_STUDIES

    run = start(radiographs, out, "--workers", "2")
    wait_until(lambda: len(published(out)) >= done_before + 3, run)
    os.kill(latest_pid(out), signal.SIGKILL)
    said, words = run.communicate(timeout=240)
    assert run.returncode == 0, words
    assert f"{NUM_STUDIES} of {NUM_STUDIES} studies done, 0 failed" in said

    studies = {f"s{number}": 1 for number in range(NUM_STUDIES)}
    assert published(out) == studies
    run = start(radiographs, alone)
    assert run.wait(timeout=240) == 0
    for study in studies:
        here, there = CohortFolder(out), CohortFolder(alone)
        ours, theirs = here.record(study), there.record(study)
        assert ours is not None
        assert theirs is not None
        assert here.is_whole(ours)
        assert ours.mask_sha256 == theirs.mask_sha256
        assert ours.voxels is not None
        assert ours.voxels > 0


def dies(row: int, worker_task: stub.WorkerTask) -> stub.Outcome:
    """A worker whose process does not survive one of the studies."""

    def die(_: object) -> None:
        if worker_task.task.study.row == row:
            os.kill(os.getpid(), signal.SIGKILL)

    return stub.segment_study(
        worker_task.task, stub.FakePredictor(die), CohortFolder(worker_task.root)
    )


def test_a_study_that_kills_every_worker_fails_alone(
    cohort: MakeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tgcnet.cohort import cluster

    monkeypatch.setattr(cluster, "Cluster", partial(cluster.Cluster, run_task=partial(dies, 4)))
    job = CohortJob(table=cohort(rows(8)), out=tmp_path / "out", model="mini", num_workers=2)
    summary = segment_cohort(job)
    assert (summary.num_done, summary.num_failed) == (7, 1)
    (failure,) = summary.failures
    assert (failure.row, failure.error_class) == (4, "ProcessDied")
    folder = CohortFolder(job.out)
    records = [folder.record(f"s{n}") for n in range(8) if n != 2]
    assert [record.status for record in records if record is not None] == [Status.DONE] * 7
    assert segment_cohort(job).num_now == 0
