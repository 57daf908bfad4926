"""The decoder: from the pyramid and its similarity maps to one logit map per class."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class UpBlock(nn.Module):
    """Doubles the grid and takes in the next finer map: U-Net style, convolutions separable."""

    def __init__(self, *, coarse: int, fine: int, out: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(coarse + fine, out, 1, bias=False)
        self.convs = nn.Sequential(
            nn.GroupNorm(8, out),
            nn.GELU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.GroupNorm(8, out),
            nn.GELU(),
        )

    def forward(
        self, coarse: Float[Tensor, "B K h w"], fine: Float[Tensor, "B M H W"]
    ) -> Float[Tensor, "B C H W"]:
        coarse = F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        return self.convs(self.reduce(torch.cat([coarse, fine], dim=1)))


class Decoder(nn.Module):
    """Pyramid (strides 4, 8, 16, 32), each map with its similarity as one more channel, to logits.

    Parameters
    ----------
    channels : of the pyramid's maps, fine to coarse
    head_channels : at stride 2, the last convolution's grid
    num_classes : logit maps
    """

    def __init__(self, *, channels: Sequence[int], head_channels: int, num_classes: int) -> None:
        super().__init__()
        c4, c8, c16, c32 = channels
        self.up16 = UpBlock(coarse=c32 + 1, fine=c16 + 1, out=c16)
        self.up8 = UpBlock(coarse=c16, fine=c8 + 1, out=c8)
        self.up4 = UpBlock(coarse=c8, fine=c4 + 1, out=c4)
        self.head = nn.Sequential(
            nn.Conv2d(c4, head_channels, 3, padding=1, bias=False),
            nn.GroupNorm(4, head_channels),
            nn.GELU(),
            nn.Conv2d(head_channels, num_classes, 3, padding=1),
        )

    def forward(
        self, pyramid: Sequence[Tensor], similarities: Sequence[Tensor], size: tuple[int, int]
    ) -> Float[Tensor, "B K H W"]:
        f4, f8, f16, f32 = (
            torch.cat([feature_map, similarity], dim=1)
            for feature_map, similarity in zip(pyramid, similarities, strict=True)
        )
        x = self.up4(self.up8(self.up16(f32, f16), f8), f4)  # (B, c4, H / 4, W / 4)
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return F.interpolate(self.head(x), size=size, mode="bilinear", align_corners=False)
