"""Identify the network that weights belong to, from the names and shapes of their tensors.

Two things no shape shows: how many heads attention has, and which GELU follows. A configuration
beside the weights states both; without one, heads of 64 channels are open_clip's rule.
"""

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache

import timm
import torch

from tgcnet.config import (
    BertTextConfig,
    ClipImageConfig,
    ClipTextConfig,
    ImageTowerConfig,
    TimmImageConfig,
)
from tgcnet.errors import CheckpointError
from tgcnet.models.clip_towers import CLIP_NUM_TOKENS

Shapes = Mapping[str, tuple[int, ...]]
HEAD_WIDTH = 64

_CNN_CANDIDATES = {
    "stages.": (
        "convnext_atto", "convnext_femto", "convnext_pico", "convnext_nano", "convnext_tiny",
        "convnext_small", "convnext_base", "convnext_large",
    ),
    "conv_stem.": (
        "tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2",
        "tf_efficientnet_lite3", "tf_efficientnet_lite4", "efficientnet_b0", "efficientnet_b1",
        "efficientnet_b2", "efficientnet_b3", "efficientnet_b4",
    ),
}  # fmt: skip


def recognise_image_tower(
    shapes: Shapes, *, heads: int | None, quick_gelu: bool
) -> tuple[ImageTowerConfig, int]:
    """The image tower among open_clip's tensors, and the width of its joint space.

    Raises
    ------
    CheckpointError
        If it is neither CLIP's ViT nor timm's plain one.
    """
    if "visual.conv1.weight" in shapes and "visual.class_embedding" in shapes:
        tower: type[ImageTowerConfig] = ClipImageConfig
        patches, positions = "visual.conv1.weight", "visual.positional_embedding"
        layer, embed_dim = r"visual\.transformer\.resblocks\.(\d+)\.", _of(shapes, "visual.proj")[1]
    elif "visual.trunk.cls_token" in shapes:
        tower = TimmImageConfig
        patches, positions = "visual.trunk.patch_embed.proj.weight", "visual.trunk.pos_embed"
        layer = r"visual\.trunk\.blocks\.(\d+)\."
        embed_dim = _of(shapes, "visual.head.proj.weight")[0]
    else:
        raise CheckpointError(
            "the image tower is neither CLIP's ViT nor timm's plain ViT with a class token "
            f"({_first(shapes)}); use weights of one of those, such as ViT-B/16"
        )
    width, _, patch_px, _ = _of(shapes, patches)
    num_positions = _of(shapes, positions)[-2]
    config = tower(
        width=width,
        layers=count_layers(shapes, layer),
        heads=heads or width // HEAD_WIDTH,
        patch_px=patch_px,
        side_px=math.isqrt(num_positions - 1) * patch_px,
        quick_gelu=quick_gelu,
    )
    return config, embed_dim


def recognise_clip_text(shapes: Shapes, *, heads: int | None, quick_gelu: bool) -> ClipTextConfig:
    """CLIP's text tower among open_clip's tensors.

    Raises
    ------
    CheckpointError
        If it is another kind of text tower, or its vocabulary is not CLIP's.
    """
    num_tokens, width = _of(shapes, "token_embedding.weight")
    if num_tokens != CLIP_NUM_TOKENS:
        raise CheckpointError(
            f"the text tower knows {num_tokens} tokens, CLIP's own tokenizer makes "
            f"{CLIP_NUM_TOKENS}; towers with another tokenizer are not read"
        )
    return ClipTextConfig(
        width=width,
        layers=count_layers(shapes, r"transformer\.resblocks\.(\d+)\."),
        heads=heads or width // HEAD_WIDTH,
        quick_gelu=quick_gelu,
        context_length=_of(shapes, "positional_embedding")[0],
    )


def recognise_bert(
    shapes: Shapes,
    vocabulary: tuple[str, ...],
    *,
    heads: int | None,
    context_length: int,
    is_cased: bool,
) -> BertTextConfig:
    """A BERT among tensors named as in open_clip: ``text.transformer.*`` and ``text.proj.*``.

    Raises
    ------
    CheckpointError
        If the vocabulary has another length than the embeddings, or a size is not BERT's.
    """
    num_pieces, width = _of(shapes, "text.transformer.embeddings.word_embeddings.weight")
    feed_forward = _of(shapes, "text.transformer.encoder.layer.0.intermediate.dense.weight")[0]
    if feed_forward != 4 * width:
        raise CheckpointError(
            f"the BERT's feed-forward part is {feed_forward} wide at a width of {width}, expected "
            f"{4 * width}; such a BERT is not read"
        )
    if len(vocabulary) != num_pieces:
        raise CheckpointError(
            f"the vocabulary has {len(vocabulary)} word pieces, the weights have {num_pieces}; "
            "use the vocab.txt that belongs to these weights"
        )
    num_positions = _of(shapes, "text.transformer.embeddings.position_embeddings.weight")[0]
    projections = {key for key in shapes if key.startswith("text.proj.")}
    return BertTextConfig(
        width=width,
        layers=count_layers(shapes, r"text\.transformer\.encoder\.layer\.(\d+)\."),
        heads=heads or width // HEAD_WIDTH,
        quick_gelu=False,
        vocabulary=vocabulary,
        is_cased=is_cased,
        context_length=min(context_length, num_positions),
        num_positions=num_positions,
        projection={0: "none", 1: "linear"}.get(len(projections), "mlp"),
    )


def recognise_cnn(shapes: Shapes) -> tuple[str, ...]:
    """Names, in timm's words, of the networks that have exactly these tensors; the head is free.

    Names may share all shapes and differ in padding alone, so there may be several.
    """
    for mark, names in _CNN_CANDIDATES.items():
        if any(key.startswith(mark) for key in shapes):
            body = _body(shapes)
            return tuple(name for name in names if _shapes_of_cnn(name) == body)
    return ()


@cache
def _shapes_of_cnn(name: str) -> Shapes:
    with torch.device("meta"):
        own = timm.create_model(name, pretrained=False).state_dict()
    return _body({key: tuple(tensor.shape) for key, tensor in own.items()})


def _body(shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """Without the head, which may have any number of classes, and without counters."""
    return {
        key: shape
        for key, shape in shapes.items()
        if not key.startswith(("classifier.", "head.")) and not is_counter(key)
    }


def is_counter(key: str) -> bool:
    """Whether a tensor only counts the batches that a BatchNorm has seen."""
    return key.endswith("num_batches_tracked")


def count_layers(keys: Iterable[str], pattern: str) -> int:
    """How many layers are numbered in the keys that match."""
    numbers = {int(match[1]) for key in keys if (match := re.match(pattern, key))}
    return max(numbers, default=-1) + 1


def _of(shapes: Shapes, key: str) -> tuple[int, ...]:
    if key not in shapes:
        raise CheckpointError(
            f"there is no tensor {key!r} among the {len(shapes)} given ({_first(shapes)}), so "
            "these are not weights that are read; the documentation names those that are"
        )
    return shapes[key]


def _first(shapes: Shapes) -> str:
    return f"first: {min(shapes, default='none')}"
