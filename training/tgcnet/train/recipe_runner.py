"""From a recipe's name to a trained model's folder."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.console import Console

from tgcnet.data.pixel_cache import PixelCache
from tgcnet.data.sources import SourceRows, common_classes, read_source
from tgcnet.data.training_set import TrainingSet, load_examples
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError, OutputError
from tgcnet.train.checkpoint import Progress, read_progress
from tgcnet.train.checkpoints import Checkpoints, checkpoint_to_resume
from tgcnet.train.config import TrainConfig
from tgcnet.train.devices import build_fabric
from tgcnet.train.export import export_model
from tgcnet.train.loop import Trainer, identity_of
from tgcnet.train.options import RunOptions
from tgcnet.train.provenance import check_same_data, provenance_of
from tgcnet.train.recipe_file import load_recipe
from tgcnet.train.run_log import CsvLog, RunLog, Sink
from tgcnet.train.shown import LineLog, TerminalLog
from tgcnet.train.tensorboard import TensorBoardLog
from tgcnet.train.towers import build_for_training, with_words
from tgcnet.train.validate import Validator

logger = logging.getLogger(__name__)


def train_recipe(
    recipe: str,
    *,
    data: Path,
    out: Path,
    resume: bool,
    checkpoint: Path | None = None,
    options: RunOptions | None = None,
) -> Path | None:
    """Run a recipe to its end.

    Parameters
    ----------
    recipe : a shipped recipe's name, the path of a Python file with a function ``recipe``, or
        ``FILE.py:NAME`` of one that has several
    data : the folder that the recipe's sources are relative to
    out : the run's folder; made if absent
    resume : go on from the newest checkpoint in ``out`` where there is one
    checkpoint : go on from this one instead; later ones are dropped

    Returns
    -------
    Path or None
        The folder of the finished model; None in a process that only helped.

    Raises
    ------
    InputError
        If the recipe is unknown, its data are not there or do not fit each other, or ``out`` holds
        a run and ``resume`` is false; nothing is written. Also if an image cannot be decoded; what
        was decoded before stays in the cache.
    CheckpointError
        If the checkpoint is damaged, or the recipe or the data have changed since.
    DeviceError
        If a device or a precision was asked for that is not here.
    OutputError
        If ``out`` cannot be made.
    """
    options = options or RunOptions()
    config = load_recipe(recipe)
    found = checkpoint_to_resume(out, checkpoint)
    if found is not None and not resume:
        raise InputError(
            f"{out.absolute().name} holds a run already; go on with --resume or name another folder"
        )
    _check_can_be_made(out)
    read = _read_data(config, recipe, data)
    config = with_words(_with_classes(config, read.classes), read.reports)
    provenance = provenance_of(config, read.sources, read.validation)
    resumed = None if found is None else read_progress(found, identity_of(config))
    if found is not None:
        check_same_data(found, provenance)
    fabric = build_fabric(options)
    fabric.launch()
    torch.manual_seed(config.seed)
    model = build_for_training(config)
    if fabric.is_global_zero:
        _make_folder(out)  # only now: a run that is refused writes nothing
        if found is not None:
            Checkpoints(out).go_back_to(found)
    else:
        logging.getLogger("tgcnet").setLevel(logging.WARNING)
    with fabric.rank_zero_first(local=True):
        training_set, validator = _decode(config, read, options.cache or out / "cache")
    log = RunLog(_sinks(out, options, resumed) if fabric.is_global_zero else ())
    try:
        trainer = Trainer(
            config=config,
            model=model,
            training_set=training_set,
            validator=validator,
            out=out,
            fabric=fabric,
            options=options,
            log=log,
            provenance=provenance,
        )
        trained = trainer.run(resume=resume)
    finally:
        log.close()
    if not fabric.is_global_zero:
        return None
    return export_model(trained, config, out / "model", classes=read.classes, provenance=provenance)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What a recipe's folders hold: rows and classes, no pixels yet."""

    sources: tuple[SourceRows, ...]
    validation: SourceRows
    classes: tuple[SegmentationClass, ...]

    @property
    def reports(self) -> list[str]:
        return [row.report for source in self.sources for row in source.rows]


def _read_data(config: TrainConfig, recipe: str, data: Path) -> _Read:
    _check_sources(config, recipe, data)
    sources = tuple(read_source(data, source) for source in config.sources)
    validation = read_source(data, config.validation.as_source())
    classes = common_classes([*sources, validation])
    return _Read(sources=sources, validation=validation, classes=classes)


def _decode(config: TrainConfig, read: _Read, cache_folder: Path) -> tuple[TrainingSet, Validator]:
    """Pixels, from the cache where they were decoded before."""
    cache = PixelCache(cache_folder, config.preprocess)
    examples = load_examples(read.sources, cache)
    scored = load_examples([read.validation], cache, max_rows=config.validation.max_rows)
    training_set = TrainingSet(
        examples,
        [source.source.repeats for source in read.sources for _ in source.rows],
        seed=config.seed,
        mix=config.mix,
        augment=config.augment,
        num_classes=len(read.classes),
    )
    logger.info("%d images, %d samples an epoch", len(examples), len(training_set))
    return training_set, Validator(scored, config.preprocess, read.classes)


def _sinks(out: Path, options: RunOptions, resumed: Progress | None) -> list[Sink]:
    """Files beside each other, and what a person sees."""
    sinks: list[Sink] = [CsvLog(out / "log.csv", resumed)]
    if options.has_tensorboard:
        sinks.append(TensorBoardLog(out / "events", resumed))
    console = Console(stderr=True)
    return [*sinks, TerminalLog(console) if console.is_terminal else LineLog()]


def _check_sources(config: TrainConfig, recipe: str, data: Path) -> None:
    """Before anything is read: every folder that the recipe names is below ``data``."""
    for folder in (*(source.folder for source in config.sources), config.validation.folder):
        if not (data / folder).is_dir():
            raise InputError(
                f"--data {data.absolute().name} holds no folder {folder}, which recipe "
                f"{recipe!r} expects below it; name the folder that holds {folder}. The data of "
                "'mini' are laid out by training/recipes/prepare_mini_data.py"
            )


def _with_classes(config: TrainConfig, classes: Sequence[SegmentationClass]) -> TrainConfig:
    """As many outputs as the data have classes; a recipe may leave it to them, or agree."""
    if config.model.num_classes not in (1, len(classes)):
        raise InputError(
            f"the recipe's model has num_classes={config.model.num_classes} and the data have "
            f"{len(classes)} ({', '.join(entry.name for entry in classes)}); expected the same, or "
            "no num_classes in the recipe, which leaves it to the data"
        )
    return replace(config, model=replace(config.model, num_classes=len(classes)))


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
