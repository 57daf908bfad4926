"""Names of a CLIP's tensors: transformers' to open_clip's and back.

Both store the same numbers. transformers keeps query, key and value apart and projects by linear
layers; open_clip stacks the three and multiplies by matrices, so those are transposed.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from tgcnet.errors import CheckpointError

# transformers' name -> open_clip's
_OUTSIDE = {
    "logit_scale": "logit_scale",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    # The missing "e" is transformers' own.
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
}
_TRANSPOSED = {
    "visual_projection.weight": "visual.proj",
    "text_projection.weight": "text_projection",
}
_BLOCKS = {
    "vision_model.encoder.layers.": "visual.transformer.resblocks.",
    "text_model.encoder.layers.": "transformer.resblocks.",
}
_IN_BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_STACKED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_LAYER = re.compile(r"(?P<tower>.*?\.)(?P<index>\d+)\.(?P<part>.+)\.(?P<kind>weight|bias)")
_STACK = re.compile(r"(?P<tower>.*resblocks\.)(?P<index>\d+)\.attn\.in_proj_(?P<kind>weight|bias)")


def from_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """open_clip's tensors from those of a ``transformers.CLIPModel``.

    Raises
    ------
    CheckpointError
        If a name is none of a CLIPModel's, or one of a stack of three is absent.
    """
    found: dict[str, Tensor] = {}
    stacks: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.endswith("position_ids"):  # older versions stored what counts from 0
            continue
        if key in _OUTSIDE:
            found[_OUTSIDE[key]] = tensor
        elif key in _TRANSPOSED:
            found[_TRANSPOSED[key]] = tensor.T.contiguous()
        else:
            tower, index, part, kind = _split(key)
            if part in _STACKED:
                stacks.setdefault(f"{tower}{index}.attn.in_proj_{kind}", {})[part] = tensor
            else:
                found[f"{tower}{index}.{_IN_BLOCK[part]}.{kind}"] = tensor
    for key, parts in stacks.items():
        if len(parts) != len(_STACKED):
            raise CheckpointError(
                f"a CLIP of transformers needs {', '.join(_STACKED)} in every layer, but "
                f"{key} has only {', '.join(sorted(parts))}; the file is damaged or incomplete"
            )
        found[key] = torch.cat([parts[part] for part in _STACKED])
    return found


def to_transformers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of :func:`from_transformers`.

    Raises
    ------
    CheckpointError
        If a name is none of an open_clip ViT's.
    """
    outside = {ours: theirs for theirs, ours in _OUTSIDE.items()}
    transposed = {ours: theirs for theirs, ours in _TRANSPOSED.items()}
    blocks = {ours: theirs for theirs, ours in _BLOCKS.items()}
    in_block = {ours: theirs for theirs, ours in _IN_BLOCK.items()}
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if key in outside:
            found[outside[key]] = tensor
        elif key in transposed:
            found[transposed[key]] = tensor.T.contiguous()
        elif stack := _STACK.fullmatch(key):
            layer = f"{blocks[stack['tower']]}{stack['index']}"
            for part, third in zip(_STACKED, tensor.chunk(3), strict=True):
                found[f"{layer}.{part}.{stack['kind']}"] = third.contiguous()
        else:
            match = _LAYER.fullmatch(key)
            if match is None or match["tower"] not in blocks or match["part"] not in in_block:
                raise _unknown(key, "open_clip")
            layer = f"{blocks[match['tower']]}{match['index']}"
            found[f"{layer}.{in_block[match['part']]}.{match['kind']}"] = tensor
    return found


def _split(key: str) -> tuple[str, str, str, str]:
    match = _LAYER.fullmatch(key)
    is_known = match is not None and match["tower"] in _BLOCKS
    if match is None or not is_known or match["part"] not in {*_IN_BLOCK, *_STACKED}:
        raise _unknown(key, "transformers")
    return _BLOCKS[match["tower"]], match["index"], match["part"], match["kind"]


def _unknown(key: str, library: str) -> CheckpointError:
    return CheckpointError(
        f"{key!r} is no tensor of a CLIP with two ViTs as {library} names them; use the weights "
        "of another model"
    )
