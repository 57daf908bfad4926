"""Finding pretrained towers: by file, by tag, and what is said where neither helps."""

from pathlib import Path

import pytest

from tgcnet.errors import CheckpointError
from tgcnet.models import clip_weights, find_clip_weights


def test_a_local_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "open_clip_model.safetensors"
    file.write_bytes(b"")
    assert find_clip_weights(str(file), architecture="ViT-B-16", quick_gelu=True) == file


def test_an_unknown_tag_lists_the_known_ones() -> None:
    with pytest.raises(CheckpointError, match=r"'closedai' is neither a file nor .*: openai, "):
        find_clip_weights("closedai", architecture="ViT-B-16", quick_gelu=True)


def test_a_tag_of_the_other_activation_is_refused() -> None:
    with pytest.raises(CheckpointError, match="'openai' needs QuickGELU; set quick_gelu=True"):
        find_clip_weights("openai", architecture="ViT-B-16", quick_gelu=False)
    with pytest.raises(CheckpointError, match="must not have QuickGELU; set quick_gelu=False"):
        find_clip_weights("laion2b_s34b_b88k", architecture="ViT-B-16", quick_gelu=True)


def test_without_a_network_the_file_to_bring_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(_: object) -> str:
        raise FileNotFoundError("Failed to download file")

    monkeypatch.setattr(clip_weights, "download_pretrained", no_network)
    with pytest.raises(
        CheckpointError, match=r"Bring open_clip_model\.safetensors of timm/vit_base_patch16_clip"
    ):
        find_clip_weights("openai", architecture="ViT-B-16", quick_gelu=True)
