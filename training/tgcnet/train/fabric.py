"""Lightning Fabric for the devices asked for, and processes that agree with each other."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch import Tensor, distributed

from tgcnet.errors import DeviceError, InputError, TgcnetError
from tgcnet.train.options import Accelerator, Precision, RunOptions

_T = TypeVar("_T")

# The other processes wait while the first one decodes and validates.
_LONGEST_WAIT = timedelta(hours=6)
FabricPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]


def build_fabric(options: RunOptions, environment: Mapping[str, str] = os.environ) -> Fabric:
    """What the run is computed with; its processes are not started yet.

    Parameters
    ----------
    environment : torchrun's, where it started this process, decides how many there are

    Raises
    ------
    DeviceError
        If a device or a precision was asked for that is not here.
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        devices = int(environment["LOCAL_WORLD_SIZE"])
        nodes = int(environment["WORLD_SIZE"]) // devices
    else:
        devices, nodes = options.devices, options.nodes
    accelerator = _accelerator(options.accelerator, devices)
    strategy: Strategy | Literal["auto"] = "auto"
    if devices * nodes > 1:
        strategy = DDPStrategy(
            # DATE learns nothing from a batch that names no finding.
            find_unused_parameters=True,
            timeout=_LONGEST_WAIT,
        )
    return Fabric(
        accelerator=accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        precision=_precision(options.precision, accelerator),
    )


def share_of_batch(batch_size: int, num_processes: int) -> int:
    """How many samples of a batch each process gets.

    Raises
    ------
    InputError
        If they cannot be shared evenly.
    """
    if batch_size % num_processes:
        raise InputError(
            f"a batch of {batch_size} samples cannot be shared evenly by {num_processes} "
            "processes, expected a multiple; choose another number of devices, or another "
            "batch_size in the recipe"
        )
    return batch_size // num_processes


def gather_rows(fabric: Fabric, rows: Tensor) -> Tensor:
    """The rows of all processes in their order, (B, ...) each, with gradients to all of them."""
    if fabric.world_size == 1:
        return rows
    gathered: Tensor = _GatherRows.apply(rows.contiguous())
    return gathered


class _GatherRows(torch.autograd.Function):
    """Every process has a loss of all rows, so a row's gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, rows)
        ctx.num_rows = len(rows)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        first = distributed.get_rank() * ctx.num_rows
        return total[first : first + ctx.num_rows]


def _accelerator(asked: Accelerator, devices: int) -> Literal["cpu", "cuda"]:
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked is Accelerator.CPU or (asked is Accelerator.AUTO and not num_gpus):
        return "cpu"
    if devices > num_gpus:
        raise DeviceError(
            f"{devices} GPUs were asked for and this machine has {num_gpus}, expected at most as "
            "many; give a smaller --devices, or --accelerator cpu"
        )
    return "cuda"


def _precision(asked: Precision, accelerator: Literal["cpu", "cuda"]) -> FabricPrecision:
    has_bf16 = accelerator == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)
    if asked is Precision.AUTO:
        asked = (
            Precision.FP32 if accelerator == "cpu"
            else Precision.BF16 if has_bf16
            else Precision.FP16
        )  # fmt: skip
    if asked is Precision.FP16 and accelerator == "cpu":
        raise DeviceError(
            "fp16 was asked for on the processor, which computes it slower than fp32; expected "
            "--precision fp32 or bf16 there"
        )
    if asked is Precision.BF16 and not has_bf16:
        raise DeviceError(
            "bf16 was asked for and this GPU has none, expected --precision fp16 or fp32"
        )
    names: dict[Precision, FabricPrecision] = {
        Precision.FP32: "32-true",
        Precision.BF16: "bf16-mixed",
        Precision.FP16: "16-mixed",
    }
    return names[asked]


def first_decides(fabric: Fabric, decide: Callable[[], _T]) -> _T:
    """What the first process finds, sent to all: on a shared disk each might see another state.

    Raises
    ------
    TgcnetError
        The first one's, in every process: nobody waits for a process that has given up.
    """
    found: list[_T] = []
    if fabric.is_global_zero:
        _agree(fabric, _refusal_of(lambda: found.append(decide())))
    else:
        _agree(fabric, None)
    received: list[_T] = fabric.broadcast(found)
    return received[0]


def in_turn(fabric: Fabric, work: Callable[[], _T]) -> _T:
    """What every process does for itself, on each machine the first process before the others.

    The first one downloads or decodes, and the others find what it left.

    Raises
    ------
    TgcnetError
        Of any process, in every process.
    """
    done: list[_T] = []
    is_first = fabric.local_rank == 0
    for is_its_turn in (is_first, not is_first):
        refusal = _refusal_of(lambda: done.append(work())) if is_its_turn else None
        _agree(fabric, refusal)
    return done[0]


def leave_together(fabric: Fabric) -> None:
    """End the process group once all processes are done; the last step of a run.

    Left to the interpreter's exit, gloo's threads outlive what they use and abort the process.
    """
    if fabric.world_size > 1:
        fabric.barrier()
        distributed.destroy_process_group()


def _refusal_of(work: Callable[[], None]) -> TgcnetError | None:
    try:
        work()
    except TgcnetError as refusal:
        return refusal
    return None


def _agree(fabric: Fabric, refusal: TgcnetError | None) -> None:
    """Wait for all processes; where one refuses, they all do."""
    refusals = [refusal]
    if fabric.world_size > 1:
        refusals *= fabric.world_size
        distributed.all_gather_object(refusals, refusal)
    for refused in refusals:
        if refused is not None:
            raise refused
