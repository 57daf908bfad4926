"""Where a fine-tuned model comes from; part of its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import Any

from tgcnet.errors import ConfigError

_TEXTS = ("parent", "parent_sha256", "ledger_snapshot")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """A model's parent, what it was taught, and how it compared.

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


def lineage_from_json(values: object) -> Lineage:
    """Read a lineage that a manifest holds.

    Raises
    ------
    ConfigError
        If it is no JSON object, or a field is unknown, missing or of another type.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"lineage must be a JSON object, got {shortened(values)}")
    unknown = sorted(set(values) - {*_TEXTS, "gate"})
    if unknown:
        raise ConfigError(f"lineage has no field {unknown[0]!r}; it was written by another version")
    for name in _TEXTS:
        if not isinstance(values.get(name, ""), str):
            raise ConfigError(f"lineage.{name} must be a text, got {shortened(values[name])}")
    absent = [name for name in ("parent", "parent_sha256") if name not in values]
    if absent:
        raise ConfigError(f"lineage lacks {absent[0]!r}")
    gate = values.get("gate")
    if gate is not None and not isinstance(gate, dict):
        raise ConfigError(f"lineage.gate must be a JSON object or null, got {shortened(gate)}")
    return Lineage(**values)
