"""The full-size BiomedCLIP and BERT, on no device: names and shapes of every tensor."""

import json
from pathlib import Path

import open_clip
import pytest
import torch
from torch import nn
from transformers import BertConfig

from tgcnet.config import TgcNetConfig
from tgcnet.models import named_configs
from tgcnet.models.bert_tower import BERT_NUM_PIECES
from tgcnet.models.build import build_tgcnet, build_tmca


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}


@pytest.mark.slow
def test_biomedclip_has_open_clips_tensors(tmp_path: Path) -> None:
    bert = tmp_path / "bert"
    BertConfig().save_pretrained(bert)  # transformers' default is BERT-base uncased
    # As BiomedCLIP's own file states it, but for the name of the BERT.
    model_cfg = {
        "embed_dim": 512,
        "vision_cfg": {
            "timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": False,
            "timm_pool": "", "timm_proj": "linear", "image_size": 224,
        },
        "text_cfg": {
            "hf_model_name": str(bert), "hf_tokenizer_name": str(bert), "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 256,
        },
    }  # fmt: skip
    config = {"model_cfg": model_cfg, "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    clip = open_clip.create_model(
        f"local-dir:{tmp_path}", device="meta", load_weights=False, pretrained_text=False
    )
    named = named_configs()["vit-b16-biomedclip"]
    assert isinstance(named, TgcNetConfig)
    with torch.device("meta"):
        model = build_tgcnet(named)
    assert shapes(model.image_tower.visual) == shapes(clip.visual)
    assert shapes(model.text_tower) == shapes(clip.text)
    assert named.towers.text.context_length == 256


def test_tmcas_text_tower_is_a_bert_base() -> None:
    with torch.device("meta"):
        tower = build_tmca(named_configs()["tmca"]).text_tower  # type: ignore[arg-type]
    found = shapes(tower)
    assert found["transformer.embeddings.word_embeddings.weight"] == (BERT_NUM_PIECES, 768)
    assert found["transformer.encoder.layer.11.output.dense.weight"] == (768, 3072)
    assert not [key for key in found if not key.startswith("transformer.")]
