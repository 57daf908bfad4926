"""``tgcnet data``: data sets checked, and data folders made from data sets."""

import argparse
from pathlib import Path

from tgcnet.cli.output import Commands, add_command, progress_bar, say, warn
from tgcnet.errors import InputError

EXIT_ERRORS_FOUND = 1
"""The command did its work, and the data set is not fit to train or to score on."""

_ANY_LAYOUT = (
    "a data set: three columns, QaTa-COV19-v2, LViT, MosMedData+, nnU-Net raw or a ledger; or a "
    "folder of such, as train/ and val/"
)


def register(commands: Commands) -> None:
    """Add the group."""
    parser = add_command(commands, "data", "Check data sets and make data folders.", _check)
    group = parser.add_subparsers(dest="action", required=True, metavar="check|convert")
    check = add_command(group, "check", "Find what would make a result wrong.", _check)
    check.add_argument("folder", metavar="FOLDER", type=Path, help=_ANY_LAYOUT)
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.add_argument("--quick", action="store_true", help="open no image and no mask")
    check.add_argument(
        "--names", action="store_true", help="name files, too; their names may name patients"
    )
    _add_convert(group)


def _add_convert(group: Commands) -> None:
    convert = add_command(group, "convert", "Make a folder of three columns.", _convert)
    convert.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help=_ANY_LAYOUT)
    convert.add_argument(
        "--out", metavar="NEW", type=Path, required=True, help="a folder that is not there yet"
    )
    convert.add_argument(
        "--patient-side",
        action="store_true",
        help="captions name the half of the image; write the patient's side",
    )
    convert.add_argument("--only", metavar="SPLIT", help="take this split alone")
    convert.add_argument(
        "--split",
        metavar="A:B[:C]",
        help="divide by subject into train and val, or train, val and test; such as 80:10:10",
    )
    convert.add_argument("--seed", default=0, type=int, metavar="N", help="of --split (0)")
    convert.add_argument(
        "--masks", metavar="NAME", help="take the masks of this folder beside masks/ instead"
    )
    convert.add_argument(
        "--classes", metavar="A,B,…", help="names of the masks' values 1, 2, … by commas"
    )
    convert.add_argument(
        "--with-reports", action="store_true", help="reports and keys leave a ledger, too"
    )
    convert.add_argument(
        "--referring",
        metavar="FOLDER",
        type=Path,
        help="instead: its images whose report names both sides, asked for one side only",
    )


def _check(arguments: argparse.Namespace) -> int:
    from tgcnet.cli.data_words import say_report, say_report_json
    from tgcnet.data.check import check_folder

    with progress_bar("Checking", is_quiet=arguments.json) as show:
        report = check_folder(arguments.folder, is_quick=arguments.quick, on_progress=show)
    write = say_report_json if arguments.json else say_report
    write(report, with_names=arguments.names)
    return EXIT_ERRORS_FOUND if report.num_errors else 0


def _convert(arguments: argparse.Namespace) -> int:
    if (arguments.folder is None) == (arguments.referring is None):
        raise InputError(
            "data convert takes a FOLDER or --referring FOLDER, expected one of the two; name the "
            "data set to convert"
        )
    if arguments.referring is not None:
        return _convert_referring(arguments)
    from tgcnet.data.convert import ConvertOptions, convert_folder
    from tgcnet.data.splits import parse_division

    division = None if arguments.split is None else parse_division(arguments.split, arguments.seed)
    options = ConvertOptions(
        only=arguments.only,
        is_patient_side=arguments.patient_side,
        division=division,
        masks=arguments.masks,
        class_names=() if arguments.classes is None else tuple(arguments.classes.split(",")),
        with_reports=arguments.with_reports,
    )
    with progress_bar("Converting", is_quiet=False) as show:
        made = convert_folder(arguments.folder, arguments.out, options, on_progress=show)
    for notice in made.notices:
        warn(notice)
    parts = ", ".join(f"{name} {count:,}" for name, count in made.splits.items())
    say(f"{arguments.out}: {made.num_rows} rows{f' ({parts})' if parts else ''}")
    return 0


def _convert_referring(arguments: argparse.Namespace) -> int:
    from tgcnet.data.referring_set import convert

    given = {
        "--patient-side": arguments.patient_side,
        "--only": arguments.only,
        "--split": arguments.split,
        "--masks": arguments.masks,
        "--classes": arguments.classes,
        "--with-reports": arguments.with_reports,
    }
    in_vain = [option for option, value in given.items() if value]
    if in_vain:
        raise InputError(
            f"--referring makes a set of its own, which {in_vain[0]} does not change; convert the "
            "data set first, then make the referring set of what came out"
        )
    count = convert(arguments.referring, arguments.out)
    say(f"{arguments.out}: {count} rows")
    return 0
