"""Several processes train as one does: the same samples, the same loss, the same weights."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from tests.tgcnet.train.same_curve import CASES, RESUMED_AFTER, run_case

from tgcnet.errors import DeviceError, InputError
from tgcnet.train.batch_loader import Share
from tgcnet.train.checkpoint import FOLDER
from tgcnet.train.data.training_set import SampleKey
from tgcnet.train.fabric import build_fabric, gather_rows, share_of_batch
from tgcnet.train.options import Accelerator, Precision, RunOptions

ROOT = Path(__file__).parents[3]
TOLERANCE = 1e-5


def one_process() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case, run by two processes on this machine's processor."""
    folder = tmp_path_factory.mktemp("two")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launch, "-m", "tests.tgcnet.train.same_curve", str(folder)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_loss_curve_of_one_with_twice_the_batch(
    by_two: Path, tmp_path: Path, case: str
) -> None:
    shared = [(s, i, v) for s, i, v in json.loads((by_two / case / "curve.json").read_text())]
    alone, weights = run_case(case, tmp_path / "one", one_process())
    assert [(stage, step) for stage, step, _ in shared] == [(s, i) for s, i, _ in alone]
    assert len({loss for _, _, loss in alone}) == len(alone) >= 4
    for (_, _, ours), (_, _, theirs) in zip(alone, shared, strict=True):
        assert theirs == pytest.approx(ours, abs=TOLERANCE)
    averaged = torch.load(by_two / case / "weights.pt", weights_only=True)
    for name, tensor in weights.items():
        torch.testing.assert_close(averaged[name], tensor, rtol=0, atol=2e-4, msg=name)


def test_one_process_goes_on_where_two_stopped(by_two: Path, tmp_path: Path) -> None:
    shared = json.loads((by_two / "mini" / "curve.json").read_text())
    checkpoints = tmp_path / "one" / FOLDER
    checkpoints.mkdir(parents=True)
    name = f"train-{RESUMED_AFTER:08}.safetensors"
    shutil.copy(by_two / "mini" / FOLDER / name, checkpoints)
    rest, _ = run_case("mini", tmp_path / "one", one_process(), resume=True)
    expected = [entry for entry in shared if entry[1] > RESUMED_AFTER]
    assert [step for _, step, _ in rest] == [step for _, step, _ in expected] == [3, 4]
    for (_, _, ours), (_, _, theirs) in zip(rest, expected, strict=True):
        assert ours == pytest.approx(theirs, abs=TOLERANCE)


def test_two_processes_go_on_where_two_stopped(by_two: Path) -> None:
    """From the checkpoint that the first one finds, whatever the second one sees of the disk."""
    whole = json.loads((by_two / "tmca" / "curve.json").read_text())
    rest = json.loads((by_two / "resumed" / "curve.json").read_text())
    assert rest == [entry for entry in whole if entry[1] > RESUMED_AFTER]
    ours, theirs = (
        torch.load(by_two / name / "weights.pt", weights_only=True) for name in ("resumed", "tmca")
    )
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def told_by(folder: Path) -> list[Any]:
    """What each of the two processes says."""
    return [json.loads((folder / f"told-{rank}.json").read_text()) for rank in range(2)]


def test_gathered_rows_have_the_gradient_of_the_loss_in_every_process(by_two: Path) -> None:
    first, second = (told["gathered"] for told in told_by(by_two))
    assert first["rows"] == second["rows"] == [[1.0], [10.0], [2.0], [11.0]]
    assert first["gradient"] == [[11.0], [22.0]]
    assert second["gradient"] == [[33.0], [44.0]]


def test_one_process_gathers_its_own_rows() -> None:
    rows = torch.ones(2, 3, requires_grad=True)
    assert gather_rows(one_process(), rows) is rows


def test_both_processes_end_early_at_the_same_step(by_two: Path) -> None:
    assert [told["ended"] for told in told_by(by_two)] == [2, 2]


def test_what_one_process_finds_or_refuses_all_of_them_know(by_two: Path) -> None:
    for rank, told in enumerate(told_by(by_two)):
        assert told["agreed"] == ["0", f"turn of {rank}", "refused by 0", "refused by 1"]


def test_every_sample_of_a_batch_is_seen_by_one_process() -> None:
    keys = [SampleKey(epoch=0, position=i, index=i, side_px=64) for i in range(6)]
    parts = [Share(rank=rank, num_processes=3).of(keys) for rank in range(3)]
    assert [key for part in parts for key in part] == keys


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    assert share_of_batch(16, 4) == 4
    with pytest.raises(InputError, match="a batch of 16 samples cannot be shared evenly by 3"):
        share_of_batch(16, 3)


def test_torchrun_decides_how_many_processes_there_are() -> None:
    environment = {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "6"}
    options = RunOptions(accelerator=Accelerator.CPU, devices=1)
    fabric = build_fabric(options, environment)
    strategy: Any = fabric.strategy
    assert (strategy.num_processes, strategy.num_nodes) == (2, 3)


def test_a_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="2 GPUs were asked for and this machine has 0"):
        build_fabric(RunOptions(accelerator=Accelerator.CUDA, devices=2), {})
    with pytest.raises(DeviceError, match="fp16 was asked for on the processor"):
        build_fabric(RunOptions(precision=Precision.FP16), {})


@pytest.mark.parametrize(
    ("has_bf16", "asked", "expected"),
    [
        (True, Precision.AUTO, "bf16-mixed"),
        (False, Precision.AUTO, "16-mixed"),
        (True, Precision.FP32, "32-true"),
    ],
)
def test_the_precision_goes_by_the_device(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, asked: Precision, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bf16)
    made: dict[str, Any] = {}

    def make(**options: Any) -> Fabric:
        made.update(options)
        return one_process()

    monkeypatch.setattr("tgcnet.train.fabric.Fabric", make)
    build_fabric(RunOptions(precision=asked), {})
    assert (made["accelerator"], made["precision"]) == ("cuda", expected)


def test_bf16_is_refused_where_a_gpu_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    with pytest.raises(DeviceError, match="bf16 was asked for and this GPU has none"):
        build_fabric(RunOptions(precision=Precision.BF16), {})
