"""What every image tower is: a ViT with taps after four evenly spaced blocks.

Axes: B batch, H W pixels, N patches (h x w), M = 1 + N tokens, C width of the tower, E joint width.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

NUM_TAPS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFeatures:
    """Four tapped maps (B, C, h, w), the last map in the joint space, the pooled image."""

    taps: tuple[Tensor, ...]
    dense: Float[Tensor, "B E h w"]
    pooled: Float[Tensor, "B E"]


class Adapter(nn.Module):
    """A residual bottleneck; its zero-initialised end makes it the identity to start with."""

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        return x + self.up(F.gelu(self.down(self.norm(x))))


class ImageTower(nn.Module, ABC):
    """A ViT whose taps are kept; five small methods hold what differs between implementations.

    With the adapters at zero ``pooled`` equals the original's (tested).
    """

    # A library's module, whose attributes have no types.
    visual: Any

    def __init__(self, *, width: int, num_blocks: int, adapter_width: int) -> None:
        super().__init__()
        self.tap_after = tuple(num_blocks * (i + 1) // NUM_TAPS - 1 for i in range(NUM_TAPS))
        self.adapters = nn.ModuleList(
            Adapter(width, adapter_width) for _ in range(num_blocks if adapter_width else 0)
        )

    @property
    @abstractmethod
    def blocks(self) -> nn.ModuleList | nn.Sequential:
        """The transformer's blocks."""

    @property
    @abstractmethod
    def patches(self) -> nn.Conv2d:
        """What cuts an image into patches."""

    @property
    @abstractmethod
    def learned_positions(self) -> Float[Tensor, "M C"]:
        """At the tower's own side; the class token's first."""

    @abstractmethod
    def embed(self, image: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B M C"]:
        """What the first block reads."""

    @abstractmethod
    def to_joint(self, tokens: Float[Tensor, "B M C"]) -> Float[Tensor, "B M E"]:
        """What follows the last block: each token in the joint space."""

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> ImageFeatures:
        grid = self.grid_of(image)
        x, taps = self._run_blocks(self.embed(image), grid, first=0)
        joint = self.to_joint(x)  # (B, 1 + N, E)
        return ImageFeatures(
            taps=tuple(taps), dense=_to_map(joint[:, 1:], grid), pooled=joint[:, 0]
        )

    def frozen_features(self, image: Float[Tensor, "B 3 H W"]) -> tuple[Tensor, ...]:
        """What no adapter changes: the four taps; with adapters, the first block's tokens."""
        if self.adapters:
            return (self.blocks[0](self.embed(image)),)  # (B, 1 + N, C)
        return tuple(self._run_blocks(self.embed(image), self.grid_of(image), first=0)[1])

    def taps_from(self, frozen: Sequence[Tensor], grid: tuple[int, int]) -> tuple[Tensor, ...]:
        """The four taps, from what :meth:`frozen_features` gave of the same image."""
        if not self.adapters:
            return tuple(frozen)
        return tuple(self._run_blocks(frozen[0], grid, first=1)[1])

    def grid_of(self, image: Float[Tensor, "B 3 H W"]) -> tuple[int, int]:
        """Patches along height and width."""
        height, width = self.patches.stride
        return image.shape[2] // height, image.shape[3] // width

    def with_class_token(
        self, patches: Float[Tensor, "B C h w"], cls: Tensor
    ) -> Float[Tensor, "B M C"]:
        """The class token before the patches, positions added."""
        x = patches.flatten(2).transpose(1, 2)  # (B, N, C)
        x = torch.cat([cls.expand(len(x), 1, -1), x], dim=1)  # (B, 1 + N, C)
        return x + self.position_embedding((patches.shape[2], patches.shape[3]))

    def _run_blocks(
        self, x: Float[Tensor, "B M C"], grid: tuple[int, int], *, first: int
    ) -> tuple[Float[Tensor, "B M C"], list[Tensor]]:
        """From block ``first`` on, or from what follows it where that block is done already."""
        taps: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            if index >= first:
                x = block(x)
            if self.adapters and index >= first - 1:
                x = self.adapters[index](x)
            if index in self.tap_after:
                taps.append(_to_map(x[:, 1:], grid))
        return x, taps

    def position_embedding(self, grid: tuple[int, int]) -> Float[Tensor, "M C"]:
        """The learned positions, resized to ``grid`` as open_clip and timm do it (bicubic)."""
        learned = self.learned_positions  # (1 + N, C)
        side = math.isqrt(len(learned) - 1)
        if grid == (side, side):
            return learned
        positions = learned[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)  # (1, C, side, side)
        positions = F.interpolate(
            positions, size=grid, mode="bicubic", antialias=True, align_corners=False
        )
        return torch.cat([learned[:1], positions[0].flatten(1).T])  # (1 + N, C)


def _to_map(tokens: Float[Tensor, "B N C"], grid: tuple[int, int]) -> Float[Tensor, "B C h w"]:
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *grid)
