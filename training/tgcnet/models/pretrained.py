"""Pretrained towers: what a file or folder holds, and filling a network's towers with it.

Whatever the source, tensors get open_clip's names: ``visual.*`` for an image tower; CLIP's own
names, or ``text.transformer.*`` and ``text.proj.*`` of a BERT, for a text tower; timm's for a CNN.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from reprlib import repr as shortened

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from tgcnet.config import (
    ImageTowerConfig,
    ModelConfig,
    TextTowerConfig,
    TgcNetConfig,
    TowerConfig,
    text_tower_config,
)
from tgcnet.errors import CheckpointError
from tgcnet.models.clip_keys import from_transformers
from tgcnet.models.cnn import CnnPyramid
from tgcnet.models.recognise_weights import (
    is_counter,
    recognise_bert,
    recognise_clip_text,
    recognise_cnn,
    recognise_image_tower,
)
from tgcnet.models.segmenter import SegmentationModel
from tgcnet.models.source_files import (
    DEFAULT_CONTEXT,
    NOTHING_STATED,
    OPEN_CLIP_CONFIG,
    Source,
    Stated,
    locate_weights,
)
from tgcnet.models.tgcnet import TgcNet

# Fields of a tower that the weights do not decide.
_NOT_IN_WEIGHTS = frozenset({"max_sentences", "context_length", "words"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Pretrained:
    """Weights and the sizes read from them; what they do not hold is None or empty.

    Attributes
    ----------
    label : the name they have in messages
    towers : of a pair
    text : of a BERT alone
    cnn : timm's names of the networks these weights fit
    tensors : by open_clip's names, or timm's where it is a CNN
    sha256 : of the file of weights; empty where it was not hashed
    """

    label: str
    tensors: Mapping[str, Tensor]
    towers: TowerConfig | None = None
    text: TextTowerConfig | None = None
    cnn: tuple[str, ...] = ()
    sha256: str = ""


def read_pretrained(path: Path, *, fallback: Stated = NOTHING_STATED) -> Pretrained:
    """Weights in a foreign format: no code in them is run, nothing is downloaded.

    Parameters
    ----------
    path : a safetensors file of open_clip or timm; or a folder as open_clip or transformers write
        it (a CLIP, or a BERT with its ``vocab.txt``), or one holding such a file
    fallback : used where no configuration beside the weights states it

    Raises
    ------
    CheckpointError
        If these are no such weights, they are damaged or hold numbers that are not finite, or the
        activation is not stated, or the fallback contradicts it.
    """
    source = locate_weights(path)
    tensors = read_safetensors(source.weights)
    return interpret(source, tensors, fallback)


def interpret(source: Source, tensors: Mapping[str, Tensor], fallback: Stated) -> Pretrained:
    """Identify tensors that were read from a source; as :func:`read_pretrained`."""
    _check_finite(tensors, source.label)
    if any(key.startswith("vision_model.") for key in tensors):
        tensors, where = from_transformers(tensors), "transformers"
    elif bert := _bert_alone(tensors):
        tensors, where = bert, "transformers"
    else:
        tensors, where = _as_open_clip(tensors), "open_clip"
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    if not any(key.startswith(("visual.", "text.")) for key in shapes):
        cnn = recognise_cnn(shapes)
        if not cnn:
            raise CheckpointError(
                f"{source.label} holds {len(shapes)} tensors (first: "
                f"{min(shapes, default='none')}) of a network that is not read, expected a CLIP of "
                "two ViTs, BiomedCLIP, a BERT, or timm's ConvNeXt or EfficientNet"
            )
        return Pretrained(label=source.label, tensors=tensors, cnn=cnn)
    stated = source.stated(where).or_else(fallback)
    is_bert = any(key.startswith("text.transformer.") for key in shapes)
    bert_text = _recognise_bert(source, shapes, stated) if is_bert else None
    if not any(key.startswith("visual.") for key in shapes):
        return Pretrained(label=source.label, tensors=tensors, text=bert_text)
    if is_bert and "visual.trunk.cls_token" in shapes:
        stated = replace(stated, quick_gelu=False)  # neither half can have another
    if stated.quick_gelu is None:
        raise CheckpointError(
            f"nothing beside {source.label} states whether its towers use QuickGELU, and it "
            "cannot be guessed from the weights (OpenAI's do, most others do not); state it, or "
            f"put the {OPEN_CLIP_CONFIG} that belongs to them beside them"
        )
    image, embed_dim = recognise_image_tower(
        shapes, heads=stated.image_heads, quick_gelu=stated.quick_gelu
    )
    text = bert_text or recognise_clip_text(
        shapes, heads=stated.text_heads, quick_gelu=stated.quick_gelu
    )
    towers = TowerConfig(embed_dim=embed_dim, image=image, text=text)
    return Pretrained(label=source.label, tensors=tensors, towers=towers)


def fill_towers(model: SegmentationModel, config: ModelConfig, pretrained: Pretrained) -> None:
    """Both towers of a TGC-Net, or the text tower of a TMCA, from pretrained weights.

    Parameters
    ----------
    config : what the model was built from; its vocabulary is the weights' own
        (:func:`with_vocabulary`)

    Raises
    ------
    CheckpointError
        If the weights have other sizes or another activation than the configuration states.
    """
    if isinstance(model, TgcNet) and isinstance(config, TgcNetConfig):
        if pretrained.towers is None:
            raise CheckpointError(
                f"{pretrained.label} holds no pair of an image and a text tower, which "
                f"{config.name!r} needs; name a CLIP in clip_weights"
            )
        _check_sizes(pretrained, "image tower", pretrained.towers.image, config.towers.image)
        _check_sizes(pretrained, "text tower", pretrained.towers.text, config.towers.text)
        if pretrained.towers.embed_dim != config.towers.embed_dim:
            raise _mismatch(
                pretrained, "pair", "embed_dim", pretrained.towers.embed_dim, config.towers
            )
        _load(model.image_tower.visual, _below(pretrained.tensors, "visual."), pretrained.label)
    else:
        text = pretrained.towers.text if pretrained.towers is not None else pretrained.text
        if text is None:
            raise CheckpointError(
                f"{pretrained.label} holds no text tower, which {config.name!r} needs; name a "
                "BERT's folder or a CLIP in text_weights"
            )
        configured = text_tower_config(config)
        # A TMCA has no joint space, so a projection into one is dropped.
        text = replace(text, projection=configured.projection)
        _check_sizes(pretrained, "text tower", text, configured)
    own = set(model.text_tower.state_dict())
    prefix = model.text_tower.key_prefix
    # Below a prefix of its own there is nothing but the tower and its projection, so a TGC-Net,
    # which uses both, refuses what is unknown.
    takes_all = bool(prefix) and isinstance(model, TgcNet)
    tensors = _below(pretrained.tensors, prefix)
    wanted = {key: tensor for key, tensor in tensors.items() if takes_all or key in own}
    _load(model.text_tower, wanted, pretrained.label)


def fill_cnn(pyramid: CnnPyramid, name: str, pretrained: Pretrained) -> None:
    """A CNN pyramid from the weights of the whole network.

    Parameters
    ----------
    name : timm's, as the pyramid was built by

    Raises
    ------
    CheckpointError
        If these are the weights of another network.
    """
    if name not in pretrained.cnn:
        fits = " or ".join(pretrained.cnn) or "no CNN"
        raise CheckpointError(
            f"{pretrained.label} holds the weights of {fits}, the recipe's CNN is {name!r}; use "
            f"those of {name} or change the recipe"
        )
    own = pyramid.net.state_dict()
    # timm flattens the first name of a pyramid's parts: stages_0 for stages.0.
    wanted = {
        key: pretrained.tensors[key if key in pretrained.tensors else key.replace("_", ".", 1)]
        for key in own
        if not is_counter(key)
    }
    pyramid.net.load_state_dict(wanted, strict=False)


def with_vocabulary(text: TextTowerConfig, given: TextTowerConfig) -> TextTowerConfig:
    """A configured text tower with the word pieces, and the case, of pretrained weights."""
    if not text.vocabulary_comes_with_weights:
        return text
    return replace(text, vocabulary=given.vocabulary, is_cased=given.is_cased)


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """All tensors of a file, floats as float32.

    Raises
    ------
    CheckpointError
        If it is no whole safetensors file.
    """
    try:
        tensors = safetensors.torch.load_file(file)
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{file.name} cannot be read as safetensors ({error}); use an undamaged file, and "
            "convert another format first: tgcnet models import"
        ) from error
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}


def _check_finite(tensors: Mapping[str, Tensor], label: str) -> None:
    broken = [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise CheckpointError(
            f"{label} holds numbers that are not finite in {len(broken)} tensors (first: "
            f"{broken[0]}); it is damaged, or its training diverged: use another copy"
        )


def _as_open_clip(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop tensors no tower uses; move a CLIP text tower from below ``text.`` to the top level."""
    is_nested = "text.token_embedding.weight" in tensors
    return {
        key.removeprefix("text.") if is_nested else key: tensor
        for key, tensor in tensors.items()
        if not key.startswith("text.transformer.pooler.") and not key.endswith("position_ids")
    }


def _bert_alone(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A BERT's own tensors by open_clip's names; empty where there is no BERT.

    Heads for other tasks, CXR-BERT's projection among them, are dropped.
    """
    prefix = "bert." if any(key.startswith("bert.") for key in tensors) else ""
    if f"{prefix}embeddings.word_embeddings.weight" not in tensors:
        return {}
    return {
        # Files converted from TensorFlow use these names for the parameters of a norm.
        f"text.transformer.{key}".replace("LayerNorm.gamma", "LayerNorm.weight").replace(
            "LayerNorm.beta", "LayerNorm.bias"
        ): tensor
        for key, tensor in _below(tensors, prefix).items()
        if key.startswith(("embeddings.", "encoder.")) and not key.endswith("position_ids")
    }


def _recognise_bert(
    source: Source, shapes: Mapping[str, tuple[int, ...]], stated: Stated
) -> TextTowerConfig:
    return recognise_bert(
        shapes,
        source.vocabulary(),
        heads=stated.text_heads,
        context_length=stated.context_length or DEFAULT_CONTEXT,
        is_cased=source.is_cased,
    )


def _check_sizes(
    pretrained: Pretrained,
    which: str,
    given: ImageTowerConfig | TextTowerConfig,
    configured: ImageTowerConfig | TextTowerConfig,
) -> None:
    for name in (field.name for field in fields(given)):
        if name not in _NOT_IN_WEIGHTS and getattr(given, name) != getattr(configured, name):
            raise _mismatch(pretrained, which, name, getattr(given, name), configured)


def _mismatch(
    pretrained: Pretrained, which: str, name: str, given: object, configured: object
) -> CheckpointError:
    return CheckpointError(
        f"the {which} of {pretrained.label} has {name}={shortened(given)}, the configuration says "
        f"{shortened(getattr(configured, name))}; use weights of the configured "
        "architecture, or configure theirs"
    )


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _load(part: nn.Module, tensors: Mapping[str, Tensor], label: str) -> None:
    own = part.state_dict()
    misfits = sorted(own.keys() ^ tensors.keys()) + sorted(
        key for key in own.keys() & tensors.keys() if own[key].shape != tensors[key].shape
    )
    if misfits:
        raise CheckpointError(
            f"{label} does not fit this tower: {len(misfits)} parameters are absent, unknown or "
            f"of another shape (first: {misfits[0]}); it belongs to another architecture"
        )
    part.load_state_dict(tensors)
