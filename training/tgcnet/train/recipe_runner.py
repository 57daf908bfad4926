"""From a recipe's name to a trained model's folder."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from rich.console import Console

from tgcnet.config import PostprocessConfig
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError, OutputError
from tgcnet.models import SegmentationModel
from tgcnet.train.checkpoint import Checkpoints, Progress, checkpoint_to_resume, read_progress
from tgcnet.train.config import TrainConfig
from tgcnet.train.fabric import build_fabric, first_decides, in_turn, leave_together
from tgcnet.train.options import RunOptions
from tgcnet.train.provenance import check_unchanged, provenance_of
from tgcnet.train.recipe_data import (
    RecipeRows,
    checked_pixels,
    decode_images,
    log_remarks,
    make_training_set,
    read_data,
    with_classes,
)
from tgcnet.train.recipe_file import load_recipe
from tgcnet.train.run_log import CsvLog, LineLog, RunLog, Sink, TensorBoardLog, TerminalLog
from tgcnet.train.towers import build_for_training, open_start, with_words
from tgcnet.train.trainer import Trainer, identity_of
from tgcnet.train.validation import Validator
from tgcnet.weights.load import save_model
from tgcnet.weights.manifest import Manifest
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
    resume : continue from the newest checkpoint in ``out`` where there is one
    checkpoint : continue from this one instead; later ones are deleted

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
    decoded = in_turn(fabric, lambda: decode_images(config, read, options.cache or out / "cache"))
    made_with |= first_decides(fabric, lambda: checked_pixels(found, read, decoded))
    if fabric.is_global_zero:
        log_remarks(read, decoded)
        if found is not None:
            Checkpoints(out).go_back_to(found)
    with place.log(resumed) as log:
        trainer = Trainer(
            config=config,
            model=model,
            training_set=make_training_set(config, read, decoded),
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
    """A run's folder, its options and its devices."""

    out: Path
    options: RunOptions
    fabric: Fabric

    def checkpoint(self, named: Path | None, *, resume: bool) -> Path | None:
        """The checkpoint to continue from; a folder that holds a run is refused unless resumed."""
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


def _read_recipe(recipe: str, data: Path, out: Path) -> tuple[TrainConfig, RecipeRows]:
    """The recipe and the rows of its data; whatever can be refused at once is refused here."""
    config = load_recipe(recipe)
    _check_name(config, recipe)
    _check_can_be_made(out)
    read = read_data(config, recipe, data)
    return with_classes(config, read.classes), read


def _launched(options: RunOptions) -> Fabric:
    """Start all processes of the run; only the first one logs below warnings."""
    fabric = build_fabric(options)
    fabric.launch()
    if not fabric.is_global_zero:
        logging.getLogger("tgcnet").setLevel(logging.WARNING)
    return fabric


def _checked_progress(
    found: Path | None, config: TrainConfig, made_with: Mapping[str, str]
) -> Progress | None:
    """Where the run stood; None for a new one."""
    if found is None:
        return None
    progress = read_progress(found, identity_of(config))
    check_unchanged(found, made_with)
    return progress


def _sinks(out: Path, options: RunOptions, resumed: Progress | None) -> list[Sink]:
    """Where numbers go: files in the run's folder, and the terminal or the log."""
    sinks: list[Sink] = [CsvLog(out / "log.csv", resumed)]
    if options.has_tensorboard:
        sinks.append(TensorBoardLog(out / "events", resumed))
    console = Console(stderr=True)
    return [*sinks, TerminalLog(console) if console.is_terminal else LineLog()]


def _check_name(config: TrainConfig, recipe: str) -> None:
    """Refuse the shipped model's name for another recipe's: two models would share it."""
    name = config.model.name
    if name == DEFAULT_MODEL and recipe != DEFAULT_MODEL:
        raise InputError(
            f"the recipe {recipe!r} would export a model called {name!r}, which is the shipped "
            "one's name, expected a name of its own; name the model in the recipe: "
            "model=replace(base.model, name=...)"
        )


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


def export_model(
    model: SegmentationModel,
    config: TrainConfig,
    folder: Path,
    *,
    classes: Sequence[SegmentationClass],
    provenance: Mapping[str, str],
) -> Path:
    """Write the network as a model folder that every part of tgcnet can load."""
    manifest = Manifest(
        name=config.model.name,
        model=config.model,
        preprocess=config.preprocess,
        postprocess=PostprocessConfig(
            threshold=config.threshold, min_region_px=config.min_region_px
        ),
        classes=tuple(classes),
        findings=config.findings,
        licence=config.licence,
        training_data=tuple(source.label for source in config.sources),
        provenance=provenance,
    )
    save_model(model, manifest, folder)
    return folder
