"""The files of pretrained weights: the weights, their configuration and their vocabulary."""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from transformers import CLIPConfig

from tgcnet.errors import CheckpointError

OPEN_CLIP_CONFIG, TRANSFORMERS_CONFIG = "open_clip_config.json", "config.json"
VOCABULARY_FILE, TOKENIZER_FILE = "vocab.txt", "tokenizer.json"
SAFE_NAMES = ("open_clip_model.safetensors", "model.safetensors", "weights.safetensors")
PICKLE_NAMES = ("open_clip_pytorch_model.bin", "pytorch_model.bin")
PICKLE_ENDINGS = (".bin", ".pt", ".pth", ".ckpt")
DEFAULT_CONTEXT = 256
_MAX_TEXT_BYTES = 16_000_000
_POOLER = "cls_last_hidden_state_pooler"
# open_clip leaves the network as it is at "": timm's plain ViT pools by its class token.
_TOKEN = ("", "token")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """What only a configuration states, not a tensor's shape; None where it is silent."""

    quick_gelu: bool | None = None
    image_heads: int | None = None
    text_heads: int | None = None
    context_length: int | None = None

    def or_else(self, other: "Stated") -> "Stated":
        """With the other's values where this has none."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(other, **{name: value for name, value in own.items() if value is not None})


NOTHING_STATED = Stated()


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file of weights and the folder of the files that belong to it; None: there are none."""

    weights: Path
    folder: Path | None
    label: str

    @property
    def is_pickle(self) -> bool:
        """Whether the weights first have to be converted."""
        return self.weights.suffix in PICKLE_ENDINGS

    @property
    def is_cased(self) -> bool:
        """Whether a BERT's tokenizer keeps capitals; transformers' default is no."""
        return not self._json("tokenizer_config.json").get("do_lower_case", True)

    def vocabulary(self) -> tuple[str, ...]:
        """A BERT's word pieces.

        Raises
        ------
        CheckpointError
            If there is no file of them beside the weights.
        """
        if self.folder is not None and (self.folder / VOCABULARY_FILE).is_file():
            text = _read_text(self.folder / VOCABULARY_FILE)
            # Not splitlines: a piece may be one of Unicode's other line ends.
            return tuple(line.rstrip("\r") for line in text.removesuffix("\n").split("\n"))
        pieces = self._json(TOKENIZER_FILE).get("model", {}).get("vocab", {})
        if not pieces:
            raise CheckpointError(
                f"{self.label} has a BERT, whose word pieces are in {VOCABULARY_FILE}, but there "
                f"is none beside the weights; put {VOCABULARY_FILE} into the same folder and "
                "name the folder"
            )
        return tuple(sorted(pieces, key=pieces.__getitem__))

    def stated(self, library: str) -> Stated:
        """What the configuration of that library, "open_clip" or "transformers", states.

        Raises
        ------
        CheckpointError
            If it describes a tower that is not supported.
        """
        if library == "open_clip":
            return _of_open_clip(self._json(OPEN_CLIP_CONFIG), self.label)
        values = self._json(TRANSFORMERS_CONFIG)
        is_clip = "vision_config" in values or values.get("model_type") == "clip"
        return _of_clip(values) if is_clip else _of_bert(values, self.label)

    def _json(self, name: str) -> dict[str, Any]:
        if self.folder is None or not (self.folder / name).is_file():
            return {}
        try:
            values = json.loads(_read_text(self.folder / name))
        except (ValueError, RecursionError) as error:
            raise CheckpointError(
                f"{name} of {self.label} is not valid JSON ({error}); fetch it again"
            ) from error
        if not isinstance(values, dict):
            raise CheckpointError(f"{name} of {self.label} holds no JSON object; fetch it again")
        return values


def locate_weights(path: Path) -> Source:
    """Find the file of weights at a path.

    Raises
    ------
    CheckpointError
        If there is none, or they are spread over several files.
    """
    if path.is_file():
        # A configuration counts only where the weights have the name it was written for.
        beside = path.parent if path.name in SAFE_NAMES + PICKLE_NAMES else None
        return Source(weights=path, folder=beside, label=path.name)
    for name in SAFE_NAMES + PICKLE_NAMES:
        if (path / name).is_file():
            return Source(weights=path / name, folder=path, label=path.name)
    shards = sorted(entry.name for entry in path.glob("*.index.json"))
    if shards:
        raise CheckpointError(
            f"the weights in {path.name} are spread over several files ({shards[0]}), expected one "
            f"of {', '.join(SAFE_NAMES)}; save them in one file"
        )
    only = [entry for entry in sorted(path.glob("*.safetensors")) if entry.is_file()]
    if len(only) == 1:
        return Source(weights=only[0], folder=path, label=path.name)
    raise CheckpointError(
        f"{path.name} holds no weights that are read, expected one file of "
        f"{', '.join(SAFE_NAMES + PICKLE_NAMES)}; name a folder with it and its configuration"
    )


def _of_open_clip(values: dict[str, Any], label: str) -> Stated:
    model = values.get("model_cfg", values)
    image, text = model.get("vision_cfg", {}), model.get("text_cfg", {})
    if not image and not text:
        return Stated()
    if "timm_model_name" in image and (
        image.get("timm_proj", "linear") != "linear" or image.get("timm_pool", "avg") not in _TOKEN
    ):
        raise CheckpointError(
            f"the image tower of {label} pools by {image.get('timm_pool', 'avg')!r} and projects "
            f"by {image.get('timm_proj', 'linear')!r}, expected the class token and 'linear'; "
            "such a tower is not read"
        )
    if "hf_model_name" in text and text.get("hf_pooler_type", "mean_pooler") != _POOLER:
        raise CheckpointError(
            f"the text tower of {label} pools by {text.get('hf_pooler_type', 'mean_pooler')!r}, "
            f"expected {_POOLER!r}; such a tower is not read"
        )
    is_clip_image = "timm_model_name" not in image
    head_width, width = image.get("head_width", 64), image.get("width", 768)
    return Stated(
        # open_clip's own rule: a plain GELU where its file is silent.
        quick_gelu=bool(model.get("quick_gelu", False)),
        image_heads=width // head_width if is_clip_image else None,
        text_heads=None if "hf_model_name" in text else text.get("heads", 8),
        context_length=text.get("context_length"),
    )


def _of_clip(values: dict[str, Any]) -> Stated:
    # Fills in what transformers leaves out when it writes.
    filled = CLIPConfig.from_dict(values).to_dict()
    text, image = filled["text_config"], filled["vision_config"]
    activations = {text["hidden_act"], image["hidden_act"]}
    known = {"quick_gelu": True, "gelu": False}
    if len(activations) != 1 or not activations <= known.keys():
        raise CheckpointError(
            f"the towers have the activations {sorted(activations)}, expected one of "
            f"{', '.join(known)} in both; such a CLIP is not read"
        )
    return Stated(
        quick_gelu=known[activations.pop()],
        image_heads=image["num_attention_heads"],
        text_heads=text["num_attention_heads"],
    )


def _of_bert(values: dict[str, Any], label: str) -> Stated:
    activation, eps = values.get("hidden_act", "gelu"), values.get("layer_norm_eps", 1e-12)
    if activation != "gelu" or eps != 1e-12:
        raise CheckpointError(
            f"the BERT of {label} has hidden_act={activation!r} and layer_norm_eps={eps}, "
            "expected 'gelu' and 1e-12; such a BERT is not read"
        )
    return Stated(text_heads=values.get("num_attention_heads"))


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_TEXT_BYTES:
            raise CheckpointError(
                f"{path.name} is larger than {_MAX_TEXT_BYTES // 1_000_000} MB, so it is neither a "
                "configuration nor a vocabulary; fetch it again"
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CheckpointError(
            f"{path.name} cannot be read as text ({error.__class__.__name__}); fetch it again"
        ) from None
