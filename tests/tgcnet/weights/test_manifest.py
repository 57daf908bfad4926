"""The manifest: written and read back, and refused where it does not say enough."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tgcnet.config import BertTextConfig, ClipTextConfig, TextTowerConfig
from tgcnet.config.json_values import to_json, tower_from_json
from tgcnet.errors import CheckpointError, ConfigError
from tgcnet.weights.manifest import MANIFEST_FILE, read_manifest, write_manifest


def _rewrite(source: Path, target: Path, **changes: Any) -> Path:
    values = json.loads((source / MANIFEST_FILE).read_text(encoding="utf-8"))
    values.update(changes)
    (target / MANIFEST_FILE).write_text(json.dumps(values), encoding="utf-8")
    return target


def test_a_manifest_survives_the_disk(tiny_model_folder: Path, tmp_path: Path) -> None:
    manifest = replace(
        read_manifest(tiny_model_folder),
        measured={"val, report given": {"dice_pooled": 0.9}},
        notes="ünïcode",
    )
    write_manifest(manifest, tmp_path)
    assert read_manifest(tmp_path) == manifest


def test_an_absent_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"manifest\.json of .* cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"1" * 5_000, "not valid JSON"),
        (b"[]", "no JSON object"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match=words):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_version": 99}, "schema version 99, this tgcnet reads 2"),
        ({"architecture": "unet"}, "architecture 'unet'.*builds 'tgcnet' and 'tmca' only"),
        ({"surprise": 1}, r"unknown fields \['surprise'\]"),
        ({"findings": "all"}, "list of texts as 'findings'"),
        ({"name": 3}, "needs a text as 'name', got 3"),
        ({"model": []}, "needs a JSON object as 'model'"),
        ({"classes": [1]}, "list of objects as 'classes'"),
        ({"classes": []}, "1 output classes but its manifest describes 0"),
        ({"postprocess": {"threshold": 2.0}}, "threshold must lie between 0 and 1, got 2.0"),
        ({"preprocess": {"colour": 1}}, "has no field 'colour'"),
        (
            {"preprocess": {"side_px": None}},
            "PreprocessConfig cannot be read: side_px must be int, got None",
        ),
        ({"preprocess": {"side_px": True}}, "side_px must be int, got True"),
        (
            {"preprocess": {"mean": [0.5, 0.5]}},
            r"mean\.2 is absent in \[0\.5, 0\.5\]",
        ),
        ({"preprocess": {"std": [1, 1, "1"]}}, r"std\.2 must be float, got '1'"),
        ({"preprocess": {"side_px": [0] * 1000}}, r"got \[0, 0, 0, 0, 0, 0, \.\.\.\]\."),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    tiny_model_folder: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(CheckpointError, match=words):
        read_manifest(_rewrite(tiny_model_folder, tmp_path, **changes))


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("sse", None, "SseConfig must be a JSON object, got None"),
        ("date", [], r"DateConfig must be a JSON object, got \[\]"),
        ("num_classes", "1", "num_classes must be int, got '1'"),
        (
            "decoder",
            {"channels": None},
            r"decoder\.channels must be tuple, got None",
        ),
    ],
)
def test_an_odd_architecture_is_refused(
    tiny_model_folder: Path, tmp_path: Path, part: str, value: object, words: str
) -> None:
    model = json.loads((tiny_model_folder / MANIFEST_FILE).read_text(encoding="utf-8"))["model"]
    with pytest.raises(CheckpointError, match=words):
        read_manifest(_rewrite(tiny_model_folder, tmp_path, model={**model, part: value}))


@pytest.mark.parametrize(("layers", "heads"), [(0, 0), (0, -2), ("4", 2), (None, 2)])
def test_an_odd_tower_is_refused(
    tiny_model_folder: Path, tmp_path: Path, layers: object, heads: int
) -> None:
    model = json.loads((tiny_model_folder / MANIFEST_FILE).read_text(encoding="utf-8"))["model"]
    image = {**model["towers"]["image"], "layers": layers, "heads": heads}
    towers = {**model["towers"], "image": image}
    with pytest.raises(CheckpointError, match=r"divide by its heads|layers must be int, got"):
        read_manifest(_rewrite(tiny_model_folder, tmp_path, model={**model, "towers": towers}))


def test_a_whole_number_is_a_float_too(tiny_model_folder: Path, tmp_path: Path) -> None:
    folder = _rewrite(tiny_model_folder, tmp_path, preprocess={"std": [1, 1, 1]})
    assert read_manifest(folder).preprocess.std == (1, 1, 1)


@pytest.mark.parametrize("stated", [None, "yes", "absent"])
def test_an_unstated_quick_gelu_is_refused(
    tiny_model_folder: Path, tmp_path: Path, stated: str | None
) -> None:
    values = json.loads((tiny_model_folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    model = values["model"]
    image = model["towers"]["image"]
    image["quick_gelu"] = stated
    if stated == "absent":
        del image["quick_gelu"]
    with pytest.raises(CheckpointError, match="does not state whether its image tower uses Quick"):
        read_manifest(_rewrite(tiny_model_folder, tmp_path, model=model))


def test_a_missing_field_is_named(tiny_model_folder: Path, tmp_path: Path) -> None:
    values = json.loads((tiny_model_folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    del values["licence"]
    (tmp_path / MANIFEST_FILE).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"lacks \['licence'\]"):
        read_manifest(tmp_path)


def test_classes_and_outputs_must_agree(tiny_model_folder: Path) -> None:
    manifest = read_manifest(tiny_model_folder)
    with pytest.raises(ConfigError, match="1 output classes but its manifest describes 2"):
        replace(manifest, classes=manifest.classes * 2)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/b", "a\\b", ".hidden", "..", "", "a b"])
def test_a_name_that_is_no_folders_is_refused_when_read_and_when_written(
    tiny_model_folder: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(
        CheckpointError, match=r"expected a plain name for its folder: letters, dig"
    ):
        read_manifest(_rewrite(tiny_model_folder, tmp_path, name=name))
    (tmp_path / "written").mkdir()
    with pytest.raises(CheckpointError, match=r"expected a plain name for its folder"):
        write_manifest(replace(read_manifest(tiny_model_folder), name=name), tmp_path / "written")
    assert not list((tmp_path / "written").iterdir())


@pytest.mark.parametrize("name", ["mini", "tiny-ft-20260101-1200", "Größe_2.1", "-x"])
def test_a_plain_name_is_read(tiny_model_folder: Path, tmp_path: Path, name: str) -> None:
    assert read_manifest(_rewrite(tiny_model_folder, tmp_path, name=name)).name == name


CLIP_TEXT = {"width": 32, "layers": 1, "heads": 2, "quick_gelu": True}


@pytest.mark.parametrize(
    ("towers", "values", "expected"),
    [
        (TextTowerConfig, CLIP_TEXT, ClipTextConfig),
        (TextTowerConfig, CLIP_TEXT | {"kind": "clip", "vocabulary": []}, ClipTextConfig),
        (TextTowerConfig, CLIP_TEXT | {"kind": "bert", "quick_gelu": False}, BertTextConfig),
    ],
)
def test_a_tower_is_of_the_class_that_its_kind_says(
    towers: object, values: dict[str, Any], expected: type
) -> None:
    assert type(tower_from_json(towers, values)) is expected


@pytest.mark.parametrize("kind", ["gpt", None, ["clip"]])
def test_a_tower_of_an_unknown_kind_is_refused(kind: object) -> None:
    with pytest.raises(ConfigError, match=r"kind must be one of \('clip', 'bert'\), got"):
        tower_from_json(TextTowerConfig, CLIP_TEXT | {"kind": kind})


def test_a_file_lists_the_fields_of_both_text_towers() -> None:
    """Their order, too: what is kept of towers is found again by the hash of this text."""
    bert = BertTextConfig(width=32, layers=1, heads=2, quick_gelu=False)
    assert list(to_json(bert)) == [
        *("width", "layers", "heads", "quick_gelu", "words", "context_length", "max_sentences"),
        *("kind", "vocabulary", "is_cased", "num_positions", "projection"),
    ]
