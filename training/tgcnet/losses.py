"""What training minimises. Both terms are averaged per sample, so processes and batches agree."""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from monai.losses import DiceLoss
from torch import Tensor, nn


class SegmentationLoss(nn.Module):
    """Soft Dice + binary cross-entropy on logits, equal weights, and the same on similarity maps.

    The second part (OURS, weight ``alignment_weight``) drives VLCM's calibrated similarity, read
    as a logit map, to be high where the text's target is: cross-modal alignment supervised by the
    target itself.
    """

    def __init__(self, *, alignment_weight: float) -> None:
        super().__init__()
        self.alignment_weight = alignment_weight
        # smooth = 1 gives an empty mask a Dice term that drives the prediction to empty.
        self.dice = DiceLoss(sigmoid=True, smooth_nr=1.0, smooth_dr=1.0)

    def forward(
        self,
        logits: Float[Tensor, "B C H W"],
        masks: Float[Tensor, "B C H W"],
        similarities: Sequence[Tensor] = (),
    ) -> Float[Tensor, ""]:
        loss = self.of_map(logits, masks)
        for similarity in similarities:
            height, width = similarity.shape[2:]
            anywhere = masks.amax(dim=1, keepdim=True)  # (B, 1, H, W)
            target = F.adaptive_avg_pool2d(anywhere, (height, width))
            loss = loss + self.alignment_weight * self.of_map(similarity, target)
        return loss

    def of_map(
        self, logits: Float[Tensor, "B C H W"], target: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, ""]:
        """Dice + cross-entropy of one map of logits against targets in [0, 1]."""
        dice: Tensor = self.dice(logits, target)
        return dice + F.binary_cross_entropy_with_logits(logits, target)
