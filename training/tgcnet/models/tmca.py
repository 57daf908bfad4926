"""TMCA: target-informed multi-level contrastive alignment (arXiv 2412.13533v3; internals OURS).

Per stride of a CNN pyramid: the map F and the report's mean t are projected into a joint space;
positions near the text are enhanced, ``A = sigmoid(gamma <phi(F), t> + b)``, ``F' = F + A *
psi(F)``; the positions attend to the report's tokens; a decoder follows. In training the target's
own embedding, F averaged under the mask, is pulled towards the text (``tgcnet.train.contrast``);
segmenting needs no mask. phi is the very projection that alignment trains.
Axes: B batch, C channels, K classes, H W pixels, h w grid of a level, L report tokens, D text
width, E joint width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tgcnet.domain import EncodedText
from tgcnet.models.cnn import CnnPyramid
from tgcnet.models.date import CrossAttention
from tgcnet.models.decoder import Decoder
from tgcnet.models.report_reader import ReportReader
from tgcnet.models.segmenter import ModelOutput, SegmentationModel
from tgcnet.models.text_features import SentenceMemory, TextFeatures, run_tower
from tgcnet.models.text_tower import TextTower
from tgcnet.models.vlcm import NUM_COORDINATES, Similarity, coordinates

_TAU_INIT = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class TmcaOutput(ModelOutput):
    """The logits, and what the alignment loss needs.

    Attributes
    ----------
    features : per stride 4, 8, 16, 32 the map before enhancement (B, C, h, w)
    texts : per stride the report in its joint space (B, E), of length 1
    enhanced : per stride the enhancement A (B, 1, h, w) in (0, 1); empty without it
    """

    features: tuple[Tensor, ...]
    texts: tuple[Tensor, ...]
    enhanced: tuple[Tensor, ...]


def mean_over_target(
    feature_map: Float[Tensor, "B C h w"], target: Float[Tensor, "B 1 h w"]
) -> Float[Tensor, "B C"]:
    """The features averaged with the target's shares; over the whole map where it is empty."""
    weights = torch.where(target.sum(dim=(1, 2, 3), keepdim=True) > 0, target, 1.0)
    return (feature_map * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))


class TargetEnhancement(nn.Module):
    """Reinforces a map where its positions resemble the text."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(()))
        self.psi = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.GroupNorm(8, channels),
            nn.GELU(),
        )

    def forward(
        self, feature_map: Float[Tensor, "B C h w"], similarity: Float[Tensor, "B 1 h w"]
    ) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B 1 h w"]]:
        """The enhanced map, and A."""
        attention = (similarity + self.offset).sigmoid()
        return feature_map + attention * self.psi(feature_map), attention


class TextAttention(nn.Module):
    """Positions of a map read the report's tokens; the scale starts at zero."""

    def __init__(self, *, channels: int, text_dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.attend = CrossAttention(query_dim=channels, context_dim=text_dim, num_heads=num_heads)
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))
        self.mix = nn.Sequential(nn.Conv2d(2 * channels, channels, 1), nn.GELU())

    def forward(
        self,
        feature_map: Float[Tensor, "B C h w"],
        tokens: Float[Tensor, "B L D"],
        is_padding: Bool[Tensor, "B L"],
    ) -> Float[Tensor, "B C h w"]:
        query = self.norm(feature_map).flatten(2).transpose(1, 2)  # (B, h*w, C)
        read = self.attend(query, tokens, is_padding)
        read = read.transpose(1, 2).reshape(feature_map.shape)  # (B, C, h, w)
        return feature_map + self.scale * self.mix(torch.cat([feature_map, read], dim=1))


class Level(nn.Module):
    """One stride: the CNN's map with its places, its joint space, enhancement and attention."""

    def __init__(
        self,
        *,
        cnn_channels: int,
        channels: int,
        text_dim: int,
        joint_dim: int,
        num_heads: int,
        has_enhancement: bool,
        attends: bool,
    ) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.Conv2d(cnn_channels, channels, 1, bias=False), nn.GroupNorm(8, channels)
        )
        # "Left lower zone" is a place: the look of a patch does not show where it is.
        self.place = nn.Conv2d(NUM_COORDINATES, channels, 1)
        self.similarity = Similarity(channels=channels, joint_dim=joint_dim, tau_init=_TAU_INIT)
        self.text_to_joint = nn.Linear(text_dim, joint_dim)
        self.enhance = TargetEnhancement(channels) if has_enhancement else None
        self.attend = (
            TextAttention(channels=channels, text_dim=text_dim, num_heads=num_heads)
            if attends
            else None
        )

    def forward(
        self, cnn_map: Float[Tensor, "B I h w"], text: TextFeatures
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """The map for the decoder, F, the text (B, E) and A."""
        features = self.project(cnn_map)  # (B, C, h, w)
        features = features + self.place(coordinates(features))
        joint_text = F.normalize(self.text_to_joint(text.pooled), dim=1)  # (B, E)
        out, attention = features, None
        if self.enhance is not None:
            out, attention = self.enhance(features, self.similarity(features, joint_text))
        if self.attend is not None:
            out = self.attend(out, text.tokens, text.is_padding)
        return out, features, joint_text, attention

    def embed_target(
        self, features: Float[Tensor, "B C h w"], target: Float[Tensor, "B 1 h w"]
    ) -> Float[Tensor, "B E"]:
        """``norm(W (sum m F) / (sum m))``; all of the map where the target is empty."""
        mean = mean_over_target(features, target)  # (B, C)
        joint = self.similarity.to_joint(mean[:, :, None, None])[:, :, 0, 0]  # (B, E)
        return F.normalize(joint, dim=1)


class TmcaNet(SegmentationModel):
    """The whole network; ``models.build`` puts it together from a TmcaConfig."""

    def __init__(
        self,
        *,
        cnn: CnnPyramid,
        text_tower: TextTower,
        reader: ReportReader,
        levels: Sequence[Level],
        decoder: Decoder,
    ) -> None:
        super().__init__()
        self.cnn = cnn
        self.text_tower = text_tower
        self.reader = reader
        self.levels = nn.ModuleList(levels)
        self.decoder = decoder
        self.freeze_towers()

    def freeze_towers(self) -> None:
        self.text_tower.requires_grad_(False)
        self.train(self.training)

    @property
    def pyramid(self) -> CnnPyramid | None:
        return self.cnn

    def train(self, mode: bool = True) -> "TmcaNet":
        super().train(mode)
        self.text_tower.eval()
        return self

    def encode_text(
        self, texts: Sequence[EncodedText], memory: SentenceMemory | None = None
    ) -> TextFeatures:
        reports = [text.token_ids or self.reader.tokenizer.empty_report for text in texts]
        tokens, is_padding = run_tower(self.text_tower, reports, memory)
        is_token = (~is_padding)[..., None].to(tokens)  # (B, L, 1)
        pooled = (tokens * is_token).sum(dim=1) / is_token.sum(dim=1)  # (B, D)
        return TextFeatures(tokens=tokens, is_padding=is_padding, pooled=pooled)

    def frozen_features(self, image: Float[Tensor, "B 3 H W"]) -> tuple[Tensor, ...]:
        return ()

    def forward(
        self,
        image: Float[Tensor, "B 3 H W"],
        text: TextFeatures,
        frozen: Sequence[Tensor] | None = None,
    ) -> TmcaOutput:
        outs = [
            level(cnn_map, text)
            for level, cnn_map in zip(self.levels, self.cnn(image), strict=True)
        ]
        logits = self.decoder([out[0] for out in outs], (image.shape[2], image.shape[3]))
        return TmcaOutput(
            logits=logits,
            features=tuple(out[1] for out in outs),
            texts=tuple(out[2] for out in outs),
            enhanced=tuple(out[3] for out in outs if out[3] is not None),
        )

    def embed_targets(
        self, output: TmcaOutput, masks: Float[Tensor, "B K H W"]
    ) -> tuple[Float[Tensor, "B E"], ...]:
        """Per stride the target's embedding, of length 1; in training only.

        Parameters
        ----------
        masks : the target of the text, binary; classes are merged
        """
        target = masks.amax(dim=1, keepdim=True)  # (B, 1, H, W)
        embeddings = []
        for level, features in zip(self.levels, output.features, strict=True):
            assert isinstance(level, Level)  # noqa: S101 - for the type checker
            grid = (features.shape[2], features.shape[3])
            embeddings.append(level.embed_target(features, F.adaptive_avg_pool2d(target, grid)))
        return tuple(embeddings)
