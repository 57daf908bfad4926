"""A BERT alone, of CXR-BERT's kind, for TMCA: the same tokens as transformers gives."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tests.tgcnet.models.test_pretrained import (
    PIECES,
    SENTENCES,
    VOCABULARY,
    biomed_towers,
    filled,
    stir,
    tgcnet_config,
)
from transformers import (  # type: ignore[attr-defined]  # its types lack an alias
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizerFast,
)

from tgcnet.config import BertTextConfig, TextTowerConfig, TmcaConfig
from tgcnet.errors import CheckpointError
from tgcnet.models import TmcaNet, build_model
from tgcnet.models.pretrained import fill_towers, read_pretrained, with_vocabulary
from tgcnet.models.text_features import run_tower


def bert_folder(folder: Path, *, with_prefix: bool) -> BertModel:
    config = BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=128, max_position_embeddings=40,
    )  # fmt: skip
    torch.manual_seed(4)
    model: BertForMaskedLM | BertModel
    model = BertForMaskedLM(config) if with_prefix else BertModel(config)
    stir(model)
    model.eval().save_pretrained(folder)
    # As CXR-BERT: a name of its own for the very same network.
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    values |= {"model_type": "cxr-bert", "projection_size": 128}
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return model.bert if isinstance(model, BertForMaskedLM) else model


def tmca_config(text: TextTowerConfig) -> TmcaConfig:
    return TmcaConfig(name="test", text=text, cnn="tf_efficientnet_lite0", joint_dim=16)


BERT = BertTextConfig(
    width=32, layers=2, heads=2, quick_gelu=False, num_positions=40, context_length=40
)


@pytest.mark.parametrize("with_prefix", [True, False])
def test_a_bert_folder_gives_the_same_tokens_here(tmp_path: Path, with_prefix: bool) -> None:
    bert = bert_folder(tmp_path, with_prefix=with_prefix)
    pretrained = read_pretrained(tmp_path)
    assert pretrained.text is not None
    config = tmca_config(with_vocabulary(BERT, pretrained.text))
    model = build_model(config)
    assert isinstance(model, TmcaNet)
    fill_towers(model, config, pretrained)
    tokenizer = BertTokenizerFast(vocab=PIECES)
    reports = []
    for sentence in SENTENCES:
        ids = model.reader.tokenize(sentence)[0]
        assert ids == tuple(tokenizer(sentence).input_ids)
        reports.append((ids,))
    with torch.inference_mode():
        tokens, is_padding = run_tower(model.text_tower, reports)
        padded = tokenizer(list(SENTENCES), return_tensors="pt", padding=True)
        expected = bert(padded.input_ids, padded.attention_mask).last_hidden_state
        assert is_padding.any()
        torch.testing.assert_close(
            tokens[~is_padding], expected[padded.attention_mask.bool()], rtol=1e-5, atol=1e-5
        )
        alone = run_tower(model.text_tower, reports[1:])[0]
        torch.testing.assert_close(alone[0], tokens[1, : alone.shape[1]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("key", "value"), [("hidden_act", "relu"), ("layer_norm_eps", 1e-5)])
def test_a_bert_of_another_make_is_refused(tmp_path: Path, key: str, value: object) -> None:
    bert_folder(tmp_path, with_prefix=True)
    values = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(values | {key: value}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="expected 'gelu' and 1e-12; such a BERT is not read"):
        read_pretrained(tmp_path)


def test_a_text_tower_alone_makes_no_tgcnet(tmp_path: Path) -> None:
    bert_folder(tmp_path, with_prefix=True)
    with pytest.raises(CheckpointError, match="holds no pair of an image and a text tower"):
        filled(tgcnet_config(biomed_towers(side_px=64)), read_pretrained(tmp_path))


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"stem.0.weight": torch.tensor([float("nan")])}, file)
    with pytest.raises(CheckpointError, match=r"not finite in 1 tensors \(first: stem\.0\.weight"):
        read_pretrained(file)


def test_weights_in_several_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match="spread over several files"):
        read_pretrained(tmp_path)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"features.0.0.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match="of a network that is not read, expected a CLIP"):
        read_pretrained(file)
