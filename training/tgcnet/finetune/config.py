"""What a fine-tuning run is, and sensible defaults."""

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tgcnet.errors import ConfigError

_SEED_BITS = 64

CHECKPOINT_FILE = "run.safetensors"
"""In a run's folder: the last state from which the next loss was fine."""
STOPPED_FILE = "stopped.safetensors"
"""In a run's folder: the last finished step of a run that was stopped."""


class Learns(StrEnum):
    """Which parameters a run changes."""

    STANDARD = "standard"
    """All but the CLIP towers."""
    ADAPTERS = "adapters"
    """Small residual adapters in the image tower, and nothing else."""
    DECODER = "decoder"
    """The decoder alone."""
    ALL = "all"
    """The towers too; no features can be kept then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneJob:
    """Where a run reads and writes.

    Attributes
    ----------
    out : the run's folder; made if absent
    model : the parent, by its name or path; None is the active model
    reference : a three-column folder of at least 100 images; None where there is none
    """

    ledger: Path
    out: Path
    model: str | None = None
    reference: Path | None = None
    device: str = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneConfig:
    """One run.

    Attributes
    ----------
    epochs : None chooses them by the number of images
    replay_share : of each batch, in [0, 1): earlier cases and the reference set, against forgetting
    distil_weight : of the parent's own outputs as soft targets, used where there is no reference
        set
    num_variants : of each image, 1 to 4: plain, mirrored, and both again cropped
    no_text : share of the samples shown without their report
    micro_batch : images at once; a smaller one than ``batch_size`` is accumulated
    adapter_width : bottleneck of the adapters that ``Learns.ADAPTERS`` adds where there are none
    cache_limit_bytes : disk that kept features may take
    """

    learns: Learns = Learns.STANDARD
    epochs: int | None = None
    batch_size: int = 16
    micro_batch: int = 16
    learning_rate: float = 2e-4
    final_rate: float = 1e-6
    weight_decay: float = 0.02
    max_grad_norm: float = 1.0
    replay_share: float = 0.5
    distil_weight: float = 1.0
    num_variants: int = 4
    no_text: float = 0.2
    adapter_width: int = 64
    cache_limit_bytes: int = 4 * 2**30
    checkpoint_every: int = 25
    seed: int = 0

    def __post_init__(self) -> None:
        epochs = 1 if self.epochs is None else self.epochs
        if min(epochs, self.batch_size, self.micro_batch, self.checkpoint_every) < 1:
            raise ConfigError(
                "epochs, batch_size, micro_batch and checkpoint_every must be at least 1, got "
                f"{self.epochs}, {self.batch_size}, {self.micro_batch}, {self.checkpoint_every}"
            )
        if not 1 <= self.num_variants <= 4:
            raise ConfigError(f"num_variants must be 1 to 4, got {self.num_variants}")
        if not 0 <= self.replay_share < 1 or not 0 <= self.no_text <= 1:
            raise ConfigError(
                "replay_share must lie in [0, 1) and no_text in [0, 1], got "
                f"{self.replay_share} and {self.no_text}"
            )
        if self.cache_limit_bytes < 0:
            raise ConfigError(f"cache_limit_bytes must be at least 0, got {self.cache_limit_bytes}")
        if not 0 < self.learning_rate < math.inf:
            raise ConfigError(f"learning_rate must be above 0 and finite, got {self.learning_rate}")
        if not 0 <= self.seed < 2**_SEED_BITS:
            raise ConfigError(f"seed must lie in [0, 2**{_SEED_BITS}), got {self.seed}")


def default_epochs(num_images: int) -> int:
    """About 1,500 samples in all, in 4 to 30 epochs: fewer images are seen more often."""
    return min(30, max(4, round(1500 / max(1, num_images))))
