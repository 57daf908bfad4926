"""From grey images in [0, 1] to what the image tower reads."""

import torch
from torch import Tensor, nn

from tgcnet.config import PreprocessConfig


class PixelScale(nn.Module):
    """Grey images in [0, 1] to what the image tower reads: three normalised channels."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: PreprocessConfig) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(config.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(config.std)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        pixels = (images - self.mean) / self.std  # (B, 1, S, S) -> (B, 3, S, S)
        return pixels.contiguous(memory_format=torch.channels_last)
