"""What the network reads in training: normalised pixels and encoded texts."""

from functools import lru_cache

import torch
from torch import Tensor, nn

from tgcnet.config import PreprocessConfig
from tgcnet.domain import EncodedText
from tgcnet.models import SegmentationModel, SentenceMemory, TextFeatures
from tgcnet.report import read_report


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


class TextEncoder:
    """Encodes the texts of a batch with the network's tower and its DATE.

    What a frozen tower makes of a sentence is remembered: captions repeat, knowledge always does.
    Its weights must not be replaced while this lives.
    """

    def __init__(self, model: SegmentationModel) -> None:
        self._model = model
        self._read = lru_cache(maxsize=20_000)(self._read_one)
        self._memory = SentenceMemory()

    def __call__(self, texts: tuple[str, ...]) -> TextFeatures:
        learns = any(p.requires_grad for p in self._model.text_tower.parameters())
        memory = None if learns else self._memory
        return self._model.encode_text([self._read(text) for text in texts], memory)

    def _read_one(self, text: str) -> EncodedText:
        return self._model.read_text(read_report(text))
