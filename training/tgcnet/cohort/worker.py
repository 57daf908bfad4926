"""A process that segments studies one after another, with one model on one device."""

import threading
from pathlib import Path

from tgcnet import __version__
from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.segment_study import Segments, segment_study
from tgcnet.cohort.task import Outcome, Refusal, WorkerTask
from tgcnet.errors import CheckpointError, EngineError, InputError, TgcnetError


class WorkerState:
    """What a process keeps between studies: the model, and the cohort's folder.

    A cluster's worker may have several threads. They take turns, since a model that runs out of
    memory moves to another device, which must not happen while another thread uses it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: tuple[str, str, str] | None = None
        self._predictor: Segments | None = None
        self._folder: CohortFolder | None = None

    def run_task(
        self, worker_task: WorkerTask, worker_number: int | None = None
    ) -> Outcome | Refusal:
        """Segment a study; parameters as of :func:`device_of_worker`.

        Nothing is raised that a user could correct: Dask logs a task that raises with all its
        arguments.
        """
        with self._lock:
            try:
                model = self._model(worker_task, worker_number)
                return segment_study(worker_task.task, model, self._cohort_folder(worker_task.root))
            except TgcnetError as error:
                return Refusal(sentence=str(error))

    def _model(self, worker_task: WorkerTask, worker_number: int | None) -> Segments:
        if worker_task.version != __version__:
            raise InputError(
                f"A worker has tgcnet {__version__} and this machine {worker_task.version}, "
                "expected the same; install the same version everywhere."
            )
        wanted = (worker_task.model, worker_task.task.terms.sha256, worker_task.device)
        if self._predictor is None or self._wanted != wanted:
            self._predictor = None  # first: two of them might not fit into memory
            self._predictor = load_checked(*wanted, worker_number)
            self._wanted = wanted
        return self._predictor

    def _cohort_folder(self, root: Path) -> CohortFolder:
        if self._folder is None or self._folder.root != root:
            self._folder = CohortFolder(root)
        if not self._folder.is_there:
            raise InputError(
                f"A worker does not see the cohort's folder {root.name}, expected it and the "
                "images under the same paths on every machine; share that disk with the workers."
            )
        return self._folder


_STATE = WorkerState()


def run_task(worker_task: WorkerTask, worker_number: int | None = None) -> Outcome | Refusal:
    """As :meth:`WorkerState.run_task`, with what this process keeps."""
    return _STATE.run_task(worker_task, worker_number)


def load_checked(
    model: str, sha256: str, device: str, worker_number: int | None = None
) -> Segments:
    """Load a model, and check that it is the one that was asked for.

    Parameters
    ----------
    device, worker_number : as of :func:`device_of_worker`

    Raises
    ------
    DeviceError
        If the device is not there.
    CheckpointError
        If the model is damaged, or is not the one that was asked for.
    EngineError
        If this machine cannot load it: no memory, a library that is broken, a disk that fails.
    """
    try:
        from tgcnet.inference.predictor import load_predictor

        predictor = load_predictor(model, device_of_worker(device, worker_number))
    # Torch raises RuntimeError for whatever goes wrong in it, memory and drivers included.
    except (MemoryError, RuntimeError, OSError, ImportError) as error:
        raise EngineError(_CANNOT_LOAD.format(Path(model).name, _reason(error))) from error
    if predictor.manifest.sha256 != sha256:
        raise CheckpointError(
            f"A worker's model {predictor.manifest.name!r} has SHA-256 "
            f"{predictor.manifest.sha256[:12]}… and {sha256[:12]}… was asked for, expected the "
            "same model everywhere; copy its folder to every machine."
        )
    return predictor


def _reason(error: Exception) -> str:
    """In words without a path: the system's own may hold one."""
    if isinstance(error, MemoryError):
        return "the machine's memory is used up"
    if isinstance(error, RuntimeError):
        from tgcnet.inference.volume_runner import is_out_of_memory

        if is_out_of_memory(error):
            return "the memory of machine or GPU is used up"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def device_of_worker(name: str, worker_number: int | None) -> str:
    """The device of one of several workers on this machine: they spread over its GPUs.

    Parameters
    ----------
    name : as ``--device`` has it; a GPU by its number, or the processor, is taken as it is
    worker_number : of the worker among those of this machine, from 0; None where nobody numbered
        them, and each takes the first GPU that it is shown

    Returns
    -------
    str
        With more workers than GPUs, some share one.
    """
    if worker_number is None or name not in ("auto", "cuda"):
        return name
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return name if count < 2 else f"cuda:{worker_number % count}"


_CANNOT_LOAD = (
    "A worker cannot load the model {0!r} ({1}), expected a machine with room for it and a whole "
    "installation; close other programs, run fewer workers at once, or install again. Finished "
    "studies are kept: run the same command again."
)
