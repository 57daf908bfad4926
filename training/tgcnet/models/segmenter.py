"""The interface of every network: an image and a report in, logits out.

Training, prediction, panel and checkpoints use nothing else, so that choosing another network is
choosing a name.
Axes: B batch, C classes, H W pixels.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from tgcnet.domain import EncodedText, Report
from tgcnet.models.cnn import CnnPyramid
from tgcnet.models.decoder import Decoder
from tgcnet.models.report_reader import ReportReader
from tgcnet.models.text_features import SentenceMemory, TextFeatures
from tgcnet.models.text_tower import TextTower


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelOutput:
    """What every network returns: ``logits`` (B, C, H, W), unbounded."""

    logits: Float[Tensor, "B C H W"]


class SegmentationModel(nn.Module, ABC):
    """The interface; pretrained towers stay frozen and in eval mode, even after ``train()``."""

    reader: ReportReader
    text_tower: TextTower
    decoder: Decoder

    @property
    @abstractmethod
    def pyramid(self) -> CnnPyramid | None:
        """The CNN, where there is one."""

    @property
    def has_adapters(self) -> bool:
        """Whether a frozen tower has adapters that learn: what is kept of it ends before them."""
        return False

    def read_text(self, report: Report) -> EncodedText:
        """What this model's encoder reads of a report."""
        return self.reader.read(report)

    @abstractmethod
    def encode_text(
        self, texts: Sequence[EncodedText], memory: SentenceMemory | None = None
    ) -> TextFeatures:
        """Encode reports; a report of which nothing is read equals no report at all.

        Parameters
        ----------
        memory : keeps what the tower made of each sentence, as long as the tower is frozen
        """

    @abstractmethod
    def forward(
        self,
        image: Float[Tensor, "B 3 H W"],
        text: TextFeatures,
        frozen: Sequence[Tensor] | None = None,
    ) -> ModelOutput:
        """Segment.

        Parameters
        ----------
        image : normalised as the manifest's PreprocessConfig states; sides divisible by 32
        text : from :meth:`encode_text`, one row an image
        frozen : what :meth:`frozen_features` gave of these images, if computed before
        """

    @abstractmethod
    def frozen_features(self, image: Float[Tensor, "B 3 H W"]) -> tuple[Tensor, ...]:
        """Features that training does not change, so they may be stored; empty if all learn."""

    @abstractmethod
    def freeze_towers(self) -> None:
        """Pretrained towers get no gradient; adapters in them do."""
