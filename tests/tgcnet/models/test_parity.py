"""Our tapped path against open_clip's own ``encode_image`` and ``encode_text``, same weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
import pytest
import safetensors.torch
import torch
from open_clip.model import CLIP, resize_pos_embed

from tgcnet.config import ClipImageConfig, TgcNetConfig, TowerConfig
from tgcnet.errors import CheckpointError
from tgcnet.models import TgcNet, build_model, named_configs
from tgcnet.models.clip_towers import build_clip
from tgcnet.models.pretrained import fill_towers, read_pretrained
from tgcnet.models.source_files import Stated
from tgcnet.models.text_tower import TextTower

SENTENCES = ("Consolidation in the left lower zone.", "Patchy opacities.")
Configure = Callable[..., TgcNetConfig]


def with_activation(towers: TowerConfig, *, quick_gelu: bool) -> TowerConfig:
    """Both towers with the same activation."""
    return replace(
        towers,
        image=replace(towers.image, quick_gelu=quick_gelu),
        text=replace(towers.text, quick_gelu=quick_gelu),
    )


def reference_clip(config: TgcNetConfig, *, side_px: int, quick_gelu: bool = True) -> CLIP:
    """open_clip's model with seeded weights, at an image size of its own."""
    torch.manual_seed(7)
    towers = with_activation(config.towers, quick_gelu=quick_gelu)
    native = build_clip(towers)
    with torch.no_grad():
        for parameter in native.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    if side_px == towers.image.side_px:
        return native.eval()
    state = native.state_dict()
    larger = build_clip(replace(towers, image=replace(towers.image, side_px=side_px)))
    resize_pos_embed(state, larger)
    larger.load_state_dict(state)
    return larger.eval()


def tapped_model(config: TgcNetConfig, clip: CLIP, folder: Path, *, quick_gelu: bool) -> TgcNet:
    """Our network with the towers of ``clip``, loaded through a safetensors file."""
    file = folder / "open_clip_model.safetensors"
    safetensors.torch.save_file(clip.state_dict(), file)
    towers = with_activation(config.towers, quick_gelu=quick_gelu)
    return filled(replace(config, towers=towers), file)


def filled(config: TgcNetConfig, file: Path) -> TgcNet:
    """A network with the towers of a file beside which nothing is stated."""
    image, text = config.towers.image, config.towers.text
    stated = Stated(quick_gelu=image.quick_gelu, image_heads=image.heads, text_heads=text.heads)
    model = build_model(config)
    assert isinstance(model, TgcNet)
    fill_towers(model, config, read_pretrained(file, fallback=stated))
    return model


@pytest.mark.parametrize("quick_gelu", [True, False])
@pytest.mark.parametrize("side_px", [64, 128])
@pytest.mark.parametrize("adapter_width", [0, 8])
def test_image_features_equal_open_clips(
    small_config: Configure, tmp_path: Path, quick_gelu: bool, side_px: int, adapter_width: int
) -> None:
    config = small_config(adapter_width=adapter_width)
    native = reference_clip(config, side_px=64, quick_gelu=quick_gelu)
    model = tapped_model(config, native, tmp_path, quick_gelu=quick_gelu)
    reference = reference_clip(config, side_px=side_px, quick_gelu=quick_gelu)
    image = torch.randn(2, 3, side_px, side_px)
    with torch.inference_mode():
        features = model.image_tower(image)
        expected = reference.encode_image(image)
    torch.testing.assert_close(features.pooled, expected, rtol=1e-4, atol=1e-5)
    assert [tap.shape[2] for tap in features.taps] == [side_px // 16] * 4


def text_features(tower: TextTower, token_ids: torch.Tensor) -> torch.Tensor:
    """Projected end tokens, whose id is the largest."""
    return tower.project(tower(token_ids)[range(len(token_ids)), token_ids.argmax(dim=1)])


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_text_features_equal_open_clips(
    small_config: Configure, tmp_path: Path, quick_gelu: bool
) -> None:
    config = small_config()
    clip = reference_clip(config, side_px=64, quick_gelu=quick_gelu)
    model = tapped_model(config, clip, tmp_path, quick_gelu=quick_gelu)
    ids = open_clip.tokenize(list(SENTENCES))
    trimmed = ids[:, : int((ids != 0).sum(dim=1).max())]
    with torch.inference_mode():
        pooled = text_features(model.text_tower, trimmed)
        expected = clip.encode_text(ids)
    torch.testing.assert_close(pooled, expected, rtol=1e-4, atol=1e-5)


def test_our_tokens_are_open_clips(small_config: Configure) -> None:
    model = build_model(small_config())
    for sentence in SENTENCES:
        ids = open_clip.tokenize([sentence])[0]
        assert model.reader.tokenize(sentence)[0] == tuple(ids[ids != 0].tolist())


def test_a_flipped_quick_gelu_does_not_pass(small_config: Configure, tmp_path: Path) -> None:
    config = small_config()
    clip = reference_clip(config, side_px=64, quick_gelu=True)
    model = tapped_model(config, clip, tmp_path, quick_gelu=False)
    image = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        difference = (model.image_tower(image).pooled - clip.encode_image(image)).abs().max()
    assert difference > 1e-3


def test_weights_of_another_clip_are_refused(small_config: Configure, tmp_path: Path) -> None:
    config = small_config()
    file = tmp_path / "weights.safetensors"
    for size, given in (("layers", 8), ("width", 64)):
        change: dict[str, Any] = {size: given}
        assert isinstance(config.towers.image, ClipImageConfig)
        towers = replace(config.towers, image=replace(config.towers.image, **change))
        safetensors.torch.save_file(build_clip(towers).state_dict(), file)
        with pytest.raises(CheckpointError, match=rf"image tower of weights.* has {size}={given}"):
            filled(config, file)


def test_an_activation_that_nothing_states_is_refused(
    small_config: Configure, tmp_path: Path
) -> None:
    file = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(build_clip(small_config().towers).state_dict(), file)
    with pytest.raises(
        CheckpointError, match=r"nothing beside weights\.safetensors states whether"
    ):
        read_pretrained(file)


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "open_clip_model.bin"
    file.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        read_pretrained(file)


@pytest.mark.slow
@pytest.mark.parametrize("side_px", [224, 448])
@pytest.mark.parametrize("name", ["ViT-B-16", "ViT-B-16-quickgelu"])
def test_vit_b16_equals_open_clips(tmp_path: Path, name: str, side_px: int) -> None:
    """The full-size architecture as open_clip's own factory builds it, random weights."""
    torch.manual_seed(0)
    quick_gelu = name.endswith("quickgelu")
    clip = open_clip.create_model(name).eval()
    config = named_configs()["vit-b16"]
    assert isinstance(config, TgcNetConfig)
    model = tapped_model(config, clip, tmp_path, quick_gelu=quick_gelu)
    reference = open_clip.create_model(name, force_image_size=side_px).eval()
    state = clip.state_dict()
    resize_pos_embed(state, reference)
    reference.load_state_dict(state)
    image = torch.randn(1, 3, side_px, side_px)
    with torch.inference_mode():
        torch.testing.assert_close(
            model.image_tower(image).pooled, reference.encode_image(image), rtol=1e-3, atol=1e-4
        )
        ids = open_clip.tokenize(list(SENTENCES))
        torch.testing.assert_close(
            text_features(model.text_tower, ids), clip.encode_text(ids), rtol=1e-3, atol=1e-4
        )
