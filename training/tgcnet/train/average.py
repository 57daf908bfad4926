"""The exponential moving average of what learns; what is frozen is shared, not copied."""

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor

from tgcnet.models import SegmentationModel


class MovingAverage:
    """``average = decay * average + (1 - decay) * weights`` after each step.

    Attributes
    ----------
    model : the averaged network; the very one that learns where ``decay`` is 0
    """

    def __init__(self, model: SegmentationModel, *, decay: float) -> None:
        self._decay = decay
        self._learning = {n: p for n, p in model.named_parameters() if p.requires_grad}
        if not decay:
            self.model, self._averaged = model, {}
            return
        frozen = [p for p in model.parameters() if not p.requires_grad]
        shared: list[Tensor] = [*frozen, *model.buffers()]
        self.model = deepcopy(model, {id(tensor): tensor for tensor in shared})
        own = dict(self.model.named_parameters())
        self._averaged = {name: own[name] for name in self._learning}

    @torch.no_grad()
    def update(self, *, step: int) -> None:
        """After step ``step`` of a run, from 1; the first takes the weights as they are."""
        if not self._averaged:
            return
        averaged: list[Tensor] = [*self._averaged.values()]
        learning: list[Tensor] = [*self._learning.values()]
        if step == 1:
            torch._foreach_copy_(averaged, learning)
        else:
            torch._foreach_lerp_(averaged, learning, 1 - self._decay)

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps: the averaged parameters, by name; none without an average."""
        return dict(self._averaged)

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        for name, parameter in self._averaged.items():
            parameter.copy_(state[name])
