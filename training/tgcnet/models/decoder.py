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
    """A pyramid (strides 4, 8, 16, 32) to logits.

    Parameters
    ----------
    inputs : channels of the pyramid's maps, fine to coarse
    channels : of the decoder's own maps there
    head_channels : at stride 2, the last convolution's grid
    num_classes : logit maps
    """

    def __init__(
        self,
        *,
        inputs: Sequence[int],
        channels: Sequence[int],
        head_channels: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        i4, i8, i16, i32 = inputs
        c4, c8, c16, _ = channels
        self.up16 = UpBlock(coarse=i32, fine=i16, out=c16)
        self.up8 = UpBlock(coarse=c16, fine=i8, out=c8)
        self.up4 = UpBlock(coarse=c8, fine=i4, out=c4)
        self.head = nn.Sequential(
            nn.Conv2d(c4, head_channels, 3, padding=1, bias=False),
            nn.GroupNorm(4, head_channels),
            nn.GELU(),
            nn.Conv2d(head_channels, num_classes, 3, padding=1),
        )

    def forward(self, pyramid: Sequence[Tensor], size: tuple[int, int]) -> Float[Tensor, "B K H W"]:
        f4, f8, f16, f32 = pyramid
        x = self.up4(self.up8(self.up16(f32, f16), f8), f4)  # (B, c4, H / 4, W / 4)
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return F.interpolate(self.head(x), size=size, mode="bilinear", align_corners=False)
