"""What every command needs: words out, an option in, a bar that shows the way."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from tgcnet.domain import Modality
from tgcnet.errors import InputError, on_one_line

# As tgcnet.io has it, which is not imported here: its image libraries take a second, help must not.
RESEARCH_NOTICE = "Research use only. Not a medical device."
ACTIVE_IN_WORDS = "the active model; mini unless you switched"


@runtime_checkable
class Commands(Protocol):
    """What ``add_subparsers`` returns; argparse has no public name for it."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse calls it so
        description: str,
        epilog: str,
        allow_abbrev: bool,
    ) -> argparse.ArgumentParser:
        """Add a command."""


def say(text: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{text}\n")


class Printer:
    """Lines on standard output of what goes on although nobody reads it any more."""

    def __call__(self, text: str) -> None:
        """A line at once; once the reader has gone, into nothing."""
        try:
            say(text)
            sys.stdout.flush()
        except BrokenPipeError:
            discard_output()


def discard_output() -> None:
    """Send what comes, and what is still buffered, nowhere: Python would complain at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn(text: str) -> None:
    """A line on standard error, whatever the names in it hold."""
    sys.stderr.write(f"{on_one_line(text)}\n")


def say_json(values: Mapping[str, object]) -> None:
    """One JSON object on standard output."""
    say(json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False))


def add_command(
    commands: Commands,
    name: str,
    description: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """A command with its help, its notice, and the function that runs it."""
    parser = commands.add_parser(
        name,
        help=description,
        description=description,
        epilog=RESEARCH_NOTICE,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """``--model``, ``--device`` and ``--modality``: which network, where, on what."""
    parser.add_argument(
        "--model", metavar="NAME|PATH", help=f"registered name or folder ({ACTIVE_IN_WORDS})"
    )
    add_device_options(parser)


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """``--device`` and ``--modality``: where a network runs, on what."""
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda[:N]", help="where it runs (auto)"
    )
    parser.add_argument(
        "--modality",
        default="auto",
        choices=("auto", "ct", "xray"),
        help="decides the intensity window; auto asks the file",
    )


def stated_modality(arguments: argparse.Namespace) -> Modality | None:
    """What ``--modality`` says; None leaves it to the file."""
    return None if arguments.modality == "auto" else Modality(arguments.modality)


def check_seed(seed: int) -> None:
    """Refuse a seed that numpy would not take after all the work.

    Raises
    ------
    InputError
        If it is negative.
    """
    if seed < 0:
        raise InputError(f"--seed must be 0 or more, got {seed}; change the option or leave it out")


@contextmanager
def progress_bar(title: str, *, is_quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar on standard error where somebody looks at it; gives what takes the fraction."""
    if is_quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=1.0)
        yield lambda fraction: progress.update(task, completed=fraction)
