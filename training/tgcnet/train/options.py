"""How and on what a recipe is run: nothing here changes what is learnt, beyond rounding."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Accelerator(StrEnum):
    """What computes."""

    AUTO = "auto"
    """GPUs where there is one, else the processor."""
    CPU = "cpu"
    CUDA = "cuda"


class Precision(StrEnum):
    """What matrix products are computed in; weights and optimiser are float32 always."""

    AUTO = "auto"
    """bf16 on GPUs that have it, fp16 on older ones, fp32 on the processor."""
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """Options of one run.

    Attributes
    ----------
    devices : processes on this machine, one a GPU; under torchrun its environment decides
    nodes : machines
    num_workers : processes that prepare samples beside each training process; 0 lets the training
        process do it itself
    cache : decoded images and kept features; None is ``cache`` in the run's folder
    has_tensorboard : write TensorBoard events beside ``log.csv``
    log_every : steps between two lines of the log; an epoch's end has one, too
    """

    accelerator: Accelerator = Accelerator.AUTO
    devices: int = 1
    nodes: int = 1
    precision: Precision = Precision.AUTO
    num_workers: int = 1
    cache: Path | None = None
    has_tensorboard: bool = True
    log_every: int = 20
