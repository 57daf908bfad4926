"""From a ModelConfig to a network: the one place that reads configurations."""

from dataclasses import replace

from tgcnet.config import (
    BertTextConfig,
    ClipImageConfig,
    ClipTextConfig,
    DecoderConfig,
    ModelConfig,
    TgcNetConfig,
    TimmImageConfig,
    TmcaConfig,
    TowerConfig,
    VlcmConfig,
)
from tgcnet.models.build_towers import build_reader, build_text_tower, build_towers
from tgcnet.models.cnn import STRIDES, CnnPyramid
from tgcnet.models.date import Date
from tgcnet.models.decoder import Decoder
from tgcnet.models.report_reader import ReportReader
from tgcnet.models.segmenter import SegmentationModel
from tgcnet.models.sse import ScaleFusion, Sse, TapProjection
from tgcnet.models.tgcnet import TgcNet
from tgcnet.models.tmca import Level, TmcaNet
from tgcnet.models.vlcm import Similarity, Vlcm
from tgcnet.report import load_knowledge

_SMALL_TEXT = ClipTextConfig(width=192, layers=4, heads=3, quick_gelu=True)
_CLIP_TEXT = ClipTextConfig(width=512, layers=12, heads=8, quick_gelu=True)
_BERT_BASE = BertTextConfig(width=768, layers=12, heads=12, quick_gelu=False, context_length=256)


def named_configs() -> dict[str, ModelConfig]:
    """The architectures that have a name.

    The vocabulary of a BERT comes with its weights, so those with one have none here yet.
    """
    vit_b16 = TgcNetConfig(
        name="vit-b16",
        towers=TowerConfig(
            embed_dim=512,
            image=ClipImageConfig(
                width=768, layers=12, heads=12, patch_px=16, side_px=224, quick_gelu=True
            ),
            text=_CLIP_TEXT,
        ),
        vlcm=VlcmConfig(num_heads=8),
        decoder=DecoderConfig(channels=(64, 96, 128, 192)),
    )
    configs: tuple[ModelConfig, ...] = (
        TgcNetConfig(
            name="mini",
            towers=TowerConfig(
                embed_dim=128,
                image=ClipImageConfig(
                    width=192, layers=8, heads=3, patch_px=16, side_px=224, quick_gelu=True
                ),
                text=_SMALL_TEXT,
            ),
        ),
        vit_b16,
        replace(
            vit_b16,
            name="vit-b16-biomedclip",
            towers=TowerConfig(
                embed_dim=512,
                image=TimmImageConfig(
                    width=768, layers=12, heads=12, patch_px=16, side_px=224, quick_gelu=False
                ),
                text=replace(_BERT_BASE, projection="mlp"),
            ),
        ),
        TmcaConfig(name="tmca-mini", text=_SMALL_TEXT, cnn="tf_efficientnet_lite0"),
        TmcaConfig(
            name="tmca",
            text=_BERT_BASE,
            cnn="convnext_tiny",
            joint_dim=256,
            num_heads=8,
            decoder=DecoderConfig(channels=(64, 96, 128, 192)),
        ),
    )
    return {config.name: config for config in configs}


def build_model(config: ModelConfig) -> SegmentationModel:
    """A network with random weights, in eval mode."""
    if isinstance(config, TgcNetConfig):
        return build_tgcnet(config)
    return build_tmca(config)


def build_tgcnet(config: TgcNetConfig) -> TgcNet:
    """A TGC-Net with random weights, in eval mode."""
    towers = config.towers
    image_tower, text_tower = build_towers(towers, adapter_width=config.sse.adapter_width)
    reader = build_reader(towers.text)
    channels = config.decoder.channels
    return TgcNet(
        image_tower=image_tower,
        text_tower=text_tower,
        reader=reader,
        knowledge=tokenize_knowledge(reader),
        taps=[TapProjection(towers.image.width, width) for width in channels],
        similarities=[
            Similarity(channels=c, joint_dim=towers.embed_dim, tau_init=config.vlcm.tau_init)
            for c in channels
        ],
        sse=_build_sse(config) if config.sse.enabled else None,
        date=_build_date(config) if config.date.enabled else None,
        vlcm=_build_vlcm(config) if config.vlcm.enabled else {},
        decoder=Decoder(
            # Each map has its similarity as one more channel.
            inputs=[width + 1 for width in channels],
            channels=channels,
            head_channels=config.decoder.head_channels,
            num_classes=config.num_classes,
        ),
    ).eval()


def build_tmca(config: TmcaConfig) -> TmcaNet:
    """A TMCA with random weights, in eval mode."""
    cnn = CnnPyramid(config.cnn)
    channels = config.decoder.channels
    return TmcaNet(
        cnn=cnn,
        text_tower=build_text_tower(config.text),
        reader=build_reader(config.text),
        levels=[
            Level(
                cnn_channels=cnn_channels,
                channels=width,
                text_dim=config.text.width,
                joint_dim=config.joint_dim,
                num_heads=config.num_heads,
                has_enhancement=config.has_enhancement,
                attends=stride in config.text_strides,
            )
            for stride, width, cnn_channels in zip(STRIDES, channels, cnn.channels, strict=True)
        ],
        decoder=Decoder(
            inputs=channels,
            channels=channels,
            head_channels=config.decoder.head_channels,
            num_classes=config.num_classes,
        ),
    ).eval()


def tokenize_knowledge(reader: ReportReader) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Per finding, the token ids of its knowledge sentences as this tower reads them."""
    return {
        finding.name: tuple(
            ids
            for ids, _, _ in (reader.tokenize(sentence) for sentence in finding.sentences)
            if ids is not None
        )
        for finding in load_knowledge(reader.knowledge_version).findings
    }


def _build_sse(config: TgcNetConfig) -> Sse:
    cnn = CnnPyramid(config.sse.cnn)
    pairs = zip(config.decoder.channels, cnn.channels, strict=True)
    return Sse(cnn, [ScaleFusion(channels, cnn_channels) for channels, cnn_channels in pairs])


def _build_date(config: TgcNetConfig) -> Date:
    return Date(
        text_dim=config.towers.text.width,
        num_heads=config.date.num_heads,
        gamma_init=config.date.gamma_init,
    )


def _build_vlcm(config: TgcNetConfig) -> dict[int, Vlcm]:
    return {
        stride: Vlcm(
            channels=channels,
            text_dim=config.towers.text.width,
            joint_dim=config.towers.embed_dim,
            num_heads=config.vlcm.num_heads,
        )
        for stride, channels in zip(STRIDES, config.decoder.channels, strict=True)
        if stride in config.vlcm.strides
    }
