"""From a recipe's name to a trained model's folder."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from rich.console import Console

from tgcnet.data.pixel_cache import PixelCache
from tgcnet.data.row_decoding import Example
from tgcnet.data.sources import SourceRows, common_classes, read_source
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError, OutputError
from tgcnet.train.checkpoint import Checkpoints, Progress, checkpoint_to_resume, read_progress
from tgcnet.train.config import TrainConfig
from tgcnet.train.data.training_set import TrainingSet, load_examples
from tgcnet.train.data_check import (
    check_apart,
    check_pixels_apart,
    held_out_sentences,
    side_warnings,
)
from tgcnet.train.export import export_model
from tgcnet.train.fabric import build_fabric, first_decides, in_turn, leave_together
from tgcnet.train.options import RunOptions
from tgcnet.train.provenance import check_unchanged, pixels_sha256, provenance_of
from tgcnet.train.recipe_file import load_recipe
from tgcnet.train.run_log import CsvLog, LineLog, RunLog, Sink, TensorBoardLog, TerminalLog
from tgcnet.train.towers import build_for_training, open_start, with_words
from tgcnet.train.trainer import Trainer, identity_of
from tgcnet.train.validation import Validator
from tgcnet.weights.registry import DEFAULT_MODEL

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
        If the recipe is unknown, its data are not there or do not fit each other, the validation
        shares subjects or files with what is trained on, or ``out`` holds a run and ``resume`` is
        false; nothing is written. Also if an image cannot be decoded, or the validation shares
        pixels with what is trained on; what was decoded before stays in the cache.
    CheckpointError
        If pretrained weights are absent or refused, the checkpoint is damaged, or the recipe, the
        weights or the data have changed since. Pixels are compared once they are decoded, which
        adds to the cache and to nothing else.
    DeviceError
        If a device or a precision was asked for that is not here.
    OutputError
        If ``out`` cannot be made.
    """
    options = options or RunOptions()
    config, read = _read_recipe(recipe, data, out)
    fabric = _launched(options)
    place = _Place(out=out, options=options, fabric=fabric)
    found = first_decides(fabric, lambda: place.checkpoint(checkpoint, resume=resume))
    start = in_turn(fabric, lambda: open_start(config))
    config = with_words(config, start, read.reports)
    made_with = provenance_of(config, read.sources, read.validation, start.hashes())
    resumed = first_decides(fabric, lambda: _checked_progress(found, config, made_with))
    torch.manual_seed(config.seed)
    model = build_for_training(config, start)
    first_decides(fabric, place.make)  # only now: a run that is refused writes nothing
    decoded = in_turn(fabric, lambda: _decode(config, read, options.cache or out / "cache"))
    made_with |= first_decides(fabric, lambda: _checked_pixels(found, read, decoded))
    if fabric.is_global_zero:
        _log_remarks(read, decoded)
        if found is not None:
            Checkpoints(out).go_back_to(found)
    with place.log(resumed) as log:
        trainer = Trainer(
            config=config,
            model=model,
            training_set=_training_set(config, read, decoded),
            validator=Validator(decoded.scored, config.preprocess, read.classes),
            provenance=made_with,
            log=log,
            out=out,
            fabric=fabric,
            options=options,
        )
        trained = trainer.run(resume=resume)
    folder = None
    if fabric.is_global_zero:
        to = out / "model"
        folder = export_model(trained, config, to, classes=read.classes, provenance=made_with)
    leave_together(fabric)
    return folder


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where and on what a run happens."""

    out: Path
    options: RunOptions
    fabric: Fabric

    def checkpoint(self, named: Path | None, *, resume: bool) -> Path | None:
        """What the run goes on from; a folder in which it may not begin is refused."""
        found = checkpoint_to_resume(self.out, named)
        name = self.out.absolute().name
        if found is not None and not resume:
            raise InputError(
                f"{name} holds a run already; go on with --resume or name another folder"
            )
        return found

    def make(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _not_made(self.out, error.strerror or "refused") from None

    @contextmanager
    def log(self, resumed: Progress | None) -> Iterator[RunLog]:
        """Of the first process; that of the others goes nowhere."""
        is_first = self.fabric.is_global_zero
        log = RunLog(_sinks(self.out, self.options, resumed) if is_first else ())
        try:
            yield log
        finally:
            log.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What a recipe's folders hold: rows and classes, no pixels yet."""

    sources: tuple[SourceRows, ...]
    validation: SourceRows
    classes: tuple[SegmentationClass, ...]

    @property
    def reports(self) -> list[str]:
        return [row.report for source in self.sources for row in source.rows]


def _read_recipe(recipe: str, data: Path, out: Path) -> tuple[TrainConfig, _Read]:
    """What is asked for and what of it lies there: what can be refused at once, is."""
    config = load_recipe(recipe)
    _check_name(config, recipe)
    _check_can_be_made(out)
    read = _read_data(config, recipe, data)
    return _with_classes(config, read.classes), read


def _launched(options: RunOptions) -> Fabric:
    """All processes of the run, of which the first one talks."""
    fabric = build_fabric(options)
    fabric.launch()
    if not fabric.is_global_zero:
        logging.getLogger("tgcnet").setLevel(logging.WARNING)
    return fabric


def _read_data(config: TrainConfig, recipe: str, data: Path) -> _Read:
    _check_sources(config, recipe, data)
    sources = tuple(read_source(data, source) for source in config.sources)
    validation = read_source(data, config.validation.as_source(), is_trained_on=False)
    scored = validation.rows[: config.validation.max_rows]
    check_apart(sources, scored, validation.source.label)
    classes = common_classes([*sources, validation])
    return _Read(sources=sources, validation=validation, classes=classes)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Decoded:
    """The images and masks of a run, and of its validation."""

    seen: Sequence[Example]
    scored: Sequence[Example]


def _decode(config: TrainConfig, read: _Read, cache_folder: Path) -> _Decoded:
    """Pixels, from the cache where they were decoded before."""
    cache = PixelCache(cache_folder, config.preprocess)
    return _Decoded(
        seen=load_examples(read.sources, cache),
        scored=load_examples([read.validation], cache, max_rows=config.validation.max_rows),
    )


def _training_set(config: TrainConfig, read: _Read, decoded: _Decoded) -> TrainingSet:
    training_set = TrainingSet(
        decoded.seen,
        [source.source.repeats for source in read.sources for _ in source.rows],
        seed=config.seed,
        mix=config.mix,
        augment=config.augment,
        num_classes=len(read.classes),
    )
    logger.info("%d images, %d samples an epoch", len(decoded.seen), len(training_set))
    return training_set


def _checked_progress(
    found: Path | None, config: TrainConfig, made_with: Mapping[str, str]
) -> Progress | None:
    """Where the run stood; None for a new one."""
    if found is None:
        return None
    progress = read_progress(found, identity_of(config))
    check_unchanged(found, made_with)
    return progress


def _checked_pixels(found: Path | None, read: _Read, decoded: _Decoded) -> dict[str, str]:
    """What the provenance says of pixels; known only once they are decoded."""
    check_pixels_apart(decoded.seen, decoded.scored, read.validation.source.label)
    pixels = {
        "train_pixels_sha256": pixels_sha256(decoded.seen),
        "val_pixels_sha256": pixels_sha256(decoded.scored),
    }
    if found is not None:
        check_unchanged(found, pixels)
    return pixels


def _log_remarks(read: _Read, decoded: _Decoded) -> None:
    """Log what does not stop a run but matters to its user."""
    for sentence in held_out_sentences(read.sources):
        logger.info(sentence)
    for entries, examples in ((read.sources, decoded.seen), ((read.validation,), decoded.scored)):
        for sentence in side_warnings(entries, examples):
            logger.warning(sentence)


def _sinks(out: Path, options: RunOptions, resumed: Progress | None) -> list[Sink]:
    """Files beside each other, and what a person sees."""
    sinks: list[Sink] = [CsvLog(out / "log.csv", resumed)]
    if options.has_tensorboard:
        sinks.append(TensorBoardLog(out / "events", resumed))
    console = Console(stderr=True)
    return [*sinks, TerminalLog(console) if console.is_terminal else LineLog()]


def _check_name(config: TrainConfig, recipe: str) -> None:
    """A model of one's own is not called as the shipped one: two would answer to the name."""
    name = config.model.name
    if name == DEFAULT_MODEL and recipe != DEFAULT_MODEL:
        raise InputError(
            f"the recipe {recipe!r} would export a model called {name!r}, which is the shipped "
            "one's name, expected a name of its own; name the model in the recipe: "
            "model=replace(base.model, name=...)"
        )


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


def _not_made(folder: Path, reason: str) -> OutputError:
    return OutputError(
        f"the run's folder {folder.absolute().name!r} cannot be made ({reason}); name one whose "
        "parent can be written"
    )
