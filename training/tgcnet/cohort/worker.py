"""A process that segments studies: it holds one model on one device and works on one study."""

import contextlib
import os
import sys
import threading
from pathlib import Path
from tempfile import gettempdir

from tgcnet import __version__
from tgcnet.cohort.folder import CohortFolder
from tgcnet.cohort.order import Errand, Outcome, Refusal
from tgcnet.cohort.study import Segments, segment_study
from tgcnet.errors import CheckpointError, EngineError, InputError, TgcnetError
from tgcnet.io.process_lock import running


class Bench:
    """What a process keeps between studies: the model, and the cohort's folder.

    A cluster's worker may have several threads: they take turns, since a model that runs out of
    memory moves to another device under whoever else uses it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: tuple[str, str, str] | None = None
        self._predictor: Segments | None = None
        self._folder: CohortFolder | None = None

    def work(self, errand: Errand) -> Outcome | Refusal:
        """Do an errand.

        Nothing is raised that a user could mend: Dask logs a task that raises with all it was
        given.
        """
        with self._lock:
            try:
                return segment_study(
                    errand.order, self._model(errand), self._cohort_folder(errand.root)
                )
            except TgcnetError as error:
                return Refusal(sentence=str(error))

    def _model(self, errand: Errand) -> Segments:
        if errand.version != __version__:
            raise InputError(
                f"A worker has tgcnet {__version__} and this machine {errand.version}, expected "
                "the same; install the same version everywhere."
            )
        wanted = (errand.model, errand.order.terms.sha256, errand.device)
        if self._predictor is None or self._wanted != wanted:
            self._predictor = None  # first: two of them might not fit into memory
            self._predictor = load_checked(*wanted)
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


_BENCH = Bench()


def work(errand: Errand) -> Outcome | Refusal:
    """Do an errand with what this process keeps."""
    return _BENCH.work(errand)


def load_checked(model: str, sha256: str, device: str) -> Segments:
    """Load a model on a device of this machine that no other worker has.

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

        predictor = load_predictor(model, claim_device(device))
    # Torch says whatever goes wrong in it with a RuntimeError, memory and drivers included.
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


def claim_device(name: str) -> str:
    """A GPU that no other worker of this user on this machine has, where several are to choose.

    Parameters
    ----------
    name : as ``--device`` has it; a GPU by its number, or the processor, is taken as it is

    Returns
    -------
    str
        With more workers than GPUs, some share one.
    """
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name not in ("auto", "cuda") or count < 2:
        return name
    names = [_gpu_name(index) for index in range(count)]
    for index, gpu in enumerate(names):
        if _claim(gpu):
            return f"cuda:{index}"
    return f"cuda:{os.getpid() % count}"


def _gpu_name(index: int) -> str:
    """The card itself: its number depends on what each process is shown."""
    import torch

    return str(getattr(torch.cuda.get_device_properties(index), "uuid", index))


_CANNOT_LOAD = (
    "A worker cannot load the model {0!r} ({1}), expected a machine with room for it and a whole "
    "installation; close other programs, run fewer workers at once, or install again. Finished "
    "studies are kept: run the same command again."
)
_CLAIMS = contextlib.ExitStack()


def _claim(gpu: str) -> bool:
    """Hold a GPU until this process ends, however it ends."""
    # By number: a container may have no name for its user. On Windows the folder is the user's own.
    user = "" if sys.platform == "win32" else f"{os.getuid()}-"
    folder = Path(gettempdir()) / f"tgcnet-{user}gpu-{gpu}"
    try:
        folder.mkdir(exist_ok=True)
        _CLAIMS.enter_context(running(folder))
    except (OSError, TgcnetError):
        return False
    return True
