"""Aligning small random towers on image-text pairs, before they are frozen.

OURS, for the embedded model only: no pretrained CLIP of its size is at hand. Near-identical
captions make one-hot contrastive targets mostly false negatives, so targets are soft: two samples
are as alike as their masks. A dense term asks the similarity of a patch and the text, which is
what VLCM later reads, to be high where the text's target is.
Axes: B batch, E joint width, h w patches.
"""

from random import Random

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tgcnet.losses import SegmentationLoss
from tgcnet.models import TgcNet
from tgcnet.models.tmca import mean_over_target
from tgcnet.report import load_knowledge
from tgcnet.train.contrast import Gather, soft_dice, symmetric_cross_entropy
from tgcnet.train.network_inputs import TextEncoder


class TowerAlignment(nn.Module):
    """The towers with what only their pretraining needs: a temperature and an offset.

    ``gather`` as of :class:`tgcnet.train.objective.SegmentationObjective`.
    """

    def __init__(
        self, model: TgcNet, *, tau_init: float, gather: Gather = lambda rows: rows
    ) -> None:
        super().__init__()
        self._gather = gather
        self.image_tower = model.image_tower
        self.text_tower = model.text_tower
        self._encode = TextEncoder(model)
        self.loss = SegmentationLoss(alignment_weight=0.0)
        self.log_scale = nn.Parameter(-torch.tensor(tau_init).log())
        self.offset = nn.Parameter(torch.tensor(-2.0))

    def forward(
        self,
        images: Float[Tensor, "B 3 H W"],
        masks: Float[Tensor, "B K H W"],
        texts: tuple[str, ...],
        *,
        soft_target_tau: float,
        contrastive_weight: float,
    ) -> Float[Tensor, ""]:
        """Dense alignment loss plus the soft contrastive one."""
        dense = self.image_tower(images).dense  # (B, E, h, w)
        text = F.normalize(self._encode(texts).pooled, dim=1)  # (B, E)
        anywhere = masks.amax(dim=1, keepdim=True)  # (B, 1, H, W)
        target = F.adaptive_avg_pool2d(anywhere, dense.shape[2:])  # (B, 1, h, w)
        cosine = (F.normalize(dense, dim=1) * text[:, :, None, None]).sum(1, keepdim=True)
        logits = cosine * self.log_scale.exp() + self.offset
        loss = self.loss.of_map(logits, target)
        pooled = self._gather(F.normalize(mean_over_target(dense, target), dim=1))  # (B, E)
        contrast = symmetric_cross_entropy(
            pooled @ self._gather(text).T * self.log_scale.exp(),
            mask_targets(self._gather(target), tau=soft_target_tau),
        )
        return loss + contrastive_weight * contrast


def mask_targets(target: Float[Tensor, "B 1 h w"], *, tau: float) -> Float[Tensor, "B B"]:
    """Rows of ``softmax(-D / tau)`` with D one minus the soft Dice of two samples' masks."""
    return ((soft_dice(target.flatten(1)) - 1) / tau).softmax(dim=1)


def add_knowledge(texts: tuple[str, ...], share: float, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Some texts followed by a sentence of the knowledge base, so that its words are learnt.

    Parameters
    ----------
    keys : of the samples; each decides for its own text
    """
    sentences = [s for finding in load_knowledge().findings for s in finding.sentences]
    added = []
    for text, key in zip(texts, keys, strict=True):
        random = Random(f"{key}/knowledge")
        is_added = random.random() < share
        added.append(f"{text} {random.choice(sentences)}".strip() if is_added else text)
    return tuple(added)
