"""``tgcnet evaluate``: how good a model is on a folder of images, masks and reports."""

import argparse
import math
from dataclasses import asdict
from pathlib import Path

from tgcnet.cli.output import (
    Commands,
    add_command,
    add_model_options,
    progress_bar,
    say_json,
    stated_modality,
)
from tgcnet.cli.target import check_writable
from tgcnet.errors import OutputError

# As tgcnet.train.evaluate.TextMode has them, which is not imported here because it needs torch.
TEXT_MODES = ("given", "none", "swapped", "shuffled", "contradictory", "no-location")


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "evaluate", "Compare a model's masks with a folder's reference masks.", run
    )
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, help="holds images/, masks/ and captions.csv"
    )
    add_model_options(parser)
    parser.add_argument(
        "--text", default="given", choices=TEXT_MODES, help="what the model is told (given)"
    )
    parser.add_argument("--seed", default=0, type=int, metavar="N", help="of --text shuffled (0)")
    parser.add_argument(
        "--table", metavar="FILE", type=Path, help="write each image's figures there, as CSV"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write the table where one was asked for."""
    if arguments.table is not None:
        check_writable(arguments.table, "--table")
        refuse_own_files(arguments.table, arguments.folder)
    from tgcnet.inference.predictor import load_predictor
    from tgcnet.train.evaluate import TextMode, evaluate_folder, write_table

    predictor = load_predictor(arguments.model, arguments.device)
    with progress_bar("Evaluating", is_quiet=arguments.json) as show:
        result = evaluate_folder(
            predictor,
            arguments.folder,
            mode=TextMode(arguments.text),
            modality=stated_modality(arguments),
            seed=arguments.seed,
            on_progress=show,
        )
    if arguments.table is not None:
        write_table(result.images, arguments.table)
    figures: dict[str, object] = {
        "model": predictor.manifest.name,
        "text": arguments.text,
        "device": str(predictor.device),
        **{key: _finite(value) for key, value in asdict(result.metrics).items()},
        "seconds_per_image": result.seconds_per_image,
        "side_leak": result.side_leak,
        "median_area": result.median_area,
        "max_area": result.max_area,
    }
    if arguments.json:
        say_json(figures)
    else:
        _print_table(figures)
    return 0


def refuse_own_files(table: Path, folder: Path) -> None:
    """Keep the data set from being overwritten with its own scores, whatever links lead there.

    Raises
    ------
    OutputError
        If ``table`` is the folder's ``captions.csv`` or lies in its ``images/`` or ``masks/``.
    """
    target = table.resolve()
    parts = [(folder / name).resolve() for name in ("images", "masks")]
    if target == (folder / "captions.csv").resolve() or any(map(target.is_relative_to, parts)):
        raise OutputError(
            f"--table {target.name} is a file of the data set itself, which its scores must not "
            "replace; choose a file outside images/ and masks/ and not captions.csv."
        )


def _finite(value: object) -> object:
    """JSON has no NaN: a distance between masks that are never both there is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_table(figures: dict[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False)
    for name, value in figures.items():
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        table.add_row(name, "none" if value is None else shown)
    Console().print(table)
