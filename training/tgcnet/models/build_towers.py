"""Towers, and the reader of their reports, from a configuration.

An encoder is its configuration (``tgcnet.config``), a file of its own beside this one, and a line
in one of the tables here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tgcnet.config import (
    BertTextConfig,
    ClipImageConfig,
    ClipTextConfig,
    TextTowerConfig,
    TimmImageConfig,
    TowerConfig,
)
from tgcnet.models.bert_tower import BERT
from tgcnet.models.clip_towers import CLIP_TEXT, build_clip_image_tower, build_clip_towers
from tgcnet.models.image_tower import ImageTower
from tgcnet.models.report_reader import ReportReader
from tgcnet.models.text_tower import TextEncoder, TextTower
from tgcnet.models.timm_tower import build_timm_image_tower

# From the configuration, the width of the joint space, and the adapters' width.
IMAGE_ENCODERS: Mapping[type, Callable[[Any, int, int], ImageTower]] = {
    ClipImageConfig: build_clip_image_tower,
    TimmImageConfig: build_timm_image_tower,
}
TEXT_ENCODERS: Mapping[type, TextEncoder] = {ClipTextConfig: CLIP_TEXT, BertTextConfig: BERT}


def build_towers(towers: TowerConfig, *, adapter_width: int) -> tuple[ImageTower, TextTower]:
    """Both towers of a TGC-Net with random weights.

    Raises
    ------
    ConfigError
        If two towers of CLIP's kind differ in QuickGELU, which open_clip cannot build.
    """
    image, text = towers.image, towers.text
    # One CLIP, whose random weights depend on the order in which it makes both.
    if isinstance(image, ClipImageConfig) and isinstance(text, ClipTextConfig):
        return build_clip_towers(towers, adapter_width=adapter_width)
    return (
        IMAGE_ENCODERS[type(image)](image, towers.embed_dim, adapter_width),
        TEXT_ENCODERS[type(text)].build_tower(text, towers.embed_dim),
    )


def build_text_tower(text: TextTowerConfig) -> TextTower:
    """A text tower alone, with random weights and no projection into a joint space."""
    return TEXT_ENCODERS[type(text)].build_tower(text, None)


def build_reader(text: TextTowerConfig) -> ReportReader:
    """What reads a report for a text tower."""
    return ReportReader(
        TEXT_ENCODERS[type(text)].build_tokenizer(text),
        context_length=text.context_length,
        max_sentences=text.max_sentences,
    )
