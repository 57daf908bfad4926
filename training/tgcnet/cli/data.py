"""``tgcnet data``: data folders made from data folders."""

import argparse
from pathlib import Path

from tgcnet.cli.output import Commands, add_command, say


def register(commands: Commands) -> None:
    """Add the group."""
    parser = add_command(commands, "data", "Make data folders.", _convert)
    group = parser.add_subparsers(dest="action", required=True, metavar="convert")
    convert = add_command(group, "convert", "Make one data folder from another.", _convert)
    convert.add_argument(
        "--referring",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="its images whose report names both sides, asked for one side only",
    )
    convert.add_argument(
        "--out", metavar="FOLDER", type=Path, required=True, help="a folder that is not there yet"
    )


def _convert(arguments: argparse.Namespace) -> int:
    from tgcnet.data.referring import convert

    count = convert(arguments.referring, arguments.out)
    say(f"{arguments.out}: {count} rows")
    return 0
