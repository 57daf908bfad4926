"""Networks: CLIP towers, CNN pyramid, SSE, DATE, VLCM, decoder, and what puts them together."""

from tgcnet.models.build import build_model, named_configs
from tgcnet.models.clip_weights import find_clip_weights, load_clip_towers
from tgcnet.models.tgcnet import TextFeatures, TgcNet, TgcNetOutput

__all__ = [
    "TextFeatures",
    "TgcNet",
    "TgcNetOutput",
    "build_model",
    "find_clip_weights",
    "load_clip_towers",
    "named_configs",
]
