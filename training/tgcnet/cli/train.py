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
        "--resume", action="store_true", help="go on from the checkpoint in the out folder"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train until the recipe is done."""
    if not arguments.data.is_dir():
        raise InputError(
            f"--data {arguments.data} is no folder; give the folder the recipe's data lies in"
        )
    train_recipe = import_or_explain("tgcnet.train.recipe_runner").train_recipe
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model = train_recipe(
        arguments.recipe, data=arguments.data, out=arguments.out, resume=arguments.resume
    )
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
