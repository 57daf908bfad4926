"""``tgcnet train``: a recipe and a data folder in, a model folder out."""

import argparse
import importlib
import logging
from pathlib import Path
from types import ModuleType

from tgcnet.cli.output import Commands, add_command, say
from tgcnet.errors import InputError, MissingExtraError

_EXTRA = ("lightning_fabric", "monai")


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "train", "Train a model by a recipe.", run)
    parser.add_argument("recipe", metavar="RECIPE", help="a shipped recipe's name, or a path")
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, required=True, help="what the recipe trains on"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, required=True, help="where the model goes"
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="CHECKPOINT",
        help="go on from the newest checkpoint in the out folder, or from the one named",
    )
    _add_options(parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    """On what and how; none changes what is learnt."""
    parser.add_argument(
        "--accelerator", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto"
    )
    parser.add_argument(
        "--devices",
        metavar="N",
        type=int,
        default=1,
        help="processes on this machine, one a GPU (default: 1); under torchrun it decides",
    )
    parser.add_argument("--nodes", metavar="N", type=int, default=1, help="machines (default: 1)")
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16", "fp16"),
        default="auto",
        help="auto: bf16 on GPUs that have it, fp16 on older ones, fp32 on the processor",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=1,
        help="processes that prepare samples beside each training process (default: 1); 0: none",
    )
    parser.add_argument(
        "--cache",
        metavar="FOLDER",
        type=Path,
        help="decoded images and kept features, to be shared by runs (default: OUT/cache)",
    )
    parser.add_argument(
        "--no-tensorboard", action="store_true", help="write log.csv alone, no events"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train until the recipe is done."""
    if not arguments.data.is_dir():
        raise InputError(
            f"--data {arguments.data} is no folder; give the folder the recipe's data lies in"
        )
    for name, least in (("devices", 1), ("nodes", 1), ("workers", 0)):
        if getattr(arguments, name) < least:
            raise InputError(
                f"--{name} {getattr(arguments, name)} was given, expected at least {least}"
            )
    train_recipe = import_or_explain("tgcnet.train.recipe_runner").train_recipe
    options = importlib.import_module("tgcnet.train.options")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model = train_recipe(
        arguments.recipe,
        data=arguments.data,
        out=arguments.out,
        resume=arguments.resume is not None,
        checkpoint=Path(arguments.resume) if arguments.resume else None,
        options=options.RunOptions(
            accelerator=options.Accelerator(arguments.accelerator),
            devices=arguments.devices,
            nodes=arguments.nodes,
            precision=options.Precision(arguments.precision),
            num_workers=arguments.workers,
            cache=arguments.cache,
            has_tensorboard=not arguments.no_tensorboard,
        ),
    )
    if model is not None:  # in one process of several
        say(f"The model lies in {model}.")
    return 0


def import_or_explain(module: str) -> ModuleType:
    """Import what trains; an extra that is not installed is a sentence.

    Raises
    ------
    MissingExtraError
        Naming the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError(
            f"Training needs {error.name}, which is not installed; run: "
            "pip install 'napari-tgcnet[train]'"
        ) from error
