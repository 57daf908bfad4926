"""The lineage in a manifest: kept, optional, and refused where it is odd."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tgcnet.errors import CheckpointError
from tgcnet.weights.manifest import MANIFEST_FILE, Lineage, read_manifest, write_manifest

LINEAGE = Lineage(
    parent="mini", parent_sha256="a" * 64, ledger_snapshot="2026-01", gate={"recommended": True}
)


@pytest.mark.parametrize("lineage", [LINEAGE, replace(LINEAGE, gate=None, ledger_snapshot="")])
def test_a_lineage_survives_the_disk(
    tiny_model_folder: Path, tmp_path: Path, lineage: Lineage
) -> None:
    manifest = replace(read_manifest(tiny_model_folder), lineage=lineage)
    write_manifest(manifest, tmp_path)
    assert read_manifest(tmp_path) == manifest


def test_a_manifest_without_one_is_written_as_before(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(tiny_model_folder)
    assert manifest.lineage is None
    write_manifest(manifest, tmp_path)
    assert "lineage" not in json.loads((tmp_path / MANIFEST_FILE).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("lineage", "words"),
    [
        ([], r"lineage must be a JSON object, got \[\]"),
        ({"parent": "mini"}, "lineage lacks 'parent_sha256'"),
        ({"parent": 1, "parent_sha256": ""}, "lineage.parent must be a text, got 1"),
        ({"parent": "", "parent_sha256": "", "child": ""}, "lineage has no field 'child'"),
        ({"parent": "", "parent_sha256": "", "gate": "yes"}, "gate must be a JSON object or null"),
    ],
)
def test_an_odd_lineage_is_refused(
    tiny_model_folder: Path, tmp_path: Path, lineage: object, words: str
) -> None:
    values = json.loads((tiny_model_folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    values["lineage"] = lineage
    (tmp_path / MANIFEST_FILE).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match=words):
        read_manifest(tmp_path)
