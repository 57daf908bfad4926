"""The gate's report: what a person reads before switching, and what a model's lineage keeps."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tgcnet.config import from_json, to_json
from tgcnet.errors import ConfigError, InputError
from tgcnet.io import write_atomically
from tgcnet.train.gate_statistics import Change, Comparison
from tgcnet.weights.manifest import ModelIdentity, read_manifest, write_manifest

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class GateReport:
    """Figures of both models, and what follows from them. No case is named.

    Attributes
    ----------
    held_out, reference : one entry for each thing told; ``reference`` is empty without a set
    recommended : whether the gate recommends the candidate; it switches nothing
    reasons : sentences, one for each condition
    date_utc : ISO 8601
    versions : of what computed the figures
    seed, num_resamples : of the bootstrap
    """

    active: ModelIdentity
    candidate: ModelIdentity
    held_out: tuple[Comparison, ...]
    reference: tuple[Comparison, ...]
    recommended: bool
    reasons: tuple[str, ...]
    date_utc: str
    versions: tuple[str, ...]
    seed: int
    num_resamples: int


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


def write_report(report: GateReport, path: Path) -> None:
    """Write the report as JSON, atomically.

    Raises
    ------
    OutputError
        If the file cannot be written; what stood there before is intact.
    """
    text = json.dumps(report_to_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, lambda temporary: _write_text(temporary, text))


def keep_in_lineage(report: GateReport, folder: Path) -> None:
    """Write the report into the manifest of the candidate in ``folder``.

    Raises
    ------
    InputError
        If that model was not fine-tuned from another, or is not the one that was compared.
    """
    manifest = read_manifest(folder)
    if manifest.lineage is None or manifest.sha256 != report.candidate.sha256:
        raise InputError(
            f"Model {manifest.name!r} keeps no report of the gate: its manifest names no parent, "
            "or it is not the candidate that was compared. Write the report to a file instead "
            "(--out FILE)."
        )
    # As JSON has it, so that a manifest reads back equal.
    values = json.loads(json.dumps(report_to_json(report)))
    write_manifest(replace(manifest, lineage=replace(manifest.lineage, gate=values)), folder)


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


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
