"""``segment_cohort``: thousands of studies, resumable, one mask and one record each."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import tgcnet.weights
from tgcnet.cohort.backlog import MOST_DEATHS, Backlog, give_up
from tgcnet.cohort.folder import TABLE_FILE, CohortFolder
from tgcnet.cohort.journal import count_deaths, read_journal
from tgcnet.cohort.manifest import CohortTable, read_cohort
from tgcnet.cohort.order import Order, Outcome
from tgcnet.cohort.record import Status, StudyRecord, Terms
from tgcnet.cohort.results import summarise, write_table
from tgcnet.cohort.study import Segments, segment_study
from tgcnet.cohort.summary import CohortSummary
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
    out : the cohort's folder; made where it is absent, gone on with where it was begun
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

    A study that fails is recorded and passed over. Stopped or killed, the run goes on when it is
    started again: a study is done if its record fits its row and the mask's hash is right.

    Parameters
    ----------
    on_progress : receives the settled fraction of all studies, in [0, 1]
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
    model, terms = _agree(job)
    folder = CohortFolder(job.out)
    crew = _crew(job, model, terms, folder)
    for notice in table.notices:
        (on_notice or _nobody)(notice)
    folder.make()
    with running(folder.root):
        folder.begin(terms)
        orders = _orders(table, folder, terms, job)
        backlog = Backlog(folder, _unsettled(orders, folder, job))
        with _table_although_stopped(folder, orders):
            num_now = _work(crew, backlog, len(orders), on_progress or _nobody)
        records = write_table(folder, orders)
    return summarise(folder, terms, orders, records, num_now, time.perf_counter() - start)


@runtime_checkable
class _Crew(Protocol):
    """Whoever does what is in a backlog."""

    def outcomes(self, backlog: Backlog) -> Generator[Outcome, None, None]:
        """Every order's outcome; whoever is given one may add to the backlog."""


class _Alone:
    """The calling process with its model, loaded when it is first needed."""

    def __init__(self, folder: CohortFolder, load: Callable[[], Segments]) -> None:
        self._folder, self._load = folder, load
        # What can be refused is refused before anything is written.
        self._predictor = None if folder.is_there else load()

    def outcomes(self, backlog: Backlog) -> Generator[Outcome, None, None]:
        predictor = self._predictor or self._load()
        while (order := backlog.take()) is not None:
            yield segment_study(order, predictor, self._folder)


def _crew(job: CohortJob, model: Path, terms: Terms, folder: CohortFolder) -> _Crew:
    # A shipped model lies elsewhere on another machine, under the same name.
    is_shipped = model.parent == Path(tgcnet.weights.__file__).parent
    reference = terms.model if is_shipped else str(model.absolute())
    if job.is_in_this_process:
        return _Alone(folder, partial(load_checked, reference, terms.sha256, job.device))
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


def _agree(job: CohortJob) -> tuple[Path, Terms]:
    """The model's folder, and what holds for every mask; no torch."""
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


def _orders(table: CohortTable, folder: CohortFolder, terms: Terms, job: CohortJob) -> list[Order]:
    key = folder.key()
    return [
        Order(
            study=study,
            fingerprint=key.fingerprint(study),
            row_hash=key.of_row(study),
            report_hash=key.of_report(study.report),
            terms=terms,
            runs_without_target=job.runs_without_target,
        )
        for study in table.studies
    ]


def _unsettled(orders: list[Order], folder: CohortFolder, job: CohortJob) -> list[Order]:
    """What is to be done; a study that always kills its process is recorded instead."""
    deaths = count_deaths(read_journal(folder.journal_folder))
    unsettled: list[Order] = []
    for order in orders:
        record = folder.record(order.study.id)
        if record is not None and _is_settled(record, order, folder, job):
            continue
        if deaths[order.study.id] >= MOST_DEATHS:
            folder.remove(order.study.id)
            give_up(order, folder)
            continue
        unsettled.append(order)
    return unsettled


def _is_settled(record: StudyRecord, order: Order, folder: CohortFolder, job: CohortJob) -> bool:
    if not order.is_met_by(record):
        return False
    if record.status is Status.FAILED:
        return not job.retries_failed
    if record.status is Status.SKIPPED:
        return not job.runs_without_target
    return folder.is_whole(record)


def _work(crew: _Crew, backlog: Backlog, num_studies: int, on_progress: OnProgress) -> int:
    """Do all that is in a backlog; how many studies were settled."""
    num_before, num_now = num_studies - len(backlog), 0
    if not backlog:
        return 0
    # Closed before an error goes on: workers must not outlive the folder's lock.
    with closing(crew.outcomes(backlog)) as outcomes:
        for outcome in outcomes:
            num_now += backlog.settle(outcome)
            on_progress((num_before + num_now) / num_studies)
    return num_now


@contextmanager
def _table_although_stopped(folder: CohortFolder, orders: list[Order]) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, TgcnetError):
        # What stopped the run is worth saying, not that the table could not be written either.
        with suppress(OutputError):
            write_table(folder, orders)
        raise


def _nobody(_: object) -> None:
    """Receives what nobody asked to hear."""
