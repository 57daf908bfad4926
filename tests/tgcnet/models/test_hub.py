"""Fetching pretrained weights by name, and what is said where there is no network."""

from pathlib import Path

import pytest

from tgcnet.errors import CheckpointError
from tgcnet.models import hub
from tgcnet.models.hub import fetch, name_of

FOLDER = Path("user") / "pretrained"


def find(source: str, *, quick_gelu: bool | None = True) -> Path:
    return fetch(source, architecture="ViT-B-16", quick_gelu=quick_gelu, folder=FOLDER)


def test_an_unknown_tag_lists_the_known_ones() -> None:
    with pytest.raises(CheckpointError, match=r"'closedai' is no file, .*: openai, "):
        find("closedai")


def test_a_tag_of_the_other_activation_is_refused() -> None:
    with pytest.raises(CheckpointError, match="'openai' needs QuickGELU; set quick_gelu=True"):
        find("openai", quick_gelu=False)
    with pytest.raises(CheckpointError, match="must not have QuickGELU; set quick_gelu=False"):
        find("laion2b_s34b_b88k")


def test_without_a_network_the_file_to_bring_and_its_place_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_network(_: object) -> str:
        raise FileNotFoundError("Failed to download file")

    monkeypatch.setattr(hub, "download_pretrained", no_network)
    with pytest.raises(CheckpointError) as refused:
        find("openai")
    sentence = str(refused.value)
    assert "open_clip_model.safetensors of timm/vit_base_patch16_clip_224.openai" in sentence
    assert "tgcnet models import FOLDER --name openai" in sentence
    assert str(FOLDER / "openai") in sentence


@pytest.mark.parametrize(
    ("source", "repository"),
    [
        ("hf-hub:microsoft/BiomedCLIP", "microsoft/BiomedCLIP"),
        ("convnext_tiny.fb_in1k", "timm/convnext_tiny.fb_in1k"),
    ],
)
def test_without_a_network_all_files_of_a_repository_are_named(
    monkeypatch: pytest.MonkeyPatch, source: str, repository: str
) -> None:
    def no_network(asked: str, **_: object) -> str:
        assert asked == repository
        raise FileNotFoundError("offline")

    monkeypatch.setattr(hub, "snapshot_download", no_network)
    with pytest.raises(CheckpointError) as refused:
        find(source, quick_gelu=None)
    sentence = str(refused.value)
    assert f"all of {repository}" in sentence
    for file in ("open_clip_config.json", "model.safetensors", "pytorch_model.bin", "vocab.txt"):
        assert file in sentence
    assert f"--name {name_of(source)}; that puts them into {FOLDER / name_of(source)}" in sentence


def test_pickles_are_fetched_only_where_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def download(_: str, *, allow_patterns: list[str]) -> str:
        asked.append(allow_patterns)
        if "pytorch_model.bin" in allow_patterns:
            (tmp_path / "pytorch_model.bin").touch()
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert find("hf-hub:a/b") == tmp_path
    assert "pytorch_model.bin" not in asked[0]
    assert "model.safetensors" in asked[0]
    (tmp_path / "model.safetensors").touch()
    find("hf-hub:a/b")
    assert len(asked) == 3


def test_a_repository_without_weights_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(
        CheckpointError, match=r"has none of the files open_clip_model\.safetensors"
    ):
        find("hf-hub:a/b")
