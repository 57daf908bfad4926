"""``tgcnet gate``: whether a candidate is worth switching to."""

import argparse
from pathlib import Path

from tgcnet.cli.output import (
    ACTIVE_IN_WORDS,
    Commands,
    add_command,
    add_device_options,
    check_seed,
)
from tgcnet.cli.target import check_writable
from tgcnet.errors import InputError


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "gate",
        "Compare a candidate with the active model and say whether to switch; it switches nothing.",
        run,
    )
    parser.add_argument(
        "--candidate", metavar="NAME|PATH", required=True, help="the model that may become active"
    )
    parser.add_argument(
        "--active", metavar="NAME|PATH", help=f"what it is compared with ({ACTIVE_IN_WORDS})"
    )
    held_out = parser.add_mutually_exclusive_group(required=True)
    held_out.add_argument(
        "--corrections",
        metavar="LEDGER",
        type=Path,
        help="its held-out patients, which neither model was trained on",
    )
    held_out.add_argument(
        "--held-out",
        metavar="FOLDER",
        type=Path,
        help="the same from elsewhere: images/, masks/ and captions.csv; where that has a column "
        "held_out, only the rows that it calls true",
    )
    parser.add_argument(
        "--reference",
        metavar="FOLDER",
        type=Path,
        help="at least 100 earlier images, which must not be forgotten; the same three parts. "
        "Only those are compared on that fine-tuning never trains on",
    )
    parser.add_argument(
        "--whole-reference",
        action="store_true",
        help="compare on all of them: no model was trained on any of it",
    )
    add_device_options(parser)
    parser.add_argument("--seed", default=0, type=int, metavar="N", help="of the bootstrap (0)")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the report there, as JSON")
    parser.add_argument(
        "--scores", metavar="FILE", type=Path, help="write each case's figures there, as JSON"
    )
    parser.add_argument(
        "--record", action="store_true", help="keep the report in the candidate's manifest"
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Compare; 0 whatever comes out of it."""
    from tgcnet.io.atomic import check_outside  # its image libraries take a second

    for option, path in (("--out", arguments.out), ("--scores", arguments.scores)):
        if path is not None:
            check_writable(path, option)
            if arguments.corrections is not None:
                check_outside(path, arguments.corrections, "the ledger of corrections")
    files = [path.resolve() for path in (arguments.out, arguments.scores) if path is not None]
    if len(set(files)) < len(files):
        raise InputError(
            f"--out and --scores are one file, {files[0].name}, expected two; change one of them"
        )
    check_seed(arguments.seed)
    if arguments.whole_reference and arguments.reference is None:
        raise InputError(
            "--whole-reference says how a reference set is read, but there is none; name it with "
            "--reference FOLDER, or leave the option out"
        )
    from tgcnet.cli.gate_run import compare  # needs torch

    compare(arguments)
    return 0
