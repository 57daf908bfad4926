"""``tgcnet corrections``: a ledger listed, checked, exported, and filled from a data folder."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tgcnet.cli.output import (
    Commands,
    add_command,
    add_device_options,
    progress_bar,
    say,
    say_json,
    stated_modality,
    warn,
)

EXIT_DAMAGED = 2
"""As bad input: a sentence on standard error for each."""


def register(commands: Commands) -> None:
    """Add the group."""
    parser = add_command(
        commands, "corrections", "List, check, export and import corrections.", _list
    )
    group = parser.add_subparsers(dest="action", required=True, metavar="list|check|export|import")
    listing = add_command(group, "list", "Name every case; no report is printed.", _list)
    check = add_command(group, "check", "Read every file and set damaged cases aside.", _check)
    for command in (listing, check):
        _add_ledger(command)
        command.add_argument("--json", action="store_true", help="print one JSON object")
    export = add_command(group, "export", "Write reviewed slices for other programs.", _export)
    _add_ledger(export)
    export.add_argument(
        "--out", metavar="FOLDER", type=Path, required=True, help="a folder that is not there yet"
    )
    export.add_argument(
        "--format",
        choices=("folder", "nnunet"),
        default="folder",
        help="pictures, masks and captions.csv, or an nnU-Net raw folder (folder)",
    )
    export.add_argument(
        "--with-reports", action="store_true", help="reports and patients' keys leave, too"
    )
    importing = add_command(group, "import", "Save every row of a folder as a case.", _import)
    importing.add_argument(
        "folder", metavar="FOLDER", type=Path, help="holds images/, masks/ and captions.csv"
    )
    importing.add_argument(
        "--to", metavar="LEDGER", type=Path, required=True, help="made where there is none"
    )
    importing.add_argument(
        "--with-model", metavar="NAME|PATH", help="run this model for the masks before correction"
    )
    add_device_options(importing)


def _add_ledger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ledger", metavar="LEDGER", type=Path, help="the folder of a ledger")


def _list(arguments: argparse.Namespace) -> int:
    from tgcnet.corrections import Ledger

    listing = Ledger.open(arguments.ledger).cases()
    if arguments.json:
        say_json({
            "cases": [asdict(case) for case in listing.cases],
            "problems": [asdict(problem) for problem in listing.problems],
        })  # fmt: skip
        return 0
    for problem in listing.problems:
        warn(problem.sentence)
    for case in listing.cases:
        say(_in_words(asdict(case)))
    if not listing.cases:
        say("The ledger has no case yet.")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from tgcnet.corrections import Ledger

    listing = Ledger.open(arguments.ledger).check()
    damaged = [problem for problem in listing.problems if problem.is_damage]
    unread = [problem for problem in listing.problems if not problem.is_damage]
    if arguments.json:
        say_json({
            "num_whole": len(listing.cases),
            "set_aside": [asdict(problem) for problem in damaged],
            "not_read": [asdict(problem) for problem in unread],
        })  # fmt: skip
    else:
        for problem in listing.problems:
            warn(problem.sentence)
        say(
            f"{len(listing.cases)} cases are whole, {len(damaged)} damaged and set aside, "
            f"{len(unread)} could not be read."
        )
    return EXIT_DAMAGED if listing.problems else 0


def _export(arguments: argparse.Namespace) -> int:
    from tgcnet.corrections import Ledger
    from tgcnet.corrections.export_nnunet import export_nnunet
    from tgcnet.corrections.export_three_columns import export_folder

    ledger = Ledger.open(arguments.ledger)
    write = export_folder if arguments.format == "folder" else export_nnunet
    exported = write(ledger, arguments.out, with_reports=arguments.with_reports)
    for problem in exported.problems:
        warn(f"Left out: {problem.sentence}")
    say(f"{arguments.out}: {exported.num_slices} slices of {exported.num_cases} cases.")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from tgcnet.corrections import Ledger
    from tgcnet.data.layouts.three_columns import read_folder
    from tgcnet.data.ledger_import import import_folder

    read_folder(arguments.folder)  # before a model is loaded or a ledger made
    predict = None
    if arguments.with_model is not None:
        from tgcnet.inference.predictor import load_predictor

        predict = load_predictor(arguments.with_model, arguments.device).segment
    ledger = Ledger.create(arguments.to)
    with progress_bar("Importing", is_quiet=False) as show:
        imported = import_folder(
            arguments.folder,
            ledger,
            modality=stated_modality(arguments),
            predict=predict,
            on_progress=show,
        )
    say(f"{arguments.to}: {imported.num_rows} rows in {len(imported.case_ids)} cases.")
    return 0


def _in_words(case: dict[str, Any]) -> str:
    """One line of the list; the fields are those of ``CaseSummary``."""
    num_revisions = case["num_revisions"]
    words = [
        f"{case['case_id']}: saved {case['saved_utc'][:16].replace('T', ' ')} UTC",
        f"{num_revisions} revision{'' if num_revisions == 1 else 's'}",
        f"{len(case['reviewed_slices'])} of {case['num_slices']} slices reviewed",
    ]
    if case["dice_pooled"] is not None:
        words.append(
            f"Dice of {case['model'] or 'the model'} {case['dice_pooled']:.3f} pooled, "
            f"{case['dice_mean']:.3f} mean"
        )
    if case["is_held_out"]:
        words.append("held out")
    return ", ".join(words)
