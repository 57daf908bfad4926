"""From a ModelConfig to a network: the one place that reads configurations and knows numbers."""

from collections.abc import Sequence

from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from tgcnet.config import (
    DecoderConfig,
    ImageTowerConfig,
    ModelConfig,
    TextTowerConfig,
    TgcNetConfig,
    TmcaConfig,
    TowerConfig,
    VlcmConfig,
)
from tgcnet.errors import ConfigError
from tgcnet.models.cnn import STRIDES, CnnPyramid
from tgcnet.models.date import Date
from tgcnet.models.decoder import Decoder
from tgcnet.models.image_tower import ClipImageTower
from tgcnet.models.reader import CLIP_NUM_TOKENS, ReportReader, token_ids_of
from tgcnet.models.segmenter import SegmentationModel
from tgcnet.models.sse import ScaleFusion, Sse, TapProjection
from tgcnet.models.text_tower import ClipTextTower
from tgcnet.models.tgcnet import TgcNet
from tgcnet.models.tmca import Level, TmcaNet
from tgcnet.models.vlcm import Similarity, Vlcm
from tgcnet.report import load_knowledge

_SMALL_TEXT = TextTowerConfig(width=192, layers=4, heads=3, quick_gelu=True)
_CLIP_TEXT = TextTowerConfig(width=512, layers=12, heads=8, quick_gelu=True)


def named_configs() -> dict[str, ModelConfig]:
    """The architectures that have a name."""
    configs: tuple[ModelConfig, ...] = (
        TgcNetConfig(
            name="mini",
            towers=TowerConfig(
                embed_dim=128,
                image=ImageTowerConfig(
                    width=192, layers=8, heads=3, patch_px=16, side_px=224, quick_gelu=True
                ),
                text=_SMALL_TEXT,
            ),
        ),
        TgcNetConfig(
            name="vit-b16",
            towers=TowerConfig(
                embed_dim=512,
                image=ImageTowerConfig(
                    width=768, layers=12, heads=12, patch_px=16, side_px=224, quick_gelu=True
                ),
                text=_CLIP_TEXT,
            ),
            vlcm=VlcmConfig(num_heads=8),
            decoder=DecoderConfig(channels=(64, 96, 128, 192), head_channels=32),
        ),
        TmcaConfig(name="tmca-mini", text=_SMALL_TEXT, cnn="tf_efficientnet_lite0"),
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
    clip = build_clip(towers)
    reader = build_reader(towers.text)
    channels = config.decoder.channels
    return TgcNet(
        image_tower=ClipImageTower(clip.visual, adapter_width=config.sse.adapter_width),
        text_tower=ClipTextTower(clip, kept_token_ids(towers.text)),
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


def build_reader(text: TextTowerConfig) -> ReportReader:
    """What reads a report for a text tower."""
    return ReportReader(
        text.words or None,
        context_length=text.context_length,
        max_sentences=text.max_sentences,
    )


def build_text_tower(text: TextTowerConfig) -> ClipTextTower:
    """CLIP's text tower alone, with random weights."""
    # open_clip makes both halves; an image half of one patch costs nothing.
    image = ImageTowerConfig(
        width=16, layers=4, heads=1, patch_px=16, side_px=16, quick_gelu=text.quick_gelu
    )
    clip = build_clip(TowerConfig(embed_dim=text.width, image=image, text=text))
    return ClipTextTower(clip, kept_token_ids(text))


def build_clip(towers: TowerConfig) -> CLIP:
    """open_clip's own model with random weights; both towers come from it.

    Raises
    ------
    ConfigError
        If one tower has QuickGELU and the other has not, which open_clip cannot build.
    """
    image, text = towers.image, towers.text
    if image.quick_gelu != text.quick_gelu:
        raise ConfigError(
            f"the image tower has quick_gelu={image.quick_gelu} and the text tower "
            f"{text.quick_gelu}, expected the same in both"
        )
    return CLIP(
        embed_dim=towers.embed_dim,
        vision_cfg=CLIPVisionCfg(
            layers=image.layers,
            width=image.width,
            head_width=image.width // image.heads,
            patch_size=image.patch_px,
            image_size=image.side_px,
        ),
        text_cfg=CLIPTextCfg(
            context_length=text.context_length,
            vocab_size=len(kept_token_ids(text)),
            width=text.width,
            heads=text.heads,
            layers=text.layers,
        ),
        quick_gelu=image.quick_gelu,
    )


def kept_token_ids(text: TextTowerConfig) -> Sequence[int]:
    """CLIP's ids of the tokens the text tower holds embeddings for."""
    return token_ids_of(text.words) if text.words else range(CLIP_NUM_TOKENS)


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
