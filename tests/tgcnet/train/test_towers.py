"""What a recipe starts from: pretrained towers and CNN by name, the vocabulary they bring."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import safetensors.torch
import timm
import torch
from transformers import BertConfig, BertModel

from tgcnet.config import (
    BertTextConfig,
    ClipTextConfig,
    DecoderConfig,
    ModelConfig,
    PostprocessConfig,
    PreprocessConfig,
    TgcNetConfig,
    TmcaConfig,
)
from tgcnet.domain import SegmentationClass
from tgcnet.errors import CheckpointError, ConfigError, InputError
from tgcnet.models import SegmentationModel, TgcNet, TmcaNet, build_model
from tgcnet.train import towers
from tgcnet.train.config import Phase, TrainConfig, ValidationSource
from tgcnet.train.frozen_features import tower_key
from tgcnet.train.network_inputs import PixelScale
from tgcnet.train.optimisation import parameter_groups
from tgcnet.train.recipe_file import load_recipe
from tgcnet.train.towers import build_for_training, open_start, with_words
from tgcnet.weights.import_pretrained import import_pretrained, open_pretrained
from tgcnet.weights.load import load_model, save_model
from tgcnet.weights.manifest import Manifest, read_manifest

VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "left", "lung", "opacity", ".")
MODEL = TmcaConfig(
    name="test",
    text=BertTextConfig(
        width=64, layers=1, heads=1, quick_gelu=False, num_positions=32,
        context_length=32,
    ),
    cnn="convnext_atto",
    joint_dim=16,
    decoder=DecoderConfig(channels=(8, 8, 16, 16), head_channels=8),
)  # fmt: skip


def config(**changes: Any) -> TrainConfig:
    values = {
        "model": MODEL,
        "sources": (),
        "validation": ValidationSource(folder="val", max_rows=1),
        "phases": (Phase(epochs=1, side_px=64),),
        "starts_from_imagenet": False,
        "text_weights": "bert",
    }
    return TrainConfig(**{**values, **changes})


def started(run: TrainConfig, reports: Sequence[str] = ()) -> tuple[TrainConfig, SegmentationModel]:
    """The run with its words, and its network as it begins."""
    start = open_start(run)
    run = with_words(run, start, reports)
    return run, build_for_training(run, start)


@pytest.fixture
def bert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> BertModel:
    """A small BERT, imported as "bert", and a ConvNeXt as "cnn"."""
    monkeypatch.setenv("TGCNET_PRETRAINED", str(tmp_path / "pretrained"))
    torch.manual_seed(0)
    model = BertModel(
        BertConfig(
            vocab_size=len(VOCABULARY), hidden_size=64, num_hidden_layers=1,
            num_attention_heads=1, intermediate_size=256, max_position_embeddings=32,
        )
    )  # fmt: skip
    model.save_pretrained(tmp_path / "given")
    (tmp_path / "given" / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    import_pretrained(tmp_path / "given", name="bert")
    cnn = timm.create_model("convnext_atto", pretrained=False)
    safetensors.torch.save_file(cnn.state_dict(), tmp_path / "cnn.safetensors")
    import_pretrained(tmp_path / "cnn.safetensors", name="cnn")
    return model


def test_a_tmca_starts_from_imported_weights_and_is_loaded_without_them(
    bert: BertModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, model = started(config(cnn_weights="cnn"), ["whatever"])
    assert isinstance(run.model, TmcaConfig)
    assert run.model.text == replace(MODEL.text, vocabulary=VOCABULARY)
    assert isinstance(model, TmcaNet)
    words = model.text_tower.state_dict()["transformer.embeddings.word_embeddings.weight"]
    torch.testing.assert_close(words, bert.embeddings.word_embeddings.weight.detach())
    stem = safetensors.torch.load_file(tmp_path / "cnn.safetensors")["stem.0.weight"]
    torch.testing.assert_close(model.cnn.state_dict()["net.stem_0.weight"], stem)
    manifest = Manifest(
        name="test",
        model=run.model,
        preprocess=PreprocessConfig(side_px=64),
        postprocess=PostprocessConfig(),
        classes=(SegmentationClass(name="infection", colour=(230, 60, 60)),),
        findings=(),
    )
    save_model(model, manifest, tmp_path / "model")
    monkeypatch.setenv("TGCNET_PRETRAINED", str(tmp_path / "elsewhere"))
    loaded = load_model(str(tmp_path / "model")).model
    sentence = "Left lung opacity."
    assert loaded.reader.tokenize(sentence) == model.reader.tokenize(sentence)
    assert loaded.reader.tokenize(sentence)[0] == (2, 4, 5, 6, 7, 3)


def test_weights_are_opened_once_and_told_by_their_hash(
    bert: BertModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Mock(wraps=open_pretrained)
    monkeypatch.setattr(towers, "open_pretrained", opened)
    run = config(cnn_weights="cnn")
    start = open_start(run)
    build_for_training(with_words(run, start, []), start)
    assert [call.args[0] for call in opened.call_args_list] == ["bert", "cnn"]
    files = [tmp_path / "pretrained" / name / "weights.safetensors" for name in ("bert", "cnn")]
    expected = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert list(start.hashes().values()) == expected


def test_the_hash_of_another_models_towers_and_of_imagenets_cnn_is_told(
    tiny_model_folder: Path,
) -> None:
    manifest = read_manifest(tiny_model_folder)
    run = config(
        model=manifest.model, text_weights="", towers_of=str(tiny_model_folder),
        starts_from_imagenet=True,
    )  # fmt: skip
    assert open_start(run).hashes() == {
        "towers_sha256": manifest.sha256,
        "cnn_sha256": hashlib.sha256(towers.imagenet_file().read_bytes()).hexdigest(),
    }
    random = replace(run, towers_of="", starts_from_imagenet=False)
    assert open_start(random).hashes() == {"towers_sha256": "", "cnn_sha256": ""}


def test_weights_of_another_size_are_refused(bert: BertModel) -> None:
    wider = replace(MODEL, text=replace(MODEL.text, width=128, heads=2))
    with pytest.raises(CheckpointError, match="the text tower of bert has width=64, the"):
        started(config(model=wider))
    with pytest.raises(CheckpointError, match="bert holds the weights of no CNN, the recipe's CNN"):
        started(config(cnn_weights="bert"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text_weights": ""}, "is a BERT, whose word pieces come with its weights, but none"),
        ({"towers_of": "mini"}, "text_weights is for a TMCA without towers_of"),
        ({"clip_weights": "openai"}, "is a TMCA, which has no pair of CLIP towers"),
        ({"starts_from_imagenet": True}, "no ImageNet weights of 'convnext_atto' ship with this"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config(**changes)


@pytest.mark.parametrize("name", ["vit_b16", "biomedclip", "tmca"])
def test_the_recipes_of_the_workshop_agree_with_themselves(name: str) -> None:
    file = Path(__file__).parents[3] / "training" / "recipes" / f"{name}.py"
    run = load_recipe(str(file))
    assert run.clip_weights or run.text_weights


WORKSHOP = Path(__file__).parents[3] / "training" / "recipes"
ABLATIONS = {
    "tgcnet", "tgcnet_without_sse", "tgcnet_without_date", "tgcnet_without_vlcm", "tgcnet_plain",
    "tmca", "tmca_text_targets", "tmca_one_hot", "tmca_without_contrast", "tmca_last_level",
    "tmca_without_enhancement",
}  # fmt: skip


def test_each_ablation_is_a_run_of_its_own_on_the_same_data() -> None:
    runs = {name: load_recipe(f"{WORKSHOP / 'ablations.py'}:{name}") for name in ABLATIONS}
    assert {run.model.name for run in runs.values()} == ABLATIONS
    differences = {(run.objective, replace(run.model, name="")) for run in runs.values()}
    assert len(differences) == len(ABLATIONS)
    same = {(r.sources, r.phases, r.batch_size, r.seed, r.towers_of, r.mix) for r in runs.values()}
    assert len(same) == 1


def test_a_function_that_a_recipes_file_lacks_is_named() -> None:
    with pytest.raises(InputError, match=r"must define tgcnet_with_luck\(\) returning a Train"):
        load_recipe(f"{WORKSHOP / 'ablations.py'}:tgcnet_with_luck")


def started_from(model: ModelConfig, source: Path) -> tuple[SegmentationModel, SegmentationModel]:
    """A network as a run begins that takes the towers of another, and the other."""
    run = config(model=model, text_weights="", towers_of=str(source))
    return started(run)[1], load_model(str(source)).model


def test_both_towers_and_the_words_of_another_model_are_taken_over(
    tiny_model_folder: Path,
) -> None:
    tiny = read_manifest(tiny_model_folder).model
    assert isinstance(tiny, TgcNetConfig)
    wordless = replace(tiny.towers, text=replace(tiny.towers.text, words=()))
    torch.manual_seed(9)
    model, source = started_from(replace(tiny, towers=wordless), tiny_model_folder)
    assert isinstance(model, TgcNet)
    assert isinstance(source, TgcNet)
    for own, other in (
        (model.image_tower, source.image_tower),
        (model.text_tower, source.text_tower),
    ):
        torch.testing.assert_close(own.state_dict(), other.state_dict(), rtol=0, atol=0)
    ours, theirs = model.decoder.state_dict(), source.decoder.state_dict()
    assert not torch.equal(ours["head.0.weight"], theirs["head.0.weight"])


def test_a_tmca_takes_the_text_tower_of_either(
    tiny_model_folder: Path, tiny_tmca_folder: Path
) -> None:
    tmca = read_manifest(tiny_tmca_folder).model
    for source in (tiny_model_folder, tiny_tmca_folder):
        model, other = started_from(tmca, source)
        own = model.text_tower.state_dict()
        assert all(torch.equal(own[key], other.text_tower.state_dict()[key]) for key in own)


def test_towers_that_do_not_fit_are_refused(
    tiny_model_folder: Path, tiny_tmca_folder: Path
) -> None:
    tiny = read_manifest(tiny_model_folder).model
    assert isinstance(tiny, TgcNetConfig)
    with pytest.raises(CheckpointError, match="names 'tiny-tmca', a TMCA without an image tower"):
        started_from(tiny, tiny_tmca_folder)
    deeper = replace(tiny.towers, image=replace(tiny.towers.image, layers=8))
    with pytest.raises(CheckpointError, match="towers of 'tiny', named in towers_of, do not fit"):
        started_from(replace(tiny, towers=deeper), tiny_model_folder)


def test_a_pretrained_cnns_own_gamma_is_no_gate() -> None:
    """ConvNeXt calls its layer scale gamma; it learns as slowly as the CNN it belongs to."""
    text = ClipTextConfig(width=32, layers=1, heads=2, quick_gelu=True)
    run = config(model=replace(MODEL, text=text), text_weights="", cnn_rate_factor=0.5)
    model = build_model(run.model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups: list[Any] = parameter_groups(model, run)
    rates = {names[id(p)]: group["lr"] for group in groups for p in group["params"]}
    decays = {names[id(p)]: group["weight_decay"] for group in groups for p in group["params"]}
    gammas = [name for name in rates if name.startswith("cnn.") and name.endswith(".gamma")]
    assert gammas
    assert {rates[name] for name in gammas} == {run.learning_rate * 0.5}
    assert rates["levels.1.attend.scale"] == run.learning_rate * run.gate_rate_factor
    assert decays["levels.0.enhance.offset"] == 0.0


def test_kept_features_are_those_of_one_tower(tiny_model_folder: Path) -> None:
    """Heads and activation change what a tower makes of an image, and none of its parameters."""
    loaded = load_model(str(tiny_model_folder))
    tiny = loaded.manifest.model
    assert isinstance(tiny, TgcNetConfig)
    tower, pixels = tiny.towers.image, PixelScale(loaded.manifest.preprocess)
    keys = {
        tower_key(loaded.model, changed, pixels)
        for changed in (tower, replace(tower, heads=4), replace(tower, quick_gelu=False))
    }
    assert len(keys) == 3
    assert tower_key(loaded.model, tower, pixels) in keys
