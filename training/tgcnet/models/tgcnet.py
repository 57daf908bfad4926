"""TGC-Net: frozen CLIP towers, SSE, DATE, VLCM and a decoder (arXiv 2512.21135; internals OURS).

Axes: B batch, C classes, H W pixels, L report tokens, D text width, E joint width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from tgcnet.domain import EncodedText, Report
from tgcnet.models.cnn import STRIDES
from tgcnet.models.date import Date
from tgcnet.models.decoder import Decoder
from tgcnet.models.image_tower import ClipImageTower
from tgcnet.models.reader import END_TOKEN, START_TOKEN, ReportReader
from tgcnet.models.sse import Sse, TapProjection
from tgcnet.models.text_tower import ClipTextTower
from tgcnet.models.vlcm import Similarity, Vlcm

_NOTHING_SAID = ((START_TOKEN, END_TOKEN),)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFeatures:
    """Encoded reports: every token after DATE, which of them are padding, and the joint vector."""

    tokens: Float[Tensor, "B L D"]
    is_padding: Bool[Tensor, "B L"]
    pooled: Float[Tensor, "B E"]

    def expand(self, batch: int) -> "TextFeatures":
        """One report for a whole batch of slices; no memory is copied."""
        return TextFeatures(
            tokens=self.tokens.expand(batch, -1, -1),
            is_padding=self.is_padding.expand(batch, -1),
            pooled=self.pooled.expand(batch, -1),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TgcNetOutput:
    """What the network says, and what it says it with.

    Attributes
    ----------
    logits : (B, C, H, W), unbounded
    similarities : per stride 4, 8, 16, 32 the calibrated similarity map (B, 1, h, w)
    gates : per calibrated stride VLCM's gate (B, K, h, w) in (0, 1)
    """

    logits: Float[Tensor, "B C H W"]
    similarities: tuple[Tensor, ...]
    gates: Mapping[int, Tensor]


class TgcNet(nn.Module):
    """The whole network; ``models.build`` puts it together from a ModelConfig.

    SSE, DATE and VLCM may each be None: what remains is plain CLIP's taps, its raw similarity and
    the decoder. Towers are frozen and in eval mode whatever ``train`` says; only the adapters of
    the image tower, where there are any, learn.
    """

    def __init__(
        self,
        *,
        image_tower: ClipImageTower,
        text_tower: ClipTextTower,
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

    def freeze_towers(self) -> None:
        """Towers get no gradient; adapters do."""
        self.image_tower.requires_grad_(False)
        self.text_tower.requires_grad_(False)
        self.image_tower.adapters.requires_grad_(True)
        self.train(self.training)

    def train(self, mode: bool = True) -> "TgcNet":
        super().train(mode)
        self.image_tower.eval()
        self.text_tower.eval()
        return self

    def read_text(self, report: Report) -> EncodedText:
        """What this model's encoder reads of a report."""
        return self.reader.read(report)

    def encode_text(self, texts: Sequence[EncodedText]) -> TextFeatures:
        """Encode reports; a report of which nothing is read equals no report at all."""
        reports = [text.token_ids or _NOTHING_SAID for text in texts]
        tokens, is_padding = self._run_tower(reports)
        if self.date is not None:
            known = [
                tuple(ids for name in text.findings for ids in self.knowledge.get(name, ()))
                for text in texts
            ]
            if any(known):
                tokens = self.date(tokens, *self._run_tower(known))
        # CLIP projects each sentence's end token; that is linear, so the mean may come first.
        ends = _end_token_weights(reports, tokens.shape[1]).to(tokens)  # (B, L)
        pooled = self.text_tower.project((ends[:, None] @ tokens)[:, 0])  # (B, E)
        return TextFeatures(tokens=tokens, is_padding=is_padding, pooled=pooled)

    def _run_tower(
        self, reports: Sequence[Sequence[tuple[int, ...]]]
    ) -> tuple[Float[Tensor, "B L D"], Bool[Tensor, "B L"]]:
        """Each different sentence through the tower once; a report's tokens one after another."""
        device = self.text_tower.kept_token_ids.device
        unique = list(dict.fromkeys(ids for report in reports for ids in report))
        padded = pad_sequence([torch.tensor(ids) for ids in unique], batch_first=True)  # (S, L)
        tokens = self.text_tower(padded.to(device))
        row = {ids: index for index, ids in enumerate(unique)}
        packed = [
            torch.cat([tokens[row[ids], : len(ids)] for ids in report])
            if report
            else tokens.new_zeros(1, tokens.shape[-1])
            for report in reports
        ]
        lengths = torch.tensor([sum(len(ids) for ids in report) for report in reports])
        stacked = pad_sequence(packed, batch_first=True)  # (B, L, D)
        is_padding = torch.arange(stacked.shape[1]) >= lengths[:, None]  # (B, L)
        return stacked, is_padding.to(device)

    def forward(
        self,
        image: Float[Tensor, "B 3 H W"],
        text: TextFeatures,
        frozen: Sequence[Tensor] | None = None,
    ) -> TgcNetOutput:
        """Segment.

        Parameters
        ----------
        image : normalised as the manifest's PreprocessConfig says; sides divisible by 32
        text : from :meth:`encode_text`, one row an image
        frozen : what the image tower's ``frozen_features`` gave of these images, where it is
            known already; it does not change while the tower is frozen
        """
        size = (image.shape[2], image.shape[3])
        if frozen is None:
            frozen = self.image_tower.frozen_features(image)
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
        logits = self.decoder(pyramid, similarities, size)
        return TgcNetOutput(logits=logits, similarities=tuple(similarities), gates=gates)


def _end_token_weights(
    reports: Sequence[Sequence[tuple[int, ...]]], length: int
) -> Float[Tensor, "B L"]:
    """Weights that average the end tokens of each report's sentences, packed one after another."""
    weights = torch.zeros(len(reports), length)
    for row, report in zip(weights, reports, strict=True):
        row[torch.tensor([len(ids) for ids in report]).cumsum(0) - 1] = 1 / len(report)
    return weights
