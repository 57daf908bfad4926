"""``tgcnet evaluate``: how good a model is on a folder of images, masks and reports."""

import argparse
from pathlib import Path

from tgcnet.cli.output import Commands, add_command, add_model_options, check_seed
from tgcnet.cli.target import check_writable
from tgcnet.errors import OutputError
from tgcnet.io.formats import CSV, MARKDOWN, PNG, Format, endings_of, format_of, one_of

# As TextMode has them; its module is not imported here, since help must not take a second.
TEXT_MODES = ("given", "none", "swapped", "shuffled", "contradictory", "no-location")
ALL_TEXTS = "all"

_FILES = ("table", "per_image", "calibration")
_FORMATS = {"table": (MARKDOWN, CSV), "per_image": (CSV,), "calibration": (PNG,)}


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "evaluate", "Compare a model's masks with a folder's reference masks.", run
    )
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, help="a data set: images, masks and texts"
    )
    parser.add_argument("--split", metavar="NAME", help="only this split of it, such as test")
    add_model_options(parser)
    parser.add_argument(
        "--text",
        default="given",
        choices=(*TEXT_MODES, ALL_TEXTS),
        help="what the model is told (given); all: each in turn, with differences",
    )
    parser.add_argument(
        "--seed", default=0, type=int, metavar="N", help="of shuffled texts and of intervals (0)"
    )
    parser.add_argument(
        "--table",
        metavar="FILE",
        type=Path,
        help="write the figures with their 95%% intervals there, as .md or .csv",
    )
    parser.add_argument(
        "--per-image", metavar="FILE", type=Path, help="write each image's figures there, as .csv"
    )
    parser.add_argument(
        "--calibration", metavar="FILE", type=Path, help="draw a reliability diagram there, as .png"
    )
    parser.add_argument(
        "--pages",
        metavar="FOLDER",
        type=Path,
        help="draw the best, median and worst cases into this new folder",
    )
    parser.add_argument(
        "--with-texts",
        action="store_true",
        help="with --pages: write each case's file name and report below it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Refuse what would fail at the end, then evaluate."""
    check_seed(arguments.seed)
    _check_targets(arguments)
    from tgcnet.cli.evaluate_run import evaluate

    evaluate(arguments)
    return 0


def refuse_own_files(target: Path, folder: Path, option: str) -> None:
    """Keep the data set from being overwritten with its own scores, whatever links lead there.

    Raises
    ------
    OutputError
        If ``target`` lies in the folder and is there already, is its ``captions.csv`` or
        ``classes.json``, or lies in its ``images/`` or ``masks/``.
    """
    resolved = target.resolve()
    parts = [(folder / name).resolve() for name in ("images", "masks")]
    files = [(folder / name).resolve() for name in ("captions.csv", "classes.json")]
    # Other layouts have other names, so whatever is there already is taken for the data set's.
    is_there = resolved.is_file() and resolved.is_relative_to(folder.resolve())
    if is_there or resolved in files or any(map(resolved.is_relative_to, parts)):
        raise OutputError(
            f"{option} {resolved.name} is a file of the data set itself, which its scores must not "
            "replace; choose a file outside its folder."
        )


def _check_targets(arguments: argparse.Namespace) -> None:
    taken: dict[Path, str] = {}
    for name in _FILES:
        target, option = getattr(arguments, name), f"--{name.replace('_', '-')}"
        if target is None:
            continue
        check_writable(target, option)
        refuse_own_files(target, arguments.folder, option)
        _check_ending(target, option, _FORMATS[name])
        other = taken.setdefault(target.resolve(), option)
        if other != option:
            raise OutputError(
                f"{other} and {option} both name {target.name}, expected two files; choose "
                "another name for one of them."
            )
    if arguments.pages is not None:
        _check_pages(arguments.pages, arguments.folder)
    elif arguments.with_texts:
        raise OutputError(
            "--with-texts was given without --pages, expected both: it says what stands on the "
            "pages. Name a new folder with --pages or leave it out."
        )


def _check_ending(target: Path, option: str, among: tuple[Format, ...]) -> None:
    if format_of(target, among) is None:
        raise OutputError(
            f"{option} {target.name} has no ending that says a format, expected "
            f"{one_of(endings_of(*among))}; choose a name with one."
        )


def _check_pages(pages: Path, folder: Path) -> None:
    refuse_own_files(pages, folder, "--pages")
    if pages.exists():
        raise OutputError(
            f"--pages {pages.absolute().name} is there already, expected a name that is free, so "
            "that no page is replaced; choose a new one."
        )
    check_writable(pages, "--pages")
