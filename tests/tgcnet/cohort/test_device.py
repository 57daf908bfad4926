"""Which GPU a worker takes where a machine has several."""

import errno
import os
from pathlib import Path

import pytest
import torch
from tests.tgcnet.cohort.conftest import MakeTable, Run, rows, task_of

from tgcnet import __version__
from tgcnet.cohort import worker
from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.task import Refusal, WorkerTask
from tgcnet.errors import CheckpointError, EngineError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cards as far as anybody asks."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("name", ["cpu", "cuda:1"])
def test_a_device_that_is_named_is_taken(name: str) -> None:
    assert worker.device_of_worker(name, 0) == name


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_workers_of_a_machine_spread_over_its_cards(name: str) -> None:
    devices = [worker.device_of_worker(name, number) for number in range(3)]
    assert devices == ["cuda:0", "cuda:1", "cuda:0"]


@pytest.mark.usefixtures("two_gpus")
def test_a_worker_without_a_number_takes_the_card_it_is_shown() -> None:
    assert worker.device_of_worker("auto", None) == "auto"


@pytest.mark.usefixtures("two_gpus")
def test_a_single_card_needs_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert worker.device_of_worker("auto", 1) == "auto"


def test_a_worker_with_another_model_refuses(tiny_model_folder: Path, no_user_models: Path) -> None:
    with pytest.raises(CheckpointError, match="0123456789ab… was asked for, expected the same"):
        worker.load_checked(str(tiny_model_folder), "0123456789ab" * 5, "cpu")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "the machine's memory is used up"),
        (torch.OutOfMemoryError("CUDA out of memory."), "the memory of machine or GPU is used up"),
        (RuntimeError("DefaultCPUAllocator: can't allocate"), "machine or GPU is used up"),
        (RuntimeError("CUDA driver error: /patients/Miller"), "RuntimeError"),
        (OSError(errno.EIO, "Input/output error", "/patients/Miller"), "Input/output error"),
        (ImportError("/patients/Miller/libtorch.so"), "ImportError"),
    ],
)
def test_a_machine_that_cannot_load_a_model_says_so_to_whoever_asked(
    cohort: MakeTable, run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("tgcnet.inference.predictor.load_predictor", fail)
    with pytest.raises(EngineError, match="A worker cannot load the model 'mini'") as refused:
        worker.load_checked("/patients/Miller/mini", "0", "cpu")
    assert f"{words})" in str(refused.value)
    assert "Miller" not in str(refused.value)

    run(cohort(rows(1)))
    worker_task = WorkerTask(
        task=task_of(cohort(rows(1)), run.out),
        root=run.out,
        model="mini",
        device="cpu",
        version=__version__,
    )
    assert worker.WorkerState().run_task(worker_task) == Refusal(sentence=str(refused.value))


def test_a_worker_that_may_not_look_at_the_folder_refuses(
    cohort: MakeTable, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own Path.is_file raises there, and Dask would log the task with its text."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    run(cohort(rows(1)))
    folder = CohortFolder(run.out)
    monkeypatch.setattr(Path, "stat", refused)
    monkeypatch.setattr(os, "stat", refused)
    assert not folder.is_there
