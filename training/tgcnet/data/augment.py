"""Augmentation of a batch, image and mask together, on tensors.

Every random number of a sample comes from its own seed, so a sample looks the same in whatever
batch, process or order it is drawn. A mirrored image has its text's sides swapped by the caller.
Axes: B batch, S side of the square.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentConfig:
    """Ranges; a value is drawn uniformly in [-range, range] unless said otherwise."""

    rotation_deg: float = 12.0
    log_zoom: float = 0.18
    shift: float = 0.07
    """As a share of the side."""
    log_gamma: float = 0.35
    contrast: float = 0.2
    brightness: float = 0.12
    noise: float = 0.03
    """Upper end of the standard deviation, drawn from 0."""


def augment(
    images: Float[Tensor, "B 1 S S"],
    masks: Float[Tensor, "B 1 S S"],
    seeds: list[int],
    config: AugmentConfig,
    side_px: int,
) -> tuple[Float[Tensor, "B 1 T T"], Float[Tensor, "B 1 T T"]]:
    """Rotate, zoom, shift and change intensities; the result has ``side_px`` pixels a side.

    ``images`` in [0, 1] stay there; ``masks`` stay binary.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    draws = torch.stack([torch.rand(8, generator=g) for g in generators]) * 2 - 1  # (B, 8)
    grid = F.affine_grid(
        _affine(draws, config), [len(images), 1, side_px, side_px], align_corners=False
    )
    images = F.grid_sample(images, grid, mode="bilinear", align_corners=False)
    masks = F.grid_sample(masks, grid, mode="bilinear", align_corners=False)
    gamma = (draws[:, 4] * config.log_gamma).exp()[:, None, None, None]
    contrast = 1 + draws[:, 5, None, None, None] * config.contrast
    brightness = draws[:, 6, None, None, None] * config.brightness
    images = images.clamp(0, 1) ** gamma
    images = (images - 0.5) * contrast + 0.5 + brightness
    deviation = draws[:, 7, None, None, None].clamp(min=0) * config.noise
    noise = torch.stack([torch.randn(1, side_px, side_px, generator=g) for g in generators])
    return (images + deviation * noise).clamp(0, 1), (masks > 0.5).float()


def _affine(draws: Float[Tensor, "B 8"], config: AugmentConfig) -> Float[Tensor, "B 2 3"]:
    """Output to input coordinates, both in [-1, 1]."""
    angle = draws[:, 0] * math.radians(config.rotation_deg)
    zoom = (draws[:, 1] * config.log_zoom).exp()
    shift = draws[:, 2:4] * 2 * config.shift
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    return torch.stack(
        [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1
    )
