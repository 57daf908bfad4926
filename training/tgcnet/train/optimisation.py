"""How weights change: learning rates over a run, groups of parameters, the moving average."""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from tgcnet.models import SegmentationModel
from tgcnet.train.config import Phase, TrainConfig

_GATES = ("scale", "gamma", "log_tau")


def cycle_lengths(phases: Sequence[Phase], steps_per_epoch: int) -> list[int]:
    """Steps of each cycle of the rate; a phase that restarts it begins one."""
    cycles: list[int] = []
    for phase in phases:
        if phase.restarts_rate or not cycles:
            cycles.append(0)
        cycles[-1] += phase.epochs * steps_per_epoch
    return cycles


def rate_scale(step: int, cycles: Sequence[int], *, warmup_steps: int) -> tuple[float, float]:
    """The warm-up's factor and the cosine's, both in [0, 1], at ``step`` of a run, from 1.

    Without ``warmup_steps`` the first factor is 1 throughout.
    """
    earlier = list(cycles[:-1])
    while earlier and step > earlier[0]:
        step -= earlier.pop(0)
    length = earlier[0] if earlier else cycles[-1]
    cosine = (1 + math.cos(math.pi * min(1.0, step / length))) / 2
    warm = min(1.0, step / warmup_steps) if warmup_steps else 1.0
    return warm, cosine


def parameter_groups(model: SegmentationModel, config: TrainConfig) -> list[dict[str, object]]:
    """What learns, in groups of rate and decay: zero-initialised gates fast, the CNN slowly."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate, decay = config.learning_rate, config.weight_decay
        # First, since a pretrained CNN may call its own layer scale gamma, too.
        if name.startswith(("sse.cnn.", "cnn.")):
            rate *= config.cnn_rate_factor
        elif name.rsplit(".", 1)[-1] in _GATES:
            rate, decay = rate * config.gate_rate_factor, 0.0
        if parameter.ndim <= 1:
            decay = 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


class MovingAverage:
    """``average = decay * average + (1 - decay) * weights`` after each step.

    Attributes
    ----------
    model : the averaged network; where ``decay`` is 0, the one that learns
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
