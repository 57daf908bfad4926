"""From a ModelConfig to a TgcNet: the one place that reads configurations and knows numbers."""

from collections.abc import Sequence

from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from tgcnet.config import DecoderConfig, ModelConfig, TowerConfig, VlcmConfig
from tgcnet.models.cnn import STRIDES, CnnPyramid
from tgcnet.models.date import Date
from tgcnet.models.decoder import Decoder
from tgcnet.models.image_tower import ClipImageTower
from tgcnet.models.reader import CLIP_NUM_TOKENS, ReportReader, token_ids_of
from tgcnet.models.sse import ScaleFusion, Sse, TapProjection
from tgcnet.models.text_tower import ClipTextTower
from tgcnet.models.tgcnet import TgcNet
from tgcnet.models.vlcm import Similarity, Vlcm
from tgcnet.report import load_knowledge


def named_configs() -> dict[str, ModelConfig]:
    """The architectures that have a name."""
    mini = ModelConfig(
        name="mini",
        towers=TowerConfig(
            embed_dim=128,
            image_width=192,
            image_layers=8,
            image_heads=3,
            patch_px=16,
            side_px=224,
            text_width=192,
            text_layers=4,
            text_heads=3,
            quick_gelu=True,
        ),
    )
    vit_b16 = ModelConfig(
        name="vit-b16",
        towers=TowerConfig(
            embed_dim=512,
            image_width=768,
            image_layers=12,
            image_heads=12,
            patch_px=16,
            side_px=224,
            text_width=512,
            text_layers=12,
            text_heads=8,
            quick_gelu=True,
        ),
        vlcm=VlcmConfig(num_heads=8),
        decoder=DecoderConfig(channels=(64, 96, 128, 192), head_channels=32),
    )
    return {config.name: config for config in (mini, vit_b16)}


def build_model(config: ModelConfig) -> TgcNet:
    """A TgcNet with random weights, in eval mode."""
    towers = config.towers
    clip = build_clip(towers)
    reader = ReportReader(
        towers.words or None,
        context_length=towers.context_length,
        max_sentences=towers.max_sentences,
    )
    channels = config.decoder.channels
    return TgcNet(
        image_tower=ClipImageTower(clip.visual, adapter_width=config.sse.adapter_width),
        text_tower=ClipTextTower(clip, kept_token_ids(towers)),
        reader=reader,
        knowledge=tokenize_knowledge(reader),
        taps=[TapProjection(towers.image_width, width) for width in channels],
        similarities=[
            Similarity(channels=c, joint_dim=towers.embed_dim, tau_init=config.vlcm.tau_init)
            for c in channels
        ],
        sse=_build_sse(config) if config.sse.enabled else None,
        date=_build_date(config) if config.date.enabled else None,
        vlcm=_build_vlcm(config) if config.vlcm.enabled else {},
        decoder=Decoder(
            channels=channels,
            head_channels=config.decoder.head_channels,
            num_classes=config.num_classes,
        ),
    ).eval()


def build_clip(towers: TowerConfig) -> CLIP:
    """open_clip's own model with random weights; both towers come from it."""
    return CLIP(
        embed_dim=towers.embed_dim,
        vision_cfg=CLIPVisionCfg(
            layers=towers.image_layers,
            width=towers.image_width,
            head_width=towers.image_width // towers.image_heads,
            patch_size=towers.patch_px,
            image_size=towers.side_px,
        ),
        text_cfg=CLIPTextCfg(
            context_length=towers.context_length,
            vocab_size=len(kept_token_ids(towers)),
            width=towers.text_width,
            heads=towers.text_heads,
            layers=towers.text_layers,
        ),
        quick_gelu=towers.quick_gelu,
    )


def kept_token_ids(towers: TowerConfig) -> Sequence[int]:
    """CLIP's ids of the tokens the text tower holds embeddings for."""
    return token_ids_of(towers.words) if towers.words else range(CLIP_NUM_TOKENS)


def tokenize_knowledge(reader: ReportReader) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Per finding, the token ids of its knowledge sentences as this tower reads them."""
    return {
        finding.name: tuple(
            ids
            for ids, _, _ in (reader.tokenize(sentence) for sentence in finding.sentences)
            if ids is not None
        )
        for finding in load_knowledge().findings
    }


def _build_sse(config: ModelConfig) -> Sse:
    cnn = CnnPyramid(config.sse.cnn)
    pairs = zip(config.decoder.channels, cnn.channels, strict=True)
    return Sse(cnn, [ScaleFusion(channels, cnn_channels) for channels, cnn_channels in pairs])


def _build_date(config: ModelConfig) -> Date:
    return Date(
        text_dim=config.towers.text_width,
        num_heads=config.date.num_heads,
        gamma_init=config.date.gamma_init,
    )


def _build_vlcm(config: ModelConfig) -> dict[int, Vlcm]:
    return {
        stride: Vlcm(
            channels=channels,
            text_dim=config.towers.text_width,
            joint_dim=config.towers.embed_dim,
            num_heads=config.vlcm.num_heads,
        )
        for stride, channels in zip(STRIDES, config.decoder.channels, strict=True)
        if stride in config.vlcm.strides
    }
