"""Which GPU a worker takes where a machine has several."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tgcnet.errors import CheckpointError
from tgcnet.inference.cohort import worker


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
        "from tgcnet.runs.lock import running\n"
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
