"""The command line, ``tgcnet``: one module a command group, torch only in those that need it."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from tgcnet import __version__
from tgcnet.cli import (
    cohort,
    corrections,
    data,
    demo,
    evaluate,
    finetune,
    gate,
    models,
    report,
    segment,
    train,
)
from tgcnet.cli.output import RESEARCH_NOTICE, discard_output, warn
from tgcnet.errors import TgcnetError, on_one_line

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_NOBODY_READS = 141  # as a shell tells of a process that SIGPIPE ended

_GROUPS = (
    segment, cohort, evaluate, train, finetune, gate, models, corrections, data, report, demo,
)  # fmt: skip

_TAKES_NEGATIVE = ("--slices", "--window")
_NEGATIVE = re.compile(r"-[\d.:]")


class _Parser(argparse.ArgumentParser):
    """Answers a wrong option with one sentence, as every other bad input is answered."""

    def error(self, message: str) -> NoReturn:
        sentence = on_one_line(f"{self.prog}: {message}; see {self.prog} --help")
        self.exit(EXIT_BAD_INPUT, f"{sentence}\n")


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = _Parser(
        prog="tgcnet",
        description="Segment medical images by what their report says.",
        epilog=RESEARCH_NOTICE,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tgcnet {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in _GROUPS:
        group.register(commands)
    return parser


def join_negative_values(arguments: Sequence[str]) -> list[str]:
    """``--window -600/1500`` as ``--window=-600/1500``: argparse would look for an option -6."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _TAKES_NEGATIVE and _NEGATIVE.match(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a user can mend is one sentence and exit 2, a defect a traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    parsed = build_parser().parse_args(join_negative_values(given))
    try:
        status: int = parsed.run(parsed)
        sys.stdout.flush()
    except TgcnetError as error:
        warn(f"tgcnet: {error}")
        return EXIT_BAD_INPUT
    except MemoryError:
        warn(
            "tgcnet: this machine's memory is used up; close other programs, ask for fewer slices "
            "or take a smaller image."
        )
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        warn("tgcnet: stopped before the end; no file was left half-written.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        discard_output()  # whoever read it, such as head, has enough
        return EXIT_NOBODY_READS
    return status
