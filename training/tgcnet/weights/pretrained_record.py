"""The user's folder of pretrained weights, and the record in each.  No torch here.

A folder is one set of weights: ``pretrained.json`` and ``weights.safetensors``, as
``tgcnet models import`` writes them, or files in a foreign format.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgcnet.config import TextTowerConfig, TowerConfig
from tgcnet.config.json_values import from_json, to_json, tower_from_json
from tgcnet.errors import CheckpointError, ConfigError
from tgcnet.io.user_data import user_folder
from tgcnet.weights.manifest import check_name

PRETRAINED_VARIABLE = "TGCNET_PRETRAINED"
RECORD_FILE = "pretrained.json"
RECORD_VERSION = 1
_MAX_BYTES = 16_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainedRecord:
    """What is known of imported weights.

    Attributes
    ----------
    given : the file's name as it was given, and what kind of weights it held
    given_sha256 : of that file
    sha256 : of ``weights.safetensors`` beside this record
    towers, text, cnn : what they are weights of; one of the three
    licence : as stated when they were imported, else "unknown"
    imported_utc : when, ISO 8601
    """

    name: str
    given: str
    given_sha256: str
    sha256: str
    licence: str
    imported_utc: str
    towers: TowerConfig | None = None
    text: TextTowerConfig | None = None
    cnn: tuple[str, ...] = ()

    @property
    def quick_gelu(self) -> bool | None:
        """The activation of the towers; None where there is none to choose."""
        return None if self.towers is None else self.towers.image.quick_gelu

    def in_words(self) -> str:
        """What these weights are, as a phrase."""
        if self.towers is not None:
            image, text = self.towers.image, self.towers.text
            return (
                f"a pair of towers: image {image.kind} ViT/{image.patch_px} of width {image.width} "
                f"with {image.layers} layers at {image.side_px} px, text {text.kind} of width "
                f"{text.width} with {text.layers} layers, quick_gelu={image.quick_gelu}"
            )
        if self.text is not None:
            return (
                f"a BERT of width {self.text.width} with {self.text.layers} layers and "
                f"{len(self.text.vocabulary)} word pieces"
            )
        return f"the CNN {' or '.join(self.cnn)}"

    def usage(self) -> str:
        """The recipe's field that takes them."""
        field = "clip_weights" if self.towers else "text_weights" if self.text else "cnn_weights"
        return f'{field}="{self.name}"'


def user_pretrained_folder() -> Path:
    """Where pretrained weights lie: ``TGCNET_PRETRAINED``, else the platform's data folder."""
    return user_folder("pretrained", PRETRAINED_VARIABLE)


def find_pretrained(name: str) -> Path | None:
    """The folder of the weights with a name; None where there are none."""
    folder = user_pretrained_folder() / name
    is_plain = name not in (".", "..") and Path(name).name == name
    return folder if is_plain and folder.is_dir() else None


def record_as_json(record: PretrainedRecord) -> str:
    """The text of ``pretrained.json``."""
    values = {
        "schema_version": RECORD_VERSION,
        **to_json(record),
        "quick_gelu": record.quick_gelu,
        "what": record.in_words(),
    }
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def read_record(folder: Path) -> PretrainedRecord:
    """Read ``pretrained.json``; the weights are not touched.

    Raises
    ------
    CheckpointError
        If it is absent, damaged or of another version.
    """
    path = folder / RECORD_FILE
    advice = "import the weights again: tgcnet models import"
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CheckpointError(f"{RECORD_FILE} of {folder.name!r} is too large; {advice}")
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{RECORD_FILE} of {folder.name!r} cannot be read ({type(error).__name__}); {advice}"
        ) from None
    if not isinstance(values, dict) or values.pop("schema_version", None) != RECORD_VERSION:
        raise CheckpointError(
            f"{RECORD_FILE} of {folder.name!r} is of another version than {RECORD_VERSION}; "
            f"{advice}"
        )
    try:
        return _from_values(values)
    except (ConfigError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{RECORD_FILE} of {folder.name!r} does not describe weights ({error}); {advice}"
        ) from error


def _from_values(values: dict[str, Any]) -> PretrainedRecord:
    texts = ("name", "given", "given_sha256", "sha256", "licence", "imported_utc")
    if not all(isinstance(values[key], str) for key in texts):
        raise TypeError(f"{', '.join(texts)} must be texts")
    check_name(values["name"])
    towers, text = values.get("towers"), values.get("text")
    return PretrainedRecord(
        **{key: values[key] for key in texts},
        towers=None if towers is None else from_json(TowerConfig, towers),
        text=None if text is None else tower_from_json(TextTowerConfig, text),
        cnn=tuple(str(name) for name in values.get("cnn", ())),
    )
