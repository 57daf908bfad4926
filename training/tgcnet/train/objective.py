"""One training step's forward pass as a module, so that Fabric wraps all that learns at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from tgcnet.config.checks import check_in, check_types
from tgcnet.losses import SegmentationLoss
from tgcnet.models import ModelOutput, SegmentationModel, TextFeatures, TgcNetOutput, TmcaNet
from tgcnet.models.cnn import STRIDES
from tgcnet.models.tmca import TmcaOutput
from tgcnet.train.contrast import ContrastConfig, ContrastTargets, Gather, contrast_loss
from tgcnet.train.network_inputs import TextEncoder


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """What is minimised, whichever the network; a term that has no place in it is not used.

    Attributes
    ----------
    alignment_weight : of the masks' loss on TGC-Net's similarity maps
    contrast : of TMCA's levels
    """

    alignment_weight: float = 0.1
    contrast: ContrastConfig = field(default_factory=ContrastConfig)

    def __post_init__(self) -> None:
        check_types(self)
        check_in(self, "[0, inf)", "alignment_weight")


class SegmentationObjective(nn.Module):
    """The loss of a batch, and the maps to watch."""

    def __init__(
        self,
        model: SegmentationModel,
        objective: Objective,
        gather: Gather = lambda rows: rows,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = SegmentationLoss(alignment_weight=objective.alignment_weight)
        self._contrast = objective.contrast
        self._gather = gather
        self._encode = TextEncoder(model)

    def forward(
        self,
        images: Tensor,
        masks: Tensor,
        texts: tuple[str, ...],
        frozen: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """As :meth:`loss_and_output`, with what Fabric can pass on of the output."""
        loss, output = self.loss_and_output(images, masks, texts, frozen)
        return loss, watched(output)

    def loss_and_output(
        self,
        images: Tensor,
        masks: Tensor,
        texts: tuple[str, ...],
        frozen: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, ModelOutput]:
        """``images`` (B, 3, S, S) normalised, ``masks`` (B, C, S, S) binary."""
        text = self._encode(texts)
        output = self.model(images, text, frozen)
        if isinstance(output, TgcNetOutput):
            # Strides 8 and 16: at 4 the map is mere texture, at 32 seven cells a side.
            return self.loss(output.logits, masks, output.similarities[1:3]), output
        loss: Tensor = self.loss(output.logits, masks)
        if isinstance(output, TmcaOutput) and self._contrast.targets is not ContrastTargets.NONE:
            loss = loss + self._contrast.weight * self._alignment(output, masks, text)
        return loss, output

    def _alignment(self, output: TmcaOutput, masks: Tensor, text: TextFeatures) -> Tensor:
        assert isinstance(self.model, TmcaNet)  # noqa: S101 - its output says so
        chosen = [i for i, stride in enumerate(STRIDES) if stride in self._contrast.strides]
        targets = self.model.embed_targets(output, masks)
        return contrast_loss(
            self._contrast,
            [targets[i] for i in chosen],
            [output.texts[i] for i in chosen],
            masks,
            text.pooled,
            self._gather,
        )


def watched(output: ModelOutput) -> dict[str, Tensor]:
    """Maps to watch for a collapse into a constant: VLCM's gates, TMCA's enhancement."""
    if isinstance(output, TgcNetOutput):
        return {f"gate{stride}": gate for stride, gate in output.gates.items()}
    if isinstance(output, TmcaOutput):
        return {f"enhancement{s}": a for s, a in zip(STRIDES, output.enhanced, strict=False)}
    return {}
