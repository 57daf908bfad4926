"""Which GPU a worker takes where a machine has several."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.tgcnet.cohort.conftest import MakeTable, Run, order_of, rows

from tgcnet import __version__
from tgcnet.cohort import worker
from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.task import Errand, Refusal
from tgcnet.errors import CheckpointError, EngineError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two cards as far as anybody asks, and an empty folder for the claims."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(worker, "_gpu_name", lambda index: f"card{index}")
    monkeypatch.setattr(worker, "gettempdir", lambda: str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def _give_back() -> None:
    yield
    worker._CLAIMS.close()


@pytest.mark.parametrize("name", ["cpu", "cuda:1"])
def test_a_device_that_is_named_is_taken(two_gpus: Path, name: str) -> None:
    assert worker.claim_device(name) == name
    assert list(two_gpus.iterdir()) == []


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_workers_of_a_machine_take_one_card_each(two_gpus: Path, name: str) -> None:
    claim = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tgcnet.io.process_lock import running\n"
        "with running(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    assert worker.claim_device(name) == "cuda:0"
    held = next(two_gpus.iterdir())
    worker._CLAIMS.close()
    command = [sys.executable, "-c", claim, str(held)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        assert worker.claim_device(name) == "cuda:1"
        # Both are taken now, the second by this very process: the next has to share.
        assert worker.claim_device(name) == f"cuda:{os.getpid() % 2}"
        other.stdin.close()
    worker._CLAIMS.close()
    assert worker.claim_device(name) == "cuda:0"


def test_a_single_card_needs_no_claim(two_gpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert worker.claim_device("auto") == "auto"
    assert list(two_gpus.iterdir()) == []


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
    errand = Errand(
        order=order_of(cohort(rows(1)), run.out),
        root=run.out,
        model="mini",
        device="cpu",
        version=__version__,
    )
    assert worker.Bench().work(errand) == Refusal(sentence=str(refused.value))


def test_a_user_without_a_name_can_claim_a_card(
    two_gpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container, a user is often a number that no file knows."""

    def unknown(*_: object) -> None:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", unknown)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert worker.claim_device("auto") == "cuda:0"


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
