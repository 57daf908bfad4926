"""One training step's forward pass as a module, so that Fabric wraps all that learns at once."""

from torch import Tensor, nn

from tgcnet.losses import SegmentationLoss
from tgcnet.models import TgcNet
from tgcnet.train.texts import TextEncoder


class SegmentationObjective(nn.Module):
    """The loss of a batch, and what VLCM's gates did."""

    def __init__(self, model: TgcNet, *, alignment_weight: float) -> None:
        super().__init__()
        self.model = model
        self.loss = SegmentationLoss(alignment_weight=alignment_weight)
        self._encode = TextEncoder(model)

    def forward(
        self, images: Tensor, masks: Tensor, texts: tuple[str, ...]
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """``images`` (B, 3, S, S) normalised, ``masks`` (B, C, S, S) binary."""
        output = self.model(images, self._encode(texts))
        # Strides 8 and 16: at 4 the map is mere texture, at 32 seven cells a side.
        return self.loss(output.logits, masks, output.similarities[1:3]), dict(output.gates)
