"""Pretrained towers in other people's formats: the same outputs as their own libraries give."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import safetensors.torch
import torch
from torch import nn
from transformers import (  # type: ignore[attr-defined]  # its types lack an alias
    BertConfig,
    BertTokenizerFast,
    CLIPConfig,
)
from transformers import CLIPModel as TransformersClip

from tgcnet.config import (
    BertTextConfig,
    ClipImageConfig,
    ClipTextConfig,
    TgcNetConfig,
    TimmImageConfig,
    TowerConfig,
)
from tgcnet.errors import CheckpointError
from tgcnet.models import TgcNet, build_model
from tgcnet.models.clip_keys import from_transformers, to_transformers
from tgcnet.models.clip_towers import build_clip
from tgcnet.models.pretrained import Pretrained, fill_towers, read_pretrained
from tgcnet.models.text_features import pool_sentences, run_tower

SENTENCES = ("consolidation in the left lower zone .", "patchy opacities")
VOCABULARY = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "in", "the", "left", "right", "lower",
    "zone", "consolidation", "patch", "##y", "opacit", "##ies", "lung", "no",
)  # fmt: skip
PIECES = {piece: index for index, piece in enumerate(VOCABULARY)}


def stir(module: nn.Module) -> None:
    """Biases and norms away from their zeros and ones, so that each of them counts."""
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim <= 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)


def tgcnet_config(towers: TowerConfig) -> TgcNetConfig:
    return TgcNetConfig(name="test", towers=towers)


def filled(config: TgcNetConfig, pretrained: Pretrained) -> TgcNet:
    model = build_model(config)
    assert isinstance(model, TgcNet)
    fill_towers(model, config, pretrained)
    return model


def text_of(model: TgcNet, sentences: tuple[str, ...] = SENTENCES) -> torch.Tensor:
    """Each sentence's place in the joint space, all in one batch, padded where shorter."""
    reports = []
    for sentence in sentences:
        ids, unknown, past_end = model.reader.tokenize(sentence)
        assert ids is not None
        assert not unknown + past_end
        reports.append((ids,))
    tokens, _ = run_tower(model.text_tower, reports)
    return pool_sentences(model.text_tower, tokens, reports)


# transformers' CLIP, both ways


def transformers_clip(*, hidden_act: str) -> TransformersClip:
    torch.manual_seed(3)
    clip = TransformersClip(
        CLIPConfig(
            text_config={
                "hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2,
                "num_attention_heads": 2, "hidden_act": hidden_act,
            },
            vision_config={
                "hidden_size": 48, "intermediate_size": 192, "num_hidden_layers": 4,
                "num_attention_heads": 3, "image_size": 64, "patch_size": 16,
                "hidden_act": hidden_act,
            },
            projection_dim=16,
        )
    )  # fmt: skip
    stir(clip)
    return clip.eval()


def towers_like_transformers(*, quick_gelu: bool) -> TowerConfig:
    return TowerConfig(
        embed_dim=16,
        image=ClipImageConfig(
            width=48, layers=4, heads=3, patch_px=16, side_px=64, quick_gelu=quick_gelu
        ),
        text=ClipTextConfig(width=32, layers=2, heads=2, quick_gelu=quick_gelu),
    )


@pytest.mark.parametrize("hidden_act", ["quick_gelu", "gelu"])
def test_a_transformers_clip_gives_the_same_features_here(tmp_path: Path, hidden_act: str) -> None:
    clip = transformers_clip(hidden_act=hidden_act)
    clip.save_pretrained(tmp_path)
    pretrained = read_pretrained(tmp_path)
    towers = towers_like_transformers(quick_gelu=hidden_act == "quick_gelu")
    assert pretrained.towers == towers
    model = filled(tgcnet_config(towers), pretrained)
    image = torch.randn(2, 3, 64, 64)
    ids = open_clip.tokenize(list(SENTENCES))
    with torch.inference_mode():
        ours = model.image_tower(image)
        theirs = clip.vision_model(image, output_hidden_states=True)
        torch.testing.assert_close(
            ours.pooled, clip.visual_projection(theirs.pooler_output), rtol=1e-5, atol=1e-5
        )
        for tap, hidden in zip(ours.taps, theirs.hidden_states[1:], strict=True):
            torch.testing.assert_close(
                tap.flatten(2).transpose(1, 2), hidden[:, 1:], rtol=1e-5, atol=1e-5
            )
        expected = clip.text_projection(clip.text_model(ids).pooler_output)
        torch.testing.assert_close(text_of(model), expected, rtol=1e-5, atol=1e-5)


def test_our_clip_gives_the_same_features_in_transformers() -> None:
    towers = towers_like_transformers(quick_gelu=True)
    ours = build_clip(towers).eval()
    stir(ours)
    state = dict(ours.state_dict())
    theirs = transformers_clip(hidden_act="quick_gelu")
    theirs.load_state_dict(to_transformers(state))
    image, ids = torch.randn(2, 3, 64, 64), open_clip.tokenize(list(SENTENCES))
    with torch.inference_mode():
        pooled = theirs.visual_projection(theirs.vision_model(image).pooler_output)
        torch.testing.assert_close(pooled, ours.encode_image(image), rtol=1e-5, atol=1e-5)
        text = theirs.text_projection(theirs.text_model(ids).pooler_output)
        torch.testing.assert_close(text, ours.encode_text(ids), rtol=1e-5, atol=1e-5)


def test_the_key_map_goes_there_and_back() -> None:
    state = transformers_clip(hidden_act="gelu").state_dict()
    back = to_transformers(from_transformers(state))
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_a_tensor_that_no_clip_has_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"'vision_model\.neck\.weight' is no tensor of a"):
        from_transformers({"vision_model.neck.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"'visual\.attnpool\.weight' is no tensor of a"):
        to_transformers({"visual.attnpool.weight": torch.zeros(1)})
    key = "vision_model.encoder.layers.0.self_attn.q_proj.weight"
    with pytest.raises(CheckpointError, match=r"has only self_attn\.q_proj;"):
        from_transformers({key: torch.zeros(4, 4)})


def test_another_activation_in_the_recipe_is_refused(tmp_path: Path) -> None:
    transformers_clip(hidden_act="gelu").save_pretrained(tmp_path)
    config = tgcnet_config(towers_like_transformers(quick_gelu=True))
    with pytest.raises(CheckpointError, match="quick_gelu=False, the configuration says True"):
        filled(config, read_pretrained(tmp_path))


def test_an_activation_nobody_knows_is_refused(tmp_path: Path) -> None:
    transformers_clip(hidden_act="relu").save_pretrained(tmp_path)
    with pytest.raises(
        CheckpointError, match=r"activations \['relu'\], expected one of quick_gelu"
    ):
        read_pretrained(tmp_path)


def test_other_sizes_are_refused_by_name(tmp_path: Path) -> None:
    transformers_clip(hidden_act="gelu").save_pretrained(tmp_path)
    towers = towers_like_transformers(quick_gelu=False)
    deeper = replace(towers, image=replace(towers.image, layers=8))
    with pytest.raises(CheckpointError, match=r"image tower of .* has layers=4, the conf.* says 8"):
        filled(tgcnet_config(deeper), read_pretrained(tmp_path))
    wider = replace(towers, embed_dim=32)
    with pytest.raises(CheckpointError, match=r"pair of .* has embed_dim=16, the conf.* says 32"):
        filled(tgcnet_config(wider), read_pretrained(tmp_path))


# BiomedCLIP's kind: timm's ViT and a BERT, through open_clip


@pytest.fixture(scope="module")
def biomed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as BiomedCLIP's on the hub, with a small BERT and timm's smallest ViT."""
    folder = tmp_path_factory.mktemp("BiomedCLIP")
    bert = folder / "bert"
    BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=64, num_hidden_layers=2, num_attention_heads=1,
        intermediate_size=256, max_position_embeddings=48,
    ).save_pretrained(bert)  # fmt: skip
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    # Key for key as microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224 states it.
    model_cfg = {
        "embed_dim": 16,
        "vision_cfg": {
            "timm_model_name": "vit_tiny_patch16_224",
            "timm_model_pretrained": False,
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 224,
        },
        "text_cfg": {
            "hf_model_name": str(bert),
            "hf_tokenizer_name": str(bert),
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 32,
            "hf_model_pretrained": False,
        },
    }
    config = {"model_cfg": model_cfg, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.manual_seed(5)
    clip = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False)
    stir(clip)
    safetensors.torch.save_file(clip.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def biomed_towers(*, side_px: int = 224) -> TowerConfig:
    return TowerConfig(
        embed_dim=16,
        image=TimmImageConfig(
            width=192, layers=12, heads=3, patch_px=16, side_px=side_px,
            quick_gelu=False,
        ),
        text=BertTextConfig(
            width=64, layers=2, heads=1, quick_gelu=False, vocabulary=VOCABULARY,
            num_positions=48, context_length=32, projection="mlp",
        ),
    )  # fmt: skip


def test_biomedclips_kind_gives_the_same_features_here(biomed_folder: Path) -> None:
    clip = open_clip.create_model(f"local-dir:{biomed_folder}").eval()
    pretrained = read_pretrained(biomed_folder)
    assert pretrained.towers == biomed_towers()
    model = filled(tgcnet_config(biomed_towers()), pretrained)
    tokenizer = BertTokenizerFast(vocab=PIECES)
    ids = tokenizer(
        list(SENTENCES), return_tensors="pt", max_length=32, padding="max_length"
    ).input_ids
    image = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(
            model.image_tower(image).pooled, clip.encode_image(image), rtol=1e-5, atol=1e-5
        )
        expected = clip.encode_text(ids)
        assert (expected[0] - expected[1]).abs().max() > 1e-3
        torch.testing.assert_close(text_of(model), expected, rtol=1e-5, atol=1e-5)


def test_timms_taps_and_positions_are_timms(biomed_folder: Path) -> None:
    clip = open_clip.create_model(f"local-dir:{biomed_folder}").eval()
    model = filled(tgcnet_config(biomed_towers()), read_pretrained(biomed_folder))
    trunk = clip.visual.trunk
    trunk.set_input_size((96, 96))
    image = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        features = model.image_tower(image)
        expected = trunk.forward_intermediates(image, indices=[2, 5, 8, 11], norm=False)[1]
        for tap, map_ in zip(features.taps, expected, strict=True):
            torch.testing.assert_close(tap, map_, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(features.pooled, clip.encode_image(image), rtol=1e-5, atol=1e-5)


def test_a_timm_tower_takes_adapters_too(biomed_folder: Path) -> None:
    config = tgcnet_config(biomed_towers())
    config = replace(config, sse=replace(config.sse, adapter_width=8))
    model = filled(config, read_pretrained(biomed_folder))
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        tower = model.image_tower
        frozen = tower.frozen_features(image)
        taps = tower.taps_from(frozen, tower.grid_of(image))
        for tap, expected in zip(taps, tower(image).taps, strict=True):
            torch.testing.assert_close(tap, expected)
    assert len(frozen) == 1


def test_a_bert_without_its_vocabulary_is_refused(biomed_folder: Path, tmp_path: Path) -> None:
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        shutil.copy(biomed_folder / name, tmp_path / name)
    with pytest.raises(CheckpointError, match=r"put vocab\.txt into the same folder"):
        read_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match="has 2 word pieces, the weights have 19; use"):
        read_pretrained(tmp_path)


def test_the_vocabulary_may_stand_in_the_tokenizers_file(
    biomed_folder: Path, tmp_path: Path
) -> None:
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        shutil.copy(biomed_folder / name, tmp_path / name)
    values = {"model": {"type": "WordPiece", "vocab": PIECES}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(values), encoding="utf-8")
    assert read_pretrained(tmp_path).towers == biomed_towers()


@pytest.mark.parametrize(
    ("half", "key", "value", "words"),
    [
        ("vision_cfg", "timm_pool", "avg", "pools by 'avg'"),
        ("vision_cfg", "timm_proj", "mlp", "projects by 'mlp'"),
        ("text_cfg", "hf_pooler_type", "mean_pooler", "pools by 'mean_pooler'"),
    ],
)
def test_another_pooling_is_refused(
    biomed_folder: Path, tmp_path: Path, half: str, key: str, value: str, words: str
) -> None:
    for name in ("vocab.txt", "open_clip_model.safetensors"):
        shutil.copy(biomed_folder / name, tmp_path / name)
    config = json.loads((biomed_folder / "open_clip_config.json").read_text(encoding="utf-8"))
    config["model_cfg"][half][key] = value
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CheckpointError, match=words):
        read_pretrained(tmp_path)
