"""TMCA's multi-level contrastive alignment: the loss of training (arXiv 2412.13533v3, OURS inside).

Samples are as far apart as their targets and their texts are:
``D_ij = a (1 - softDice(m_i, m_j)) + (1 - a)(1 - cos(t_i, t_j))``; each level's similarities of
target embedding and text are trained towards ``softmax(-D / tau_d)``. Near-identical captions make
one-hot targets mostly false negatives; they are kept as an ablation.
Axes: B batch, K classes, H W pixels, E joint width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tgcnet.config.checks import check_in, check_types
from tgcnet.errors import ConfigError

_GRID = 28
"""Cells a side on which masks are compared; finer tells samples no better apart."""


class ContrastTargets(StrEnum):
    """What the similarities of a batch are trained towards."""

    NONE = "none"
    ONE_HOT = "one-hot"
    """A sample is like itself alone: InfoNCE."""
    TEXT = "text"
    """Soft, by the texts' distance alone."""
    TARGET = "target"
    """Soft, by the distance of masks and texts: the target-sensitive semantic distance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContrastConfig:
    """Multi-level contrastive alignment.

    Attributes
    ----------
    strides : levels that are aligned, of 4, 8, 16 and 32
    weight : lambda, of the mean over the levels
    mask_share : a, of the masks in the distance; the texts have the rest
    tau : of the similarities
    tau_distance : of the distances
    """

    targets: ContrastTargets = ContrastTargets.TARGET
    strides: tuple[int, ...] = (4, 8, 16, 32)
    weight: float = 0.1
    mask_share: float = 0.5
    tau: float = 0.1
    tau_distance: float = 0.15

    def __post_init__(self) -> None:
        check_types(self)
        if not self.strides or not set(self.strides) <= {4, 8, 16, 32}:
            raise ConfigError(f"contrast strides must be some of 4, 8, 16, 32, got {self.strides}")
        check_in(self, "[0, 1]", "mask_share")
        check_in(self, "[0, inf)", "weight")
        check_in(self, "(0, inf)", "tau", "tau_distance")


Gather = Callable[[Tensor], Tensor]
"""Rows of all processes, in their order, with gradients; the identity where there is one."""


def contrast_loss(
    config: ContrastConfig,
    targets: Sequence[Float[Tensor, "B E"]],
    texts: Sequence[Float[Tensor, "B E"]],
    masks: Float[Tensor, "B K H W"],
    pooled: Float[Tensor, "B D"],
    gather: Gather = lambda rows: rows,
) -> Float[Tensor, ""]:
    """Mean over the levels of the symmetric cross-entropy, over the batches of all processes.

    Parameters
    ----------
    targets, texts : per level, each of length 1
    masks : binary, of any size
    pooled : the reports in the text tower's own space; the distance of texts is taken there,
        where nothing that this loss trains can make all texts alike
    gather : every process sees the whole batch, so that one and several agree
    """
    grid = F.adaptive_avg_pool2d(masks.amax(dim=1, keepdim=True), _GRID)
    wanted = soft_targets(config, gather(grid.flatten(1)), gather(F.normalize(pooled, dim=1)))
    terms = []
    for target, text in zip(targets, texts, strict=True):
        similarity = gather(target) @ gather(text).T / config.tau  # (B, B)
        terms.append(symmetric_cross_entropy(similarity, wanted))
    return torch.stack(terms).mean()


def symmetric_cross_entropy(
    similarity: Float[Tensor, "B B"], targets: Float[Tensor, "B B"]
) -> Float[Tensor, ""]:
    """The mean of both directions, each towards the same rows that sum to 1."""
    return (F.cross_entropy(similarity, targets) + F.cross_entropy(similarity.T, targets)) / 2


@torch.no_grad()
def soft_targets(
    config: ContrastConfig, masks: Float[Tensor, "B N"], texts: Float[Tensor, "B D"]
) -> Float[Tensor, "B B"]:
    """Rows that sum to 1: how like each sample is to each.

    Parameters
    ----------
    masks : shares in [0, 1]
    texts : of length 1
    """
    if config.targets is ContrastTargets.ONE_HOT:
        return torch.eye(len(masks), device=masks.device)
    # Divided by a temperature, the error of half precision would show.
    with torch.autocast(masks.device.type, enabled=False):
        distance = 1 - texts.float() @ texts.float().T
        if config.targets is ContrastTargets.TARGET:
            share = config.mask_share
            distance = share * (1 - soft_dice(masks.float())) + (1 - share) * distance
        return (-distance / config.tau_distance).softmax(dim=1)


def soft_dice(masks: Float[Tensor, "B N"]) -> Float[Tensor, "B B"]:
    """Dice of every two samples' shares in [0, 1]; two empty ones are alike (1)."""
    overlap, sizes = masks @ masks.T, masks.square().sum(dim=1)
    return (2 * overlap + 1) / (sizes[:, None] + sizes[None, :] + 1)
