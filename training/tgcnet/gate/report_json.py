"""The gate's report as JSON: in a run's events, in a file, in a model's lineage."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tgcnet.config.json_values import from_json, to_json
from tgcnet.domain import Change, Comparison, GateReport, ModelIdentity
from tgcnet.errors import ConfigError, InputError
from tgcnet.io import write_text_atomically

SCHEMA_VERSION = 1


def report_to_json(report: GateReport) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {"schema_version": SCHEMA_VERSION, **to_json(report)}


def report_from_json(values: object) -> GateReport:
    """Read what :func:`report_to_json` made, as JSON gives it back.

    Raises
    ------
    InputError
        If it is anything else.
    """
    try:
        if not isinstance(values, Mapping):
            raise ConfigError("it is no JSON object")
        if values.get("schema_version") != SCHEMA_VERSION:
            raise ConfigError(f"its schema version is {values.get('schema_version')!r}")
        fields = {key: _part(key, value) for key, value in values.items()}
        del fields["schema_version"]
        return from_json(GateReport, fields)
    except ConfigError as error:
        raise InputError(
            f"This is no report of the gate that this version reads: {error}. Run tgcnet gate "
            "again."
        ) from error


def _part(key: str, value: object) -> object:
    """A report's field, its own dataclasses built."""
    if key in ("active", "candidate"):
        return from_json(ModelIdentity, value)
    if key in ("held_out", "reference") and isinstance(value, list):
        return [_comparison(entry) for entry in value]
    return value


def _comparison(values: object) -> Comparison:
    if not isinstance(values, Mapping):
        return from_json(Comparison, values)  # says what it got
    parts = ("dice_mean", "dice_pooled")
    return from_json(
        Comparison,
        {k: from_json(Change, value) if k in parts else value for k, value in values.items()},
    )


def write_report(report: GateReport, path: Path) -> None:
    """Write the report as JSON, atomically.

    Raises
    ------
    OutputError
        If the file cannot be written; what stood there before is intact.
    """
    text = json.dumps(report_to_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text_atomically(path, text)
