"""The manifest: what goes with a set of weights, so that they can be used without guessing."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from tgcnet.config import ModelConfig, PostprocessConfig, PreprocessConfig, TgcNetConfig, TmcaConfig
from tgcnet.config.json_values import from_json, to_json
from tgcnet.domain import ModelIdentity, SegmentationClass
from tgcnet.errors import CheckpointError, ConfigError
from tgcnet.io import write_text_atomically

MANIFEST_FILE = "manifest.json"
WEIGHTS_FILE = "weights.safetensors"
SCHEMA_VERSION = 2
ARCHITECTURES: Mapping[str, type[ModelConfig]] = {"tgcnet": TgcNetConfig, "tmca": TmcaConfig}

_TEXTS = ("name", "architecture", "sha256", "dtype", "licence", "notes")
_TEXT_LISTS = ("findings", "training_data")
_FIELDS = (*_TEXTS, *_TEXT_LISTS, "model", "preprocess", "postprocess", "classes", "measured")
_OPTIONAL = ("lineage", "prompt", "provenance")
PROMPTS = ("sentences", "findings")
_LINEAGE_TEXTS = ("parent", "parent_sha256", "ledger_snapshot")
_MAX_MANIFEST_BYTES = 4_000_000
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """A model's parent, what it was trained on, and how it compared.

    Attributes
    ----------
    parent, parent_sha256 : the model that training started from
    ledger_snapshot : identifier of the corrections as they stood then; "" where there is no ledger
    gate : the gate's report as JSON values, None where it was not compared yet
    """

    parent: str
    parent_sha256: str
    ledger_snapshot: str = ""
    gate: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Everything a set of weights needs beside its numbers.

    Attributes
    ----------
    name : that the user chooses the model by
    findings : names, as in the knowledge base, of the findings the model can segment
    sha256 : of the file ``weights.safetensors``, 64 hexadecimal digits
    dtype : of the floats as stored; they are loaded as float32
    licence : of the weights, which is not the code's
    prompt : "findings" where the text tower reads the sentence that a report's findings are
        compiled into, "sentences" where it reads the report's own
    measured : data set and text mode -> metric -> value
    lineage : of a fine-tuned model; None where training started from nothing
    provenance : seed, versions and hashes of the data that training kept; empty where it kept none
    """

    name: str
    model: ModelConfig
    preprocess: PreprocessConfig
    postprocess: PostprocessConfig
    classes: tuple[SegmentationClass, ...]
    findings: tuple[str, ...]
    sha256: str = ""
    dtype: str = "float16"
    licence: str = "unstated"
    training_data: tuple[str, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    prompt: str = "sentences"
    lineage: Lineage | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or self.prompt not in PROMPTS:
            raise ConfigError(f"prompt must be one of {PROMPTS}, got {shortened(self.prompt)}")
        if len(self.classes) != self.model.num_classes:
            raise ConfigError(
                f"model {self.name!r} has {self.model.num_classes} output classes but its manifest "
                f"describes {len(self.classes)}"
            )

    @property
    def architecture(self) -> str:
        """The method, as the manifest's file calls it."""
        return next(n for n, config in ARCHITECTURES.items() if type(self.model) is config)

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return ModelIdentity(name=self.name, sha256=self.sha256)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``manifest.json`` into ``folder``, atomically.

    Raises
    ------
    OutputError
        If the file cannot be written; an older one stays as it was.
    CheckpointError
        If the name cannot be that of a folder.
    """
    check_name(manifest.name)
    values = {
        "schema_version": SCHEMA_VERSION,
        "architecture": manifest.architecture,
        **to_json(manifest),
    }
    if manifest.lineage is None:
        del values["lineage"]  # older versions read what has none
    if not manifest.provenance:
        del values["provenance"]
    if manifest.prompt == "sentences":
        del values["prompt"]
    text = json.dumps(values, indent=2, ensure_ascii=False)
    write_text_atomically(folder / MANIFEST_FILE, text + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json`` of a model folder; the weights are not touched.

    Raises
    ------
    CheckpointError
        If the file is absent, is no JSON, was written under another schema, lacks a field or
        contradicts itself.
    """
    values = _read_json(folder / MANIFEST_FILE)
    _check_header(values, folder)
    try:
        return _from_values(values, folder)
    except ConfigError as error:
        raise CheckpointError(
            f"The manifest of model folder {folder.name!r} does not describe a usable model: "
            f"{error}. Use a folder that this version of tgcnet wrote."
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    where = f"{path.name} of model folder {path.parent.name!r}"
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise CheckpointError(
                f"{where} is larger than {_MAX_MANIFEST_BYTES // 1_000_000} MB, so it is no "
                "manifest. Use a folder that tgcnet wrote."
            )
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(
            f"{where} cannot be read ({error.strerror}); expected a folder holding "
            f"{MANIFEST_FILE} and {WEIGHTS_FILE}."
        ) from error
    # Not UTF-8, not JSON, or a number of thousands of digits; and brackets nested too deep.
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{where} is not valid JSON; expected what tgcnet writes beside {WEIGHTS_FILE}. "
            "Restore the file or fetch the model again."
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} holds no JSON object; restore the file tgcnet wrote.")
    return values


def _check_header(values: dict[str, Any], folder: Path) -> None:
    """Schema, architecture, fields and types, before anything is built from them."""
    where = f"The manifest of model folder {folder.name!r}"
    version = values.pop("schema_version", None)
    if version == 1:
        _upgrade(values)
    elif version != SCHEMA_VERSION:
        raise CheckpointError(
            f"{where} has schema version {version!r}, this tgcnet reads {SCHEMA_VERSION}. Install "
            "the version of napari-tgcnet that wrote it, or fetch the model again."
        )
    absent = [name for name in _FIELDS if name not in values]
    unknown = sorted(set(values) - {*_FIELDS, *_OPTIONAL})
    if absent or unknown:
        raise CheckpointError(
            f"{where} lacks {absent or 'no field'} and holds unknown fields {unknown or 'none'}. "
            "Use a folder that this version of tgcnet wrote."
        )
    _check_types(values, where)
    if values["architecture"] not in ARCHITECTURES:
        raise CheckpointError(
            f"{where} names architecture {values['architecture']!r}, this tgcnet builds "
            f"{' and '.join(map(repr, ARCHITECTURES))} only. Choose another model."
        )
    check_name(values["name"])
    _check_quick_gelu(values["model"], where)


def check_name(name: str) -> None:
    """Refuse a model's name that would lead elsewhere, since it names a folder.

    Raises
    ------
    CheckpointError
        If it is more than letters, digits, dots, underscores and hyphens, or starts with a dot.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise CheckpointError(
            f"A model is called {shortened(name)}, expected a plain name for its folder: letters, "
            "digits and . _ - only, not starting with a dot. Correct 'name' in its manifest."
        )


def _check_types(values: dict[str, Any], where: str) -> None:
    for name in _TEXTS:
        if not isinstance(values[name], str):
            raise CheckpointError(f"{where} needs a text as {name!r}, got {values[name]!r}.")
    for name in _TEXT_LISTS:
        if not _is_text_list(values[name]):
            raise CheckpointError(f"{where} needs a list of texts as {name!r}.")
    for name in ("model", "preprocess", "postprocess", "measured"):
        if not isinstance(values[name], dict):
            raise CheckpointError(f"{where} needs a JSON object as {name!r}.")
    provenance = values.get("provenance", {})
    if not isinstance(provenance, dict) or not _is_text_list(list(provenance.values())):
        raise CheckpointError(f"{where} needs a JSON object of texts as 'provenance'.")


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _upgrade(values: dict[str, Any]) -> None:
    """Convert version 1 to the current form: both towers' numbers stood in one list there."""
    model = values.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("towers"), dict):
        return  # reading it will report what is wrong
    towers = model["towers"]
    new: dict[str, Any] = {"image": {}, "text": {}}
    for key, value in towers.items():
        half, _, name = key.partition("_")
        if half in new:
            new[half][name] = value
        elif key in ("patch_px", "side_px"):
            new["image"][key] = value
        elif key in ("words", "context_length", "max_sentences"):
            new["text"][key] = value
        elif key == "quick_gelu":
            new["image"][key] = new["text"][key] = value
        else:
            new[key] = value
    model["towers"] = new


def _check_quick_gelu(model: dict[str, Any], where: str) -> None:
    """The one setting that changes every activation and that no weight's shape gives away."""
    towers = model["towers"] if isinstance(model.get("towers"), dict) else model
    for half in ("image", "text") if towers is not model else ("text",):
        tower = towers.get(half)
        if not isinstance(tower, dict) or not isinstance(tower.get("quick_gelu"), bool):
            raise CheckpointError(
                f"{where} does not state whether its {half} tower uses QuickGELU (quick_gelu must "
                "be true or false). It cannot be guessed from the weights: ask those who "
                "trained them, and add it."
            )


def _from_values(values: dict[str, Any], folder: Path) -> Manifest:
    classes, lineage = values["classes"], values.get("lineage")
    if not isinstance(classes, list) or not all(isinstance(entry, dict) for entry in classes):
        raise CheckpointError(
            f"The manifest of model folder {folder.name!r} needs a list of objects as 'classes'."
        )
    return Manifest(
        **{name: values[name] for name in _TEXTS if name != "architecture"},
        findings=tuple(values["findings"]),
        training_data=tuple(values["training_data"]),
        model=from_json(ARCHITECTURES[values["architecture"]], values["model"]),
        preprocess=from_json(PreprocessConfig, values["preprocess"]),
        postprocess=from_json(PostprocessConfig, values["postprocess"]),
        classes=tuple(from_json(SegmentationClass, entry) for entry in classes),
        measured=values["measured"],
        prompt=values.get("prompt", "sentences"),
        lineage=None if lineage is None else _lineage_from_json(lineage),
        provenance=values.get("provenance", {}),
    )


def _lineage_from_json(values: object) -> Lineage:
    """Read a lineage that a manifest holds.

    Raises
    ------
    ConfigError
        If it is no JSON object, or a field is unknown, missing or of another type.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"lineage must be a JSON object, got {shortened(values)}")
    unknown = sorted(set(values) - {*_LINEAGE_TEXTS, "gate"})
    if unknown:
        raise ConfigError(f"lineage has no field {unknown[0]!r}; it was written by another version")
    for name in _LINEAGE_TEXTS:
        if not isinstance(values.get(name, ""), str):
            raise ConfigError(f"lineage.{name} must be a text, got {shortened(values[name])}")
    absent = [name for name in ("parent", "parent_sha256") if name not in values]
    if absent:
        raise ConfigError(f"lineage lacks {absent[0]!r}")
    gate = values.get("gate")
    if gate is not None and not isinstance(gate, dict):
        raise ConfigError(f"lineage.gate must be a JSON object or null, got {shortened(gate)}")
    return Lineage(**values)
