"""Towers and the reader of their texts, from a configuration."""

from collections.abc import Sequence

from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from tgcnet.config import ImageTowerConfig, TextTowerConfig, TowerConfig
from tgcnet.errors import ConfigError
from tgcnet.models.bert_tower import build_bert_tower
from tgcnet.models.image_tower import ClipImageTower, ImageTower
from tgcnet.models.reader import ReportReader
from tgcnet.models.text_tower import ClipTextTower, TextTower
from tgcnet.models.timm_tower import TimmImageTower, build_timm_visual
from tgcnet.models.tokenizer import (
    BERT_NUM_PIECES,
    CLIP_NUM_TOKENS,
    ClipTokenizer,
    Tokenizer,
    WordPieceTokenizer,
    token_ids_of,
)


def build_towers(towers: TowerConfig, *, adapter_width: int) -> tuple[ImageTower, TextTower]:
    """Both towers of a TGC-Net with random weights.

    Raises
    ------
    ConfigError
        If two towers of CLIP's kind differ in QuickGELU, which open_clip cannot build.
    """
    if towers.image.kind == towers.text.kind == "clip":
        clip = build_clip(towers)
        return (
            ClipImageTower(clip.visual, adapter_width=adapter_width),
            ClipTextTower(clip, kept_token_ids(towers.text)),
        )
    return (
        _build_image_tower(towers.image, towers.embed_dim, adapter_width=adapter_width),
        _build_text_tower(towers.text, towers.embed_dim),
    )


def build_text_tower(text: TextTowerConfig) -> TextTower:
    """A text tower alone, with random weights and no projection into a joint space."""
    if text.kind == "bert":
        return _bert_tower(text, "none", text.width)
    tower = _clip_text_tower(text, text.width)
    tower.text_projection = None  # into CLIP's joint space, which there is none of here
    return tower


def build_reader(text: TextTowerConfig) -> ReportReader:
    """What reads a report for a text tower."""
    return ReportReader(
        build_tokenizer(text),
        context_length=text.context_length,
        max_sentences=text.max_sentences,
    )


def build_tokenizer(text: TextTowerConfig) -> Tokenizer:
    """A text tower's own."""
    if text.kind == "bert":
        return WordPieceTokenizer(text.vocabulary, is_cased=text.is_cased)
    return ClipTokenizer(text.words or None)


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


def _build_image_tower(
    image: ImageTowerConfig, embed_dim: int, *, adapter_width: int
) -> ImageTower:
    if image.kind == "timm":
        visual = build_timm_visual(
            width=image.width,
            layers=image.layers,
            heads=image.heads,
            patch_px=image.patch_px,
            side_px=image.side_px,
            embed_dim=embed_dim,
        )
        return TimmImageTower(visual, adapter_width=adapter_width)
    # open_clip makes both halves; a text half of one layer and two tokens costs nothing.
    text = TextTowerConfig(width=16, layers=1, heads=1, quick_gelu=image.quick_gelu, words=("a",))
    clip = build_clip(TowerConfig(embed_dim=embed_dim, image=image, text=text))
    return ClipImageTower(clip.visual, adapter_width=adapter_width)


def _build_text_tower(text: TextTowerConfig, embed_dim: int) -> TextTower:
    if text.kind == "bert":
        return _bert_tower(text, text.projection, embed_dim)
    return _clip_text_tower(text, embed_dim)


def _clip_text_tower(text: TextTowerConfig, embed_dim: int) -> ClipTextTower:
    # open_clip makes both halves; an image half of one patch costs nothing.
    image = ImageTowerConfig(
        width=16, layers=4, heads=1, patch_px=16, side_px=16, quick_gelu=text.quick_gelu
    )
    clip = build_clip(TowerConfig(embed_dim=embed_dim, image=image, text=text))
    return ClipTextTower(clip, kept_token_ids(text))


def _bert_tower(text: TextTowerConfig, projection: str, embed_dim: int) -> TextTower:
    return build_bert_tower(
        width=text.width,
        layers=text.layers,
        heads=text.heads,
        num_pieces=len(text.vocabulary) or BERT_NUM_PIECES,
        num_positions=text.num_positions,
        projection=projection,
        embed_dim=embed_dim,
    )
