"""The loss of fine-tuning: that of training and, without a reference set, a distillation loss."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tgcnet.models import SegmentationModel
from tgcnet.train.network_inputs import TextEncoder
from tgcnet.train.objective import Objective, SegmentationObjective


class FinetuneObjective(nn.Module):
    """Loss of a batch of views.

    Parameters
    ----------
    parent : the model as it was, frozen; None where a reference set guards against forgetting
    distil_weight : of the cross-entropy with the parent's probabilities, taken where the person
        agreed with the parent: there, nothing has to change
    """

    def __init__(
        self, model: SegmentationModel, parent: SegmentationModel | None, *, distil_weight: float
    ) -> None:
        super().__init__()
        self.model = model
        self.objective = SegmentationObjective(model, Objective())
        # In a tuple, so that it is no child: nothing trains, moves or saves it by accident.
        self._parent = (parent,)
        self._parent_encode = None if parent is None else TextEncoder(parent)
        self._distil_weight = distil_weight
        # What is kept of the tower ends before its adapters: a parent without any needs more.
        self._shares_features = parent is not None and parent.has_adapters == model.has_adapters

    def forward(
        self,
        images: Tensor,
        masks: Tensor,
        texts: tuple[str, ...],
        frozen: Sequence[Tensor] | None,
    ) -> Tensor:
        """``images`` (B, 3, S, S) normalised, ``masks`` (B, C, S, S) binary."""
        loss: Tensor
        loss, output = self.objective.loss_and_output(images, masks, texts, frozen)
        if self._parent[0] is not None and self._parent_encode is not None:
            kept = frozen if self._shares_features else None
            with torch.no_grad():
                soft = self._parent[0](images, self._parent_encode(texts), kept).logits.sigmoid()
            agreed = ((soft > 0.5) == (masks > 0.5)).float()
            apart = F.binary_cross_entropy_with_logits(output.logits, soft, reduction="none")
            loss = loss + self._distil_weight * (apart * agreed).mean()
        return loss
