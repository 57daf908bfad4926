"""Cohorts on a Dask cluster: workers die, are wrong, or see nothing; every study is done once."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from distributed import get_worker
from distributed.client import as_completed
from tests.tgcnet.cohort import stub
from tests.tgcnet.cohort.conftest import MakeTable, rows

from tgcnet.cohort import cluster as module
from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.cohort_summary import CohortSummary
from tgcnet.cohort.journal import End, Entry, open_attempts, read_journal
from tgcnet.cohort.segment_cohort import CohortJob, segment_cohort
from tgcnet.cohort.study_record import Status
from tgcnet.cohort.task import Refusal, WorkerTask
from tgcnet.errors import EngineError, InputError

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.usefixtures("no_user_models")

NUM_STUDIES = 12


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two worker processes, each minded by another process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
        memory_limit=None, silence_logs=50,
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the cluster's workers use the stub that waits at the gate."""
    real = module.Cluster
    monkeypatch.setattr(module, "Cluster", partial(real, run_task=stub.work_behind_a_gate))


class Background(threading.Thread):
    """A run whose end can be waited for."""

    def __init__(self, job: CohortJob) -> None:
        super().__init__(daemon=True)
        self._job = job
        self.summary: CohortSummary | None = None

    def run(self) -> None:
        self.summary = segment_cohort(self._job)

    def ended(self) -> CohortSummary:
        self.join(timeout=60)
        assert self.summary is not None
        return self.summary


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def at_the_gate(out: Path) -> list[Entry]:
    """Tries that have begun and cannot end before the gate opens."""
    entries = read_journal(out / "journal")
    waiting = {f"s{number}" for number in range(stub.FREE_ROWS - 1, NUM_STUDIES)}
    return [entry for entry in entries if entry.end is None and entry.study in waiting]


def assert_each_done_exactly_once(out: Path) -> None:
    folder = CohortFolder(out)
    studies = [f"s{number}" for number in range(NUM_STUDIES)]
    published = [e for e in read_journal(out / "journal") if e.end is End.PUBLISHED]
    assert Counter(entry.study for entry in published) == dict.fromkeys(studies, 1)
    by_study = {entry.study: entry.attempt for entry in published}
    assert sorted(path.name for path in folder.studies.iterdir()) == sorted(studies)
    for study in studies:
        record = folder.record(study)
        assert record is not None
        assert record.status is Status.DONE
        assert record.attempt == by_study[study]
        assert folder.is_whole(record)
        names = sorted(path.name for path in (folder.studies / study).iterdir())
        assert names == ["mask.nii.gz", "record.json"]


@pytest.mark.usefixtures("stubbed")
def test_a_worker_dies_half_way_and_every_study_is_done_exactly_once(
    cohort: MakeTable, scheduler: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = CohortJob(table=cohort(rows(NUM_STUDIES)), out=out, model="mini", scheduler=scheduler)
    run = Background(job)
    run.start()
    wait_until(lambda: len({entry.pid for entry in at_the_gate(out)}) == 2)
    victim = at_the_gate(out)[0]
    assert victim.pid != os.getpid()
    os.kill(victim.pid, signal.SIGKILL)
    stub.gate_of(out).touch()
    assert run.ended().num_done == NUM_STUDIES
    assert_each_done_exactly_once(out)
    tries = [e for e in read_journal(out / "journal") if e.end is None and e.study == victim.study]
    assert len(tries) == 2
    assert open_attempts(read_journal(out / "journal"), victim.study) == [victim.attempt]
    assert [path.name for path in (out / "unfinished").iterdir()] == []
    assert segment_cohort(job).num_now == 0


def kill_the_worker_that_holds(future: Any) -> None:
    """And wait until the client knows that the answer has gone with it."""
    (worker,) = future.client.who_has([future])[future.key]
    pid = future.client.run(os.getpid, workers=[worker])[worker]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: future.status != "finished")


@pytest.mark.usefixtures("stubbed")
def test_an_answer_that_died_with_its_worker_is_waited_for_again(
    cohort: MakeTable, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []

    class LosesTheFirst(as_completed):
        def __next__(self) -> Any:
            future = super().__next__()
            if not lost:
                kill_the_worker_that_holds(future)
                lost.append(future.status)
            return future

    monkeypatch.setattr(module, "as_completed", LosesTheFirst)
    out = tmp_path / "out"
    stub.gate_of(out).parent.mkdir(parents=True)
    stub.gate_of(out).touch()
    job = CohortJob(table=cohort(rows(NUM_STUDIES)), out=out, model="mini", scheduler=scheduler)
    assert segment_cohort(job).num_done == NUM_STUDIES
    assert lost == ["lost"]
    assert_each_done_exactly_once(out)


@pytest.mark.usefixtures("stubbed")
def test_tasks_are_named_by_row_and_never_too_many(
    cohort: MakeTable, scheduler: str, tmp_path: Path
) -> None:
    from distributed import Client

    out = tmp_path / "out"
    job = CohortJob(table=cohort(rows(NUM_STUDIES)), out=out, model="mini", scheduler=scheduler)
    run = Background(job)
    run.start()
    wait_until(lambda: len(at_the_gate(out)) == 2)
    with Client(scheduler, set_as_default=False) as client:
        tasks = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))
    stub.gate_of(out).touch()
    run.ended()
    assert 2 <= len(tasks) <= 4
    assert all(task.startswith("tgcnet-study-row-") for task in tasks)
    assert_each_done_exactly_once(out)


def test_a_worker_of_another_version_ends_the_run(
    cohort: MakeTable, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__version__", "99")
    job = CohortJob(table=cohort(rows(2)), out=tmp_path / "out", model="mini", scheduler=scheduler)
    with pytest.raises(EngineError, match="and this machine 99, expected the same"):
        segment_cohort(job)


def raises(_: WorkerTask) -> Refusal:
    raise ZeroDivisionError


def test_a_worker_that_cannot_do_it_at_all_ends_the_run(
    cohort: MakeTable, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Cluster", partial(module.Cluster, run_task=raises))
    job = CohortJob(table=cohort(rows(2)), out=tmp_path / "out", model="mini", scheduler=scheduler)
    with pytest.raises(EngineError, match=r"cannot do this work \(ZeroDivisionError\)"):
        segment_cohort(job)


def test_a_scheduler_that_does_not_answer_is_a_sentence(
    cohort: MakeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_S", 0.2)
    for address in ("tcp://127.0.0.1:9", "nothing://x"):
        job = CohortJob(
            table=cohort(rows(1)), out=tmp_path / "out", model="mini", scheduler=address
        )
        with pytest.raises(InputError, match=f"No Dask scheduler answers at {address}"):
            segment_cohort(job)


def workers_with(*resources: dict[str, float]) -> dict[str, Any]:
    """As a scheduler describes workers with these resources."""
    return {str(number): {"resources": one} for number, one in enumerate(resources)}


def test_a_task_takes_a_gpu_where_every_worker_declares_some() -> None:
    declaring = workers_with({"GPU": 1}, {"GPU": 2, "memory": 4})
    assert module.resources_of_task(declaring) == {"GPU": 1}
    assert module.resources_of_task(workers_with({"GPU": 1}, {})) is None
    assert module.resources_of_task({}) is None


def number_of_worker(worker_task: WorkerTask) -> Refusal:
    return Refusal(sentence=f"{type(get_worker().name).__name__}")


def test_workers_of_this_machine_have_numbers(
    cohort: MakeTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Cluster", partial(module.Cluster, run_task=number_of_worker))
    job = CohortJob(table=cohort(rows(1)), out=tmp_path / "out", model="mini", num_workers=2)
    with pytest.raises(EngineError, match=r"^int$"):
        segment_cohort(job)
