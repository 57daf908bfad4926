"""``tgcnet train``: a recipe and a data folder in, a model folder out."""

import importlib
import logging
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import typer

from tgcnet.cli.options import whole_number
from tgcnet.cli.output import say
from tgcnet.errors import InputError, MissingExtraError

_EXTRA = ("lightning_fabric", "monai")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainCommand:
    """Train a model by a recipe."""

    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="a shipped recipe's name, or a path")
    ]
    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER", help="the folder of the recipe's data")
    ]
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="the folder of the run and its model")
    ]
    # The metavar's brackets say that the value may be left out: the newest checkpoint.
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="[CHECKPOINT]",
            help="go on from the newest checkpoint in the out folder, or from the one named",
        ),
    ] = None
    accelerator: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option("--accelerator", help="where it runs")
    ] = "auto"
    devices: Annotated[
        int,
        typer.Option(
            "--devices",
            metavar="N",
            parser=whole_number,
            help="processes on this machine, one for each GPU; under torchrun, torchrun decides",
        ),
    ] = 1
    nodes: Annotated[
        int, typer.Option("--nodes", metavar="N", parser=whole_number, help="number of machines")
    ] = 1
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        typer.Option(
            "--precision",
            help="auto: bf16 on GPUs that have it, fp16 on older ones, fp32 on the processor",
        ),
    ] = "auto"
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            metavar="N",
            parser=whole_number,
            help="processes that prepare samples beside each training process; 0: none",
        ),
    ] = 1
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="FOLDER",
            help="decoded images and kept features, to be shared by runs (OUT/cache)",
        ),
    ] = None
    no_tensorboard: Annotated[
        bool, typer.Option("--no-tensorboard", help="write log.csv alone, no events")
    ] = False

    def run(self) -> int:
        """Train until the recipe is done."""
        if not self.data.is_dir():
            raise InputError(
                f"--data {self.data} is no folder; give the folder the recipe's data lies in"
            )
        for option, value, least in (
            ("--devices", self.devices, 1),
            ("--nodes", self.nodes, 1),
            ("--workers", self.workers, 0),
        ):
            if value < least:
                raise InputError(f"{option} {value} was given, expected at least {least}")
        train_recipe = import_or_explain("tgcnet.train.recipe_runner").train_recipe
        options = importlib.import_module("tgcnet.train.options")
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        model = train_recipe(
            self.recipe,
            data=self.data,
            out=self.out,
            resume=self.resume is not None,
            checkpoint=Path(self.resume) if self.resume else None,
            options=options.RunOptions(
                accelerator=options.Accelerator(self.accelerator),
                devices=self.devices,
                nodes=self.nodes,
                precision=options.Precision(self.precision),
                num_workers=self.workers,
                cache=self.cache,
                has_tensorboard=not self.no_tensorboard,
            ),
        )
        if model is not None:  # in one process of several
            say(f"The model lies in {model}.")
        return 0


def import_or_explain(module: str) -> ModuleType:
    """Import a module that trains; an extra that is not installed becomes a sentence.

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
