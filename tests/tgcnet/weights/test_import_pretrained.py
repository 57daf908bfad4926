"""Pretrained weights in the user's folder: imported whole, found by name, never overwritten."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch

from tgcnet.config import ClipImageConfig, ClipTextConfig, TowerConfig
from tgcnet.errors import CheckpointError
from tgcnet.models.clip_towers import build_clip
from tgcnet.models.cnn import CnnPyramid
from tgcnet.models.pretrained import fill_cnn
from tgcnet.models.source_files import Stated
from tgcnet.weights import import_pretrained as module
from tgcnet.weights.import_pretrained import import_pretrained, open_pretrained
from tgcnet.weights.pretrained_record import find_pretrained, read_record

# Heads of 64 channels, as open_clip makes them where nothing says otherwise.
TOWERS = TowerConfig(
    embed_dim=16,
    image=ClipImageConfig(width=64, layers=4, heads=1, patch_px=16, side_px=32, quick_gelu=True),
    text=ClipTextConfig(width=64, layers=1, heads=1, quick_gelu=True),
)


@pytest.fixture
def pretrained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "user-pretrained"
    monkeypatch.setenv("TGCNET_PRETRAINED", str(folder))
    return folder


def clip_file(path: Path, *, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    safetensors.torch.save_file(build_clip(TOWERS).state_dict(), path)
    return path


def test_a_clip_is_imported_and_found_by_its_name(pretrained: Path, tmp_path: Path) -> None:
    file = clip_file(tmp_path / "given.safetensors")
    done = import_pretrained(file, name="mine", quick_gelu=True, licence="MIT")
    assert done.is_new
    assert sorted(entry.name for entry in done.folder.iterdir()) == [
        "pretrained.json", "weights.safetensors",
    ]  # fmt: skip
    record = read_record(pretrained / "mine")
    assert record == done.record
    assert (record.towers, record.licence, record.given) == (TOWERS, "MIT", "given.safetensors")
    values = json.loads((pretrained / "mine" / "pretrained.json").read_text(encoding="utf-8"))
    assert values["quick_gelu"] is True
    assert str(tmp_path) not in json.dumps(values)
    opened = open_pretrained("mine", architecture="ViT-B-16", fallback=Stated())
    assert opened.towers == TOWERS
    given = safetensors.torch.load_file(file)
    assert all(torch.equal(opened.tensors[key], given[key]) for key in given)


def test_an_unstated_activation_is_refused_and_nothing_written(
    pretrained: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="states whether its towers use QuickGELU"):
        import_pretrained(clip_file(tmp_path / "given.safetensors"), name="mine")
    assert not pretrained.exists()


def test_a_name_that_is_taken_stays_unless_it_is_the_same(pretrained: Path, tmp_path: Path) -> None:
    file = clip_file(tmp_path / "given.safetensors")
    first = import_pretrained(file, name="mine", quick_gelu=True)
    again = import_pretrained(file, name="mine", quick_gelu=True)
    assert (again.is_new, again.record) == (False, first.record)
    clip_file(file, seed=1)
    with pytest.raises(CheckpointError, match="other weights are called 'mine' already"):
        import_pretrained(file, name="mine", quick_gelu=True)
    assert read_record(pretrained / "mine") == first.record
    assert [entry.name for entry in pretrained.iterdir() if not entry.name.startswith(".")] == [
        "mine"
    ]


@pytest.mark.parametrize("name", ["../escaped", "a/b", ".hidden"])
def test_a_name_that_leads_elsewhere_is_refused(
    pretrained: Path, tmp_path: Path, name: str
) -> None:
    file = clip_file(tmp_path / "given.safetensors")
    with pytest.raises(CheckpointError, match="expected a plain name for its folder"):
        import_pretrained(file, name=name, quick_gelu=True)
    assert find_pretrained(name) is None
    assert not pretrained.exists()


def test_a_recipe_never_reads_a_pickle(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "clip.pt")
    with pytest.raises(
        CheckpointError,
        match=r"^clip\.pt is a pickle, which training never reads; .* tgcnet models import FILE -",
    ):
        open_pretrained(str(tmp_path / "clip.pt"), architecture="", fallback=Stated())


def test_a_hubs_pickle_is_refused_until_it_was_imported(
    pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    torch.manual_seed(0)
    torch.save(build_clip(TOWERS).state_dict(), hub / "open_clip_pytorch_model.bin")
    monkeypatch.setattr(module, "fetch", lambda *_, **__: hub)
    given: dict[str, Any] = {"architecture": "ViT-B-16", "fallback": Stated(quick_gelu=True)}
    with pytest.raises(CheckpointError, match="tgcnet models import hf-hub:lab/clip --name clip,"):
        open_pretrained("hf-hub:lab/clip", **given)
    assert not pretrained.exists()
    import_pretrained(hub, name="clip", quick_gelu=True)
    monkeypatch.setattr(module, "fetch", None)  # calling it again would fail
    assert open_pretrained("hf-hub:lab/clip", **given).label == "clip"


def test_what_is_opened_tells_the_hash_of_its_file(pretrained: Path, tmp_path: Path) -> None:
    file = clip_file(tmp_path / "given.safetensors")
    stated = Stated(quick_gelu=True)
    opened = open_pretrained(str(file), architecture="", fallback=stated)
    assert opened.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    record = import_pretrained(file, name="mine", quick_gelu=True).record
    assert open_pretrained("mine", architecture="", fallback=stated).sha256 == record.sha256


def test_files_that_lie_in_the_folder_as_they_came_are_found_too(pretrained: Path) -> None:
    (pretrained / "raw").mkdir(parents=True)
    clip_file(pretrained / "raw" / "open_clip_model.safetensors")
    stated = Stated(quick_gelu=True)
    assert open_pretrained("raw", architecture="", fallback=stated).towers == TOWERS


def test_weights_that_were_changed_since_are_refused(pretrained: Path, tmp_path: Path) -> None:
    import_pretrained(clip_file(tmp_path / "g.safetensors"), name="mine", quick_gelu=True)
    clip_file(pretrained / "mine" / "weights.safetensors", seed=1)
    with pytest.raises(CheckpointError, match="is not what was imported"):
        open_pretrained("mine", architecture="", fallback=Stated())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "of another version"),
        ('{"schema_version": 1}', "does not describe weights"),
    ],
)
def test_a_damaged_record_is_refused(pretrained: Path, content: str, words: str) -> None:
    (pretrained / "mine").mkdir(parents=True)
    (pretrained / "mine" / "pretrained.json").write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=words):
        open_pretrained("mine", architecture="", fallback=Stated())


@pytest.mark.parametrize("name", ["convnext_atto", "tf_efficientnet_lite0"])
def test_a_cnn_is_recognised_and_fills_a_pyramid(
    pretrained: Path, tmp_path: Path, name: str
) -> None:
    torch.manual_seed(0)
    whole = timm.create_model(name, pretrained=False, num_classes=3).eval()
    safetensors.torch.save_file(whole.state_dict(), tmp_path / "cnn.safetensors")
    done = import_pretrained(tmp_path / "cnn.safetensors", name="cnn")
    assert done.record.cnn == (name,)
    opened = open_pretrained("cnn", architecture="", fallback=Stated())
    pyramid = CnnPyramid(name).eval()
    fill_cnn(pyramid, name, opened)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        tower: Any = whole
        expected = tower.forward_intermediates(image, indices=4, intermediates_only=True)
        for ours, theirs in zip(pyramid(image), expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    with pytest.raises(CheckpointError, match="the recipe's CNN is 'convnext_tiny'; use those"):
        fill_cnn(pyramid, "convnext_tiny", opened)


def test_numbers_that_are_not_finite_are_not_imported(pretrained: Path, tmp_path: Path) -> None:
    state = dict(build_clip(TOWERS).state_dict())
    state["visual.proj"] = torch.full_like(state["visual.proj"], float("inf"))
    safetensors.torch.save_file(state, tmp_path / "given.safetensors")
    with pytest.raises(CheckpointError, match=r"not finite in 1 tensors \(first: visual\.proj\)"):
        import_pretrained(tmp_path / "given.safetensors", quick_gelu=True)
    assert not pretrained.exists()


def test_what_was_said_of_the_licence_makes_no_other_weights(
    pretrained: Path, tmp_path: Path
) -> None:
    file = clip_file(tmp_path / "given.safetensors")
    first = import_pretrained(file, name="mine", quick_gelu=True)
    again = import_pretrained(file, name="mine", quick_gelu=True, licence="MIT")
    assert again.record == replace(first.record)
