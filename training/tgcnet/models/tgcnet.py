"""TGC-Net: frozen CLIP towers, SSE, DATE, VLCM and a decoder (arXiv 2512.21135; internals OURS).

Axes: B batch, C classes, H W pixels, L report tokens, D text width, E joint width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tgcnet.domain import EncodedText
from tgcnet.models.cnn import STRIDES, CnnPyramid
from tgcnet.models.date import Date
from tgcnet.models.decoder import Decoder
from tgcnet.models.image_tower import ImageTower
from tgcnet.models.report_reader import ReportReader
from tgcnet.models.segmenter import ModelOutput, SegmentationModel
from tgcnet.models.sse import Sse, TapProjection
from tgcnet.models.text_features import SentenceMemory, TextFeatures, pool_sentences, run_tower
from tgcnet.models.text_tower import TextTower
from tgcnet.models.vlcm import Similarity, Vlcm


@dataclass(frozen=True, kw_only=True, slots=True)
class TgcNetOutput(ModelOutput):
    """The logits, and the maps they come from.

    Attributes
    ----------
    similarities : per stride 4, 8, 16, 32 the calibrated similarity map (B, 1, h, w)
    gates : per calibrated stride VLCM's gate (B, K, h, w) in (0, 1)
    """

    similarities: tuple[Tensor, ...]
    gates: Mapping[int, Tensor]


class TgcNet(SegmentationModel):
    """The whole network; ``models.build`` puts it together from a TgcNetConfig.

    SSE, DATE and VLCM may each be None: what remains is plain CLIP's taps, its raw similarity and
    the decoder. Towers stay frozen and in eval mode, even after ``train()``; only the adapters of
    the image tower, where there are any, learn.
    """

    def __init__(
        self,
        *,
        image_tower: ImageTower,
        text_tower: TextTower,
        reader: ReportReader,
        knowledge: Mapping[str, tuple[tuple[int, ...], ...]],
        taps: Sequence[TapProjection],
        similarities: Sequence[Similarity],
        sse: Sse | None,
        date: Date | None,
        vlcm: Mapping[int, Vlcm],
        decoder: Decoder,
    ) -> None:
        super().__init__()
        self.image_tower = image_tower
        self.text_tower = text_tower
        self.reader = reader
        self.knowledge = knowledge
        self.taps = nn.ModuleList(taps)
        self.similarities = nn.ModuleList(similarities)
        self.sse = sse
        self.date = date
        self.vlcm = nn.ModuleDict({str(stride): module for stride, module in vlcm.items()})
        self.decoder = decoder
        self.freeze_towers()

    @property
    def has_adapters(self) -> bool:
        return len(self.image_tower.adapters) > 0

    def freeze_towers(self) -> None:
        """Towers get no gradient; adapters do."""
        self.image_tower.requires_grad_(False)
        self.text_tower.requires_grad_(False)
        self.image_tower.adapters.requires_grad_(True)
        self.train(self.training)

    @property
    def pyramid(self) -> CnnPyramid | None:
        return None if self.sse is None else self.sse.cnn

    def train(self, mode: bool = True) -> "TgcNet":
        super().train(mode)
        self.image_tower.eval()
        self.text_tower.eval()
        return self

    def encode_text(
        self, texts: Sequence[EncodedText], memory: SentenceMemory | None = None
    ) -> TextFeatures:
        reports = [text.token_ids or self.reader.tokenizer.empty_report for text in texts]
        tokens, is_padding = run_tower(self.text_tower, reports, memory)
        if self.date is not None:
            known = [
                tuple(ids for name in text.findings for ids in self.knowledge.get(name, ()))
                for text in texts
            ]
            if any(known):
                tokens = self.date(tokens, *run_tower(self.text_tower, known, memory))
        pooled = pool_sentences(self.text_tower, tokens, reports)
        return TextFeatures(tokens=tokens, is_padding=is_padding, pooled=pooled)

    def frozen_features(self, image: Float[Tensor, "B 3 H W"]) -> tuple[Tensor, ...]:
        return self.image_tower.frozen_features(image)

    def forward(
        self,
        image: Float[Tensor, "B 3 H W"],
        text: TextFeatures,
        frozen: Sequence[Tensor] | None = None,
    ) -> TgcNetOutput:
        size = (image.shape[2], image.shape[3])
        if frozen is None:
            frozen = self.frozen_features(image)
        taps = self.image_tower.taps_from(frozen, self.image_tower.grid_of(image))
        pyramid = [
            project(tap, (size[0] // stride, size[1] // stride))
            for project, tap, stride in zip(self.taps, taps, STRIDES, strict=True)
        ]
        if self.sse is not None:
            pyramid = self.sse(image, pyramid)
        similarities: list[Tensor] = []
        gates: dict[int, Tensor] = {}
        for level, (stride, similarity) in enumerate(zip(STRIDES, self.similarities, strict=True)):
            raw = similarity(pyramid[level], text.pooled)
            if str(stride) in self.vlcm:
                pyramid[level], calibrated_text, gates[stride] = self.vlcm[str(stride)](
                    pyramid[level], raw, text.tokens, text.is_padding, text.pooled
                )
                raw = similarity(pyramid[level], calibrated_text)
            similarities.append(raw)
        inputs = [torch.cat(pair, dim=1) for pair in zip(pyramid, similarities, strict=True)]
        logits = self.decoder(inputs, size)
        return TgcNetOutput(logits=logits, similarities=tuple(similarities), gates=gates)
