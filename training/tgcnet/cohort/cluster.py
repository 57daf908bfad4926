"""Studies on a Dask cluster: of this machine's processes, or any by its scheduler's address.

Dask is imported here alone, and this module only when it is needed. Dask's dashboards show the
names of tasks, and its logs the arguments of a task that raised: so names hold a row's number, and
tasks do not raise.

A worker that declares Dask's resource "GPU" segments as many studies at once as it has of them;
see https://distributed.dask.org/en/stable/resources.html.
"""

import logging
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import (
    Client,
    Future,
    KilledWorker,
    LocalCluster,
    as_completed,
    get_worker,
)

from tgcnet import __version__
from tgcnet.cohort.backlog import Backlog
from tgcnet.cohort.task import Outcome, Refusal, StudyTask, Verdict, WorkerTask
from tgcnet.cohort.worker import run_task
from tgcnet.errors import EngineError, InputError

_TASKS_PER_THREAD = 2
"""Tasks submitted for each thread of a worker, so that it never idles; the rest stay here."""

_GPU = "GPU"
"""Dask's name for the resource, as its documentation and dask-cuda have it."""

_ANSWER_S = 30.0
_LOCAL = "127.0.0.1"

# A terminal sends Ctrl-C to every process; the one that runs the cohort ends its workers itself.
_NO_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"

RunTask = Callable[[WorkerTask], Outcome | Refusal]


def run_on_worker(worker_task: WorkerTask) -> Outcome | Refusal:
    """What a worker runs. Workers that this machine's cluster numbered spread over its GPUs."""
    name = get_worker().name
    return run_task(worker_task, name if isinstance(name, int) else None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Which workers, and what each of them needs.

    Attributes
    ----------
    scheduler : address of a cluster that runs; None starts ``num_workers`` processes here
    root : the cohort's folder
    model : registered name or folder
    run_task : what a worker runs; tests put their own here
    """

    root: Path = field(repr=False)
    model: str
    device: str
    scheduler: str | None = None
    num_workers: int = 1
    run_task: RunTask = run_on_worker

    def outcomes(self, backlog: Backlog) -> Generator[Outcome, None, None]:
        """Have all tasks of a backlog done; the caller may add tasks between two outcomes.

        Raises
        ------
        InputError
            If no scheduler or no worker answers.
        EngineError
            If a worker cannot do its work at all, or the scheduler is lost.
        """
        with _quiet(), self._client() as client:
            yield from _TasksInFlight(self, client, backlog).outcomes()

    @contextmanager
    def _client(self) -> Iterator[Client]:
        if self.scheduler is None:
            with _local_cluster(self.num_workers) as client:
                yield client
        else:
            with _client_at(self.scheduler) as client:
                yield client


class _TasksInFlight:
    """The tasks submitted and not yet done, never more than the workers can soon do."""

    def __init__(self, cluster: Cluster, client: Client, backlog: Backlog) -> None:
        self._cluster, self._client, self._backlog = cluster, client, backlog
        # A scheduler may remember tasks of other runs: no name is used twice.
        self._run, self._number = secrets.token_hex(4), 0
        self._resources = resources_of_task(client.scheduler_info()["workers"])
        self._tasks: dict[str, StudyTask] = {}
        self._done = as_completed(loop=client.loop)

    def outcomes(self) -> Iterator[Outcome]:
        self._fill()
        for future in self._done:
            status = future.status  # read once: a worker may die between two reads
            if status == "lost":
                # A worker died with its answer; the scheduler has another one run the task.
                self._done.add(future)
                continue
            outcome = self._outcome(future, status)
            del future  # the scheduler forgets a task without a reference to it
            yield outcome
            self._fill()

    def _fill(self) -> None:
        most = max(1, sum(self._client.nthreads().values())) * _TASKS_PER_THREAD
        while len(self._tasks) < most and (task := self._backlog.take()) is not None:
            self._number += 1
            key = f"tgcnet-study-row-{task.study.row}-{self._run}-{self._number}"
            self._tasks[key] = task
            self._done.add(
                self._client.submit(
                    self._cluster.run_task,
                    self._worker_task(task),
                    key=key,
                    pure=False,
                    resources=self._resources,
                )
            )

    def _worker_task(self, task: StudyTask) -> WorkerTask:
        return WorkerTask(
            task=task,
            root=self._cluster.root,
            model=self._cluster.model,
            device=self._cluster.device,
            version=__version__,
        )

    def _outcome(self, future: Future[Any], status: str) -> Outcome:
        task = self._tasks.pop(str(future.key))
        if status == "finished":
            answer = future.result()
            if isinstance(answer, Refusal):
                raise EngineError(answer.sentence)
            if not isinstance(answer, Outcome):
                raise EngineError(_STRANGE_WORKER.format(type(answer).__name__, __version__))
            return answer
        if status != "error":
            raise EngineError(_LOST)
        error = future.exception()
        if isinstance(error, KilledWorker):
            return Outcome(task=task, verdict=Verdict.DIED)
        raise EngineError(_STRANGE_WORKER.format(type(error).__name__, __version__)) from error


def resources_of_task(workers: Mapping[str, Any]) -> dict[str, int] | None:
    """What a task takes of a worker: one GPU where all workers declare some, else nothing.

    Parameters
    ----------
    workers : as ``Client.scheduler_info`` describes them
    """
    declare_gpus = [_GPU in worker["resources"] for worker in workers.values()]
    return {_GPU: 1} if declare_gpus and all(declare_gpus) else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own log off a terminal where one sentence says what is wrong."""
    # Dask gives each of these a level and a handler of its own.
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _local_cluster(num_workers: int) -> Iterator[Client]:
    """Processes of this machine that nobody else can reach; a dead one is replaced."""
    threads = max(1, (os.cpu_count() or 1) // num_workers)
    with (
        LocalCluster(
            n_workers=num_workers,
            threads_per_worker=1,
            resources={_GPU: 1},  # one study at a time, on a processor too
            host=_LOCAL,
            dashboard_address=None,
            # A large image is no reason to end a worker; what is too large raises MemoryError.
            memory_limit=None,
            silence_logs=logging.CRITICAL,
            env={name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")},
            preload=_NO_CTRL_C,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _client_at(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=_ANSWER_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}), expected one that "
            "runs, as tcp://host:8786; start it with `dask scheduler`, or correct the address."
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_ANSWER_S)
        except TimeoutError:
            raise InputError(
                f"The Dask scheduler at {address} has no worker after {_ANSWER_S:g} s, expected at "
                f"least one; start some with `dask worker {address} --nthreads 1`."
            ) from None
        yield client


_LOST = (
    "The connection to the Dask scheduler was lost. Finished studies are kept; start the cluster "
    "again and run the same command, which goes on where it was."
)
_STRANGE_WORKER = (
    "A worker cannot do this work ({0}), expected workers in whose Python napari-tgcnet {1} is "
    "installed; install the same version everywhere and run the same command again."
)
