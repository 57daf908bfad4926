"""Networks: towers, CNN pyramid, TGC-Net's and TMCA's modules, and what puts them together."""

from tgcnet.models.build import build_model, build_tgcnet, build_tmca, named_configs
from tgcnet.models.segmenter import ModelOutput, SegmentationModel
from tgcnet.models.text_features import SentenceMemory, TextFeatures
from tgcnet.models.tgcnet import TgcNet, TgcNetOutput
from tgcnet.models.tmca import TmcaNet, TmcaOutput

__all__ = [
    "ModelOutput",
    "SegmentationModel",
    "SentenceMemory",
    "TextFeatures",
    "TgcNet",
    "TgcNetOutput",
    "TmcaNet",
    "TmcaOutput",
    "build_model",
    "build_tgcnet",
    "build_tmca",
    "named_configs",
]
