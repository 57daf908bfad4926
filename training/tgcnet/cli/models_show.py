"""What ``tgcnet models show`` and ``tgcnet models import`` print and do."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tgcnet.cli.output import say, say_json
from tgcnet.config import ModelConfig, TgcNetConfig, to_json
from tgcnet.errors import InputError
from tgcnet.models import named_configs
from tgcnet.models.cost import TEXT_TOKENS, Cost, measure
from tgcnet.weights.import_pretrained import Imported, fetch_for_import, import_pretrained
from tgcnet.weights.install import install_model
from tgcnet.weights.load import load_model
from tgcnet.weights.manifest import MANIFEST_FILE
from tgcnet.weights.pretrained_record import PretrainedRecord
from tgcnet.weights.registry import registered_models

_SHOWN = 12
_RANDOM = "an architecture without weights of its own: numbers are of random ones"


def show(name: str | None, *, as_json: bool) -> int:
    """Everything about a model, or about an architecture that has a name only."""
    values = _of_architecture(name) if _is_architecture(name) else _of_model(name)
    if as_json:
        say_json(values)
    else:
        _say_nested(values, indent=0)
    return 0


def bring(arguments: argparse.Namespace) -> int:
    """Import a model's folder, or pretrained weights."""
    path = Path(arguments.source).expanduser()
    if (path / MANIFEST_FILE).is_file():
        return _bring_model(path, arguments)
    if not path.exists():
        path = fetch_for_import(arguments.source)
    imported = import_pretrained(
        path,
        name=arguments.name or "",
        quick_gelu={"yes": True, "no": False, None: None}[arguments.quick_gelu],
        licence=arguments.licence,
    )
    record = imported.record
    if arguments.json:
        say_json({
            "name": record.name,
            "what": record.in_words(),
            "is_new": imported.is_new,
            "use": record.usage(),
            "fits": _fitting(record),
            "sha256": record.sha256,
            "licence": record.licence,
        })  # fmt: skip
    else:
        _say_imported(imported)
    return 0


def _bring_model(folder: Path, arguments: argparse.Namespace) -> int:
    if arguments.name or arguments.quick_gelu:
        raise InputError(
            f"{folder.name} is a model of this program, whose manifest holds its name and "
            "activation; leave --name and --quick-gelu out"
        )
    before = set(registered_models())
    name = install_model(folder)
    if arguments.json:
        say_json({"name": name, "what": "a model", "is_new": name not in before})
    else:
        say(f"{name}: whole, and registered. Use it: --model {name}")
    return 0


def _say_imported(imported: Imported) -> None:
    record = imported.record
    verb = "imported" if imported.is_new else "there already, the very same"
    say(f"{record.name}: {record.in_words()}; {verb}.")
    fitting = _fitting(record)
    where = f" with model {' or '.join(fitting)}" if fitting else ""
    say(f"In a recipe{where}: {record.usage()}")
    say(f"Licence: {record.licence}.")


def _fitting(record: PretrainedRecord) -> list[str]:
    """The named architectures that take these weights as they are."""
    return [name for name, config in named_configs().items() if _fits(config, record)]


def _fits(config: ModelConfig, record: PretrainedRecord) -> bool:
    if isinstance(config, TgcNetConfig):
        return record.towers is not None and (
            _size(record.towers.image) == _size(config.towers.image)
            and _size(record.towers.text) == _size(config.towers.text)
            and record.towers.embed_dim == config.towers.embed_dim
        )
    if record.text is not None:
        return _size(record.text) == _size(config.text)
    return config.cnn in record.cnn


def _size(tower: object) -> dict[str, Any]:
    """What weights decide of a tower, without the vocabulary that they bring."""
    free = ("words", "vocabulary", "is_cased", "context_length", "max_sentences")
    return {key: value for key, value in to_json(tower).items() if key not in free}


def _is_architecture(name: str | None) -> bool:
    is_registered = name is None or name in registered_models() or Path(name).exists()
    return not is_registered and name in named_configs()


def _of_architecture(name: str | None) -> dict[str, Any]:
    config = named_configs()[str(name)]
    side_px = config.towers.image.side_px if isinstance(config, TgcNetConfig) else 224
    values = {"name": config.name, "weights": _RANDOM, "model": to_json(config)}
    return {**values, **_cost_in_words(measure(config, side_px=side_px))}


def _of_model(name: str | None) -> dict[str, Any]:
    manifest = load_model(name).manifest
    cost = measure(manifest.model, side_px=manifest.preprocess.side_px)
    return {**to_json(manifest), **_cost_in_words(cost)}


def _cost_in_words(cost: Cost) -> dict[str, Any]:
    return {
        "parameters": {
            "total": cost.total_parameters,
            "trainable": cost.trainable_parameters,
        },
        "gflop": {
            "image": float(f"{cost.gflop_per_image:.3g}"),
            "text": float(f"{cost.gflop_per_text:.3g}"),
            "counted": (
                f"one image of {cost.side_px} x {cost.side_px} px, and apart from it one sentence "
                f"of {TEXT_TOKENS} tokens; a multiplication with its addition is 2"
            ),
        },
    }


def _say_nested(values: Mapping[str, object], indent: int) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            say(f"{' ' * indent}{key}:")
            _say_nested(value, indent + 2)
        elif isinstance(value, list | tuple):
            say(f"{' ' * indent}{key}: {_shortened(value)}")
        else:
            say(f"{' ' * indent}{key}: {value}")


def _shortened(entries: list[object] | tuple[object, ...]) -> str:
    """The first few, and how many there are: vocabularies have thousands."""
    shown = ", ".join(str(entry) for entry in entries[:_SHOWN])
    return shown if len(entries) <= _SHOWN else f"{shown}, … ({len(entries)} in all)"
