"""What every command prints with: lines, warnings, JSON and a progress bar."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tgcnet.errors import on_one_line

# As tgcnet.io has it, which is not imported here: its image libraries take a second, help must not.
RESEARCH_NOTICE = "Research use only. Not a medical device."


def say(text: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{text}\n")


class Printer:
    """Prints the progress of work that goes on even after the reader of its output has gone."""

    def __call__(self, text: str) -> None:
        """Print a line at once; once the reader has gone, discard it."""
        try:
            say(text)
            sys.stdout.flush()
        except BrokenPipeError:
            discard_output()


def discard_output() -> None:
    """Discard what comes and what is still buffered, which Python would fail to write at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn(text: str) -> None:
    """A line on standard error; control characters in the names it holds are escaped."""
    sys.stderr.write(f"{on_one_line(text)}\n")


def say_json(values: Mapping[str, object]) -> None:
    """One JSON object on standard output."""
    say(json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False))


@contextmanager
def progress_bar(title: str, *, is_quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal's standard error; yields the function that takes the fraction done."""
    if is_quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=1.0)
        yield lambda fraction: progress.update(task, completed=fraction)
