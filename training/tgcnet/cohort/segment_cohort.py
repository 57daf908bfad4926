"""``segment_cohort``: thousands of studies, resumable, one mask and one record each."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import tgcnet.weights
from tgcnet.cohort.backlog import MAX_DEATHS, Backlog, give_up
from tgcnet.cohort.cohort_folder import TABLE_FILE, CohortFolder
from tgcnet.cohort.cohort_summary import CohortSummary, summarise, write_table
from tgcnet.cohort.journal import count_deaths, read_journal
from tgcnet.cohort.manifest import CohortTable, read_cohort
from tgcnet.cohort.segment_study import Segments, segment_study
from tgcnet.cohort.study_record import Status, StudyRecord, Terms
from tgcnet.cohort.task import Outcome, StudyTask, make_task
from tgcnet.cohort.worker import load_checked
from tgcnet.domain import Modality
from tgcnet.errors import ConfigError, InputError, MissingExtraError, OutputError, TgcnetError
from tgcnet.io.formats import GRID_MASKS
from tgcnet.io.process_lock import running
from tgcnet.weights.active import active_folder
from tgcnet.weights.manifest import read_manifest
from tgcnet.weights.registry import find_model

_EXTRA = ("distributed", "dask")

ENDINGS = {one.name.lower(): one.endings[0] for one in GRID_MASKS}

OnProgress = Callable[[float], object]
OnNotice = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class CohortJob:
    """What to segment, with what, where.

    Attributes
    ----------
    table : CSV that names the studies, see :func:`~tgcnet.cohort.manifest.read_cohort`
    out : the cohort's folder; made where it is absent, continued where a run was begun
    model : registered name or folder; None means the active model
    device : of each worker: auto, cpu, cuda or cuda:N
    modality : of rows that state none
    threshold : in (0, 1); None means the model's own
    mask_format : a key of ``ENDINGS``
    scheduler : address of a Dask cluster; None runs on this machine
    num_workers : processes on this machine; 1 is this process, without Dask
    retries_failed : segment failed studies again
    runs_without_target : segment although a report names nothing that the model segments
    """

    table: Path
    out: Path
    model: str | None = None
    device: str = "auto"
    modality: Modality | None = None
    threshold: float | None = None
    mask_format: str = "nifti"
    scheduler: str | None = None
    num_workers: int = 1
    retries_failed: bool = False
    runs_without_target: bool = False

    def __post_init__(self) -> None:
        if self.num_workers < 1:
            raise InputError(f"{self.num_workers} workers were asked for, expected 1 or more.")
        if self.scheduler is not None and self.num_workers != 1:
            raise InputError(
                "Workers of this machine and a scheduler were asked for, expected one of them: a "
                "cluster has its own workers."
            )
        if self.mask_format not in ENDINGS:
            raise InputError(
                f"{self.mask_format!r} is no format of masks; choose {', '.join(ENDINGS)}."
            )
        if (self.out / TABLE_FILE).resolve() == self.table.resolve():
            raise InputError(
                f"The table is {TABLE_FILE} in the cohort's own folder, which the results' table "
                "would replace; move or rename it."
            )

    @property
    def is_in_this_process(self) -> bool:
        """Whether neither another process nor another machine takes part."""
        return self.scheduler is None and self.num_workers == 1


def segment_cohort(
    job: CohortJob,
    *,
    on_progress: OnProgress | None = None,
    on_notice: OnNotice | None = None,
) -> CohortSummary:
    """Segment every study of a table that has no result yet.

    A study that fails is recorded, and the run continues with the next. Stopped or killed, it
    resumes when it is started again: a study is done if its record fits its row and the mask's
    hash is right.

    Parameters
    ----------
    on_progress : receives the fraction of all studies that is settled, in [0, 1]
    on_notice : receives sentences about the table

    Raises
    ------
    InputError
        If the table, an option or the folder cannot be used, another run works in the folder, or
        its masks are of another model or threshold.
    MissingExtraError
        If a cluster was asked for and Dask is not installed.
    CheckpointError, DeviceError, EngineError, OutputError
        If the model, the device, the workers or the folder fail. What was done is kept.
    """
    start = time.perf_counter()
    table = read_cohort(job.table, modality=job.modality)
    model, terms = _model_and_terms(job)
    folder = CohortFolder(job.out)
    executor = _executor(job, model, terms, folder)
    for notice in table.notices:
        (on_notice or _ignore)(notice)
    folder.make()
    with running(folder.root):
        folder.begin(terms)
        tasks = _tasks(table, folder, terms, job)
        backlog = Backlog(folder, _unsettled_tasks(tasks, folder, job))
        with _writes_table_if_stopped(folder, tasks):
            num_now = _run_all(executor, backlog, len(tasks), on_progress or _ignore)
        records = write_table(folder, tasks)
    return summarise(folder, terms, tasks, records, num_now, time.perf_counter() - start)


@runtime_checkable
class _Executor(Protocol):
    """Runs the tasks of a backlog."""

    def outcomes(self, backlog: Backlog) -> Generator[Outcome, None, None]:
        """Every task's outcome; the caller may add tasks to the backlog between two of them."""


class _LocalExecutor:
    """The calling process with its model, loaded when it is first needed."""

    def __init__(self, folder: CohortFolder, load: Callable[[], Segments]) -> None:
        self._folder, self._load = folder, load
        # Whatever can be refused is refused before anything is written.
        self._predictor = None if folder.is_there else load()

    def outcomes(self, backlog: Backlog) -> Generator[Outcome, None, None]:
        predictor = self._predictor or self._load()
        while (task := backlog.take()) is not None:
            yield segment_study(task, predictor, self._folder)


def _executor(job: CohortJob, model: Path, terms: Terms, folder: CohortFolder) -> _Executor:
    # A shipped model lies elsewhere on another machine, under the same name.
    is_shipped = model.parent == Path(tgcnet.weights.__file__).parent
    reference = terms.model if is_shipped else str(model.absolute())
    if job.is_in_this_process:
        return _LocalExecutor(folder, partial(load_checked, reference, terms.sha256, job.device))
    try:
        from tgcnet.cohort.cluster import Cluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError(
            "More than one worker, and a scheduler, need Dask, which is not installed; run: "
            "pip install 'napari-tgcnet[cluster]'"
        ) from error
    return Cluster(
        root=folder.root,
        model=reference,
        device=job.device,
        scheduler=job.scheduler,
        num_workers=job.num_workers,
    )


def _model_and_terms(job: CohortJob) -> tuple[Path, Terms]:
    """The model's folder, and what holds for every mask."""
    model = active_folder() if job.model is None else find_model(job.model)
    manifest = read_manifest(model)
    postprocess = manifest.postprocess
    if job.threshold is not None:
        try:
            postprocess = replace(postprocess, threshold=job.threshold)
        except ConfigError as error:
            raise InputError(f"{error}; leave it out for the model's own") from None
    return model, Terms(
        model=manifest.name,
        sha256=manifest.sha256,
        threshold=postprocess.threshold,
        ending=ENDINGS[job.mask_format],
    )


def _tasks(
    table: CohortTable, folder: CohortFolder, terms: Terms, job: CohortJob
) -> list[StudyTask]:
    hasher = folder.hasher()
    return [
        make_task(study, hasher, terms, runs_without_target=job.runs_without_target)
        for study in table.studies
    ]


def _unsettled_tasks(
    tasks: list[StudyTask], folder: CohortFolder, job: CohortJob
) -> list[StudyTask]:
    """The tasks to run; a study that always kills its process is recorded as failed instead."""
    deaths = count_deaths(read_journal(folder.journal_folder))
    unsettled: list[StudyTask] = []
    for task in tasks:
        record = folder.record(task.study.id)
        if record is not None and _is_settled(record, task, folder, job):
            continue
        if deaths[task.study.id] >= MAX_DEATHS:
            folder.remove(task.study.id)
            give_up(task, folder)
            continue
        unsettled.append(task)
    return unsettled


def _is_settled(record: StudyRecord, task: StudyTask, folder: CohortFolder, job: CohortJob) -> bool:
    if not task.is_met_by(record):
        return False
    if record.status is Status.FAILED:
        return not job.retries_failed
    if record.status is Status.SKIPPED:
        return not job.runs_without_target
    return folder.is_whole(record)


def _run_all(
    executor: _Executor, backlog: Backlog, num_studies: int, on_progress: OnProgress
) -> int:
    """Run all tasks of a backlog; how many studies were settled."""
    num_before, num_now = num_studies - len(backlog), 0
    if not backlog:
        return 0
    # Closed before an error propagates: workers must not outlive the folder's lock.
    with closing(executor.outcomes(backlog)) as outcomes:
        for outcome in outcomes:
            num_now += backlog.settle(outcome)
            on_progress((num_before + num_now) / num_studies)
    return num_now


@contextmanager
def _writes_table_if_stopped(folder: CohortFolder, tasks: list[StudyTask]) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, TgcnetError):
        # The error that stopped the run matters more than a table that cannot be written either.
        with suppress(OutputError):
            write_table(folder, tasks)
        raise


def _ignore(_: object) -> None:
    """Stands in for a callback that was not given."""
