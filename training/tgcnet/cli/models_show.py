"""``tgcnet models show``: a model's manifest and its cost, or an architecture's; needs torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tgcnet.cli.output import say, say_json
from tgcnet.config import TgcNetConfig
from tgcnet.config.json_values import to_json
from tgcnet.models import named_configs
from tgcnet.models.cost import TEXT_TOKENS, Cost, measure
from tgcnet.weights.load import load_model
from tgcnet.weights.registry import registered_models

_SHOWN = 12
_RANDOM = "an architecture without weights of its own: numbers are of random ones"


def show(name: str | None, *, as_json: bool) -> None:
    """Print everything about a model, or about an architecture without weights."""
    values = _of_architecture(name) if _is_architecture(name) else _of_model(name)
    if as_json:
        say_json(values)
    else:
        _say_nested(values, indent=0)


def _is_architecture(name: str | None) -> bool:
    is_registered = name is None or name in registered_models() or Path(name).exists()
    return not is_registered and name in named_configs()


def _of_architecture(name: str | None) -> dict[str, Any]:
    config = named_configs()[str(name)]
    side_px = config.towers.image.side_px if isinstance(config, TgcNetConfig) else 224
    values = {"name": config.name, "weights": _RANDOM, "model": to_json(config)}
    return {**values, **_cost_values(measure(config, side_px=side_px))}


def _of_model(name: str | None) -> dict[str, Any]:
    manifest = load_model(name).manifest
    cost = measure(manifest.model, side_px=manifest.preprocess.side_px)
    return {**to_json(manifest), **_cost_values(cost)}


def _cost_values(cost: Cost) -> dict[str, Any]:
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
