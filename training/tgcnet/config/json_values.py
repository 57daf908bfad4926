"""Configurations to JSON values and back: checked, since anybody may have written a file."""

import functools
import json
from dataclasses import asdict, fields
from reprlib import repr as shortened
from typing import Any, TypeVar, cast, get_args

from pydantic import TypeAdapter, ValidationError

from tgcnet.errors import ConfigError

T = TypeVar("T")


def to_json(config: object) -> dict[str, Any]:
    """The configuration as plain JSON values; tuples become lists."""
    return asdict(config)  # type: ignore[call-overload,no-any-return]


def from_json(cls: type[T], values: object) -> T:
    """Build a configuration dataclass from JSON values, lists as tuples.

    Raises
    ------
    ConfigError
        If ``values`` is no JSON object, a field is unknown, missing or of another type, or the
        values contradict each other. Anybody may have written them.
    """
    try:
        # In JSON mode lists are tuples and whole numbers floats, and nothing else is converted.
        text, kind = json.dumps(values, default=to_json), cast(Any, cls)
        made: T = _adapter(kind).validate_json(text, strict=True, extra="forbid")
        return made
    except ValidationError as error:
        sentence = _sentence(error, cls.__name__)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"{cls.__name__} cannot be read: {error}") from error
    raise ConfigError(sentence)


def tower_from_json(towers: object, values: object) -> Any:
    """One of :data:`ImageTowerConfig` or :data:`TextTowerConfig`, which ``towers`` is.

    The values' ``kind`` says which, "clip" where none is stated; raises as :func:`from_json`.
    """
    kinds = {next(f.default for f in fields(t) if f.name == "kind"): t for t in get_args(towers)}
    kind = values.get("kind", "clip") if isinstance(values, dict) else "clip"
    if not isinstance(kind, str) or kind not in kinds:
        raise ConfigError(f"a tower's kind must be one of {tuple(kinds)}, got {shortened(kind)}")
    return from_json(kinds[kind], values)


_adapter = functools.cache(TypeAdapter)


def _sentence(error: ValidationError, name: str) -> str:
    """What does not fit a dataclass of this name, first of all."""
    first = error.errors(include_url=False)[0]
    kind, value = first["type"], shortened(first["input"])
    where = ".".join(map(str, first["loc"]))
    if kind == "dataclass_type":
        return f"{first['ctx']['class_name']} must be a JSON object, got {value}"
    if kind == "unexpected_keyword_argument":
        return f"{name} has no field {where!r}; it was written by another version"
    if kind == "missing":
        return f"{name} cannot be read: {where} is absent in {value}"
    if not kind.endswith("_type"):
        return f"{name} cannot be read: {where}: {first['msg']}"
    return f"{name} cannot be read: {where} must be {kind.removesuffix('_type')}, got {value}"
