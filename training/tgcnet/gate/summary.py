"""Where the gate's report is kept: in a file, and in the lineage of the candidate."""

import json
from dataclasses import replace
from pathlib import Path

from tgcnet.domain import GateReport
from tgcnet.errors import InputError
from tgcnet.gate.report_json import report_to_json
from tgcnet.io import write_text_atomically
from tgcnet.weights.manifest import read_manifest, write_manifest


def write_report(report: GateReport, path: Path) -> None:
    """Write the report as JSON, atomically.

    Raises
    ------
    OutputError
        If the file cannot be written; what stood there before is intact.
    """
    text = json.dumps(report_to_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text_atomically(path, text)


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
