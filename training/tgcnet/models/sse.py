"""SSE, the Semantic-Structural Synergy Encoder: CLIP's taps refined by a CNN pyramid.

OURS (the abstract says only that a CNN branch adds multi-scale structure): per stride, the tap is
resized and projected; the CNN's map is projected; both are concatenated, convolved, and added
through a per-channel scale that starts at zero, so that step 0 is plain CLIP.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tgcnet.models.cnn import CnnPyramid


class TapProjection(nn.Module):
    """Plain CLIP at one stride: the tap, projected and resized to the pyramid's grid."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.project = nn.Conv2d(width, channels, 1)

    def forward(
        self, tap: Float[Tensor, "B K h w"], grid: tuple[int, int]
    ) -> Float[Tensor, "B C H W"]:
        # Project first: the 1x1 convolution commutes with the resizing and is cheaper on 14 x 14.
        return F.interpolate(
            self.project(self.norm(tap)), size=grid, mode="bilinear", align_corners=False
        )


class ScaleFusion(nn.Module):
    """One stride of SSE."""

    def __init__(self, channels: int, cnn_channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(cnn_channels, channels, 1)
        self.fuse = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, padding=1, bias=False),
            nn.GroupNorm(8, channels),
            nn.GELU(),
        )
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(
        self, clip_map: Float[Tensor, "B C H W"], cnn_map: Float[Tensor, "B K H W"]
    ) -> Float[Tensor, "B C H W"]:
        both = torch.cat([clip_map, self.project(cnn_map)], dim=1)  # (B, 2C, H, W)
        return clip_map + self.scale * self.fuse(both)


class Sse(nn.Module):
    """The pyramid: plain CLIP's four maps, each with its share of the CNN."""

    cnn: CnnPyramid

    def __init__(self, cnn: CnnPyramid, fusions: Sequence[ScaleFusion]) -> None:
        super().__init__()
        self.cnn = cnn
        self.fusions = nn.ModuleList(fusions)

    def forward(self, image: Float[Tensor, "B 3 H W"], clip_maps: Sequence[Tensor]) -> list[Tensor]:
        cnn_maps = self.cnn(image)
        return [
            fuse(clip_map, cnn_map)
            for fuse, clip_map, cnn_map in zip(self.fusions, clip_maps, cnn_maps, strict=True)
        ]
