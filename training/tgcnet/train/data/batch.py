"""What training is shown: a sample, and a batch of them.

Axes: B batch, K classes, S side of the square.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """An image, the text it is shown with, and what answers the text.

    Attributes
    ----------
    image : in [0, 1]
    masks : binary, one plane a class
    key : seeds whatever else is drawn for this sample, in whatever batch it comes
    frozen : the image's kept features, (...) float16 each; None where they are computed anew
    """

    image: Float[Tensor, "1 S S"]
    masks: Float[Tensor, "K S S"]
    text: str
    key: str = ""
    frozen: tuple[Tensor, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Samples side by side; ``frozen`` (B, ...) each, float32 once on a device."""

    images: Float[Tensor, "B 1 S S"]
    masks: Float[Tensor, "B K S S"]
    texts: tuple[str, ...]
    keys: tuple[str, ...]
    frozen: tuple[Tensor, ...] | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on a device; from pinned memory without waiting for it."""
        frozen = self.frozen
        if frozen is not None:
            frozen = tuple(tap.to(device, non_blocking=True).float() for tap in frozen)
        return replace(
            self,
            images=self.images.to(device, non_blocking=True),
            masks=self.masks.to(device, non_blocking=True),
            frozen=frozen,
        )

    def pin_memory(self) -> "Batch":
        """The same in memory that a GPU reads by itself; torch's loader asks for it."""
        return replace(
            self,
            images=self.images.pin_memory(),
            masks=self.masks.pin_memory(),
            frozen=None if self.frozen is None else tuple(t.pin_memory() for t in self.frozen),
        )


def collate(samples: Sequence[Sample]) -> Batch:
    """Samples of one size as a batch."""
    frozen = [sample.frozen for sample in samples if sample.frozen is not None]
    return Batch(
        images=torch.stack([sample.image for sample in samples]),
        masks=torch.stack([sample.masks for sample in samples]),
        texts=tuple(sample.text for sample in samples),
        keys=tuple(sample.key for sample in samples),
        frozen=tuple(torch.stack(tap) for tap in zip(*frozen, strict=True)) if frozen else None,
    )


def to_planes(labels: np.ndarray, num_classes: int) -> Float[Tensor, "K S S"]:
    """Labels (S, S) as one binary plane a class."""
    values = np.arange(1, num_classes + 1, dtype=np.uint8)
    return torch.from_numpy(labels == values[:, None, None]).float()


def harden(shares: Float[Tensor, "K S S"]) -> Float[Tensor, "K S S"]:
    """Binary planes of resampled ones: marked where more than half is, by the class with most."""
    if len(shares) == 1:
        return (shares > 0.5).float()
    is_marked = shares.sum(dim=0) > 0.5
    most = torch.nn.functional.one_hot(shares.argmax(dim=0), len(shares))  # (S, S, K)
    return (most.permute(2, 0, 1) * is_marked).float()
