"""``tgcnet data``: data sets checked, and data folders made from data sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tgcnet.cli.options import JsonOption, whole_number
from tgcnet.cli.output import progress_bar, say, warn
from tgcnet.errors import InputError

EXIT_ERRORS_FOUND = 1
"""The command did its work, and the data set is not fit to train or to score on."""

_ANY_LAYOUT = (
    "a data set: three columns, QaTa-COV19-v2, LViT, MosMedData+, nnU-Net raw or a ledger; or a "
    "folder of such, as train/ and val/"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataCheckCommand:
    """Find what in a data set would make a result wrong."""

    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=_ANY_LAYOUT)]
    as_json: JsonOption = False
    quick: Annotated[bool, typer.Option("--quick", help="open no image and no mask")] = False
    names: Annotated[
        bool, typer.Option("--names", help="name files, too; their names may name patients")
    ] = False

    def run(self) -> int:
        """1 where an error was found."""
        from tgcnet.cli.data_report import say_report, say_report_json
        from tgcnet.data.check import check_folder

        with progress_bar("Checking", is_quiet=self.as_json) as show:
            report = check_folder(self.folder, is_quick=self.quick, on_progress=show)
        write = say_report_json if self.as_json else say_report
        write(report, with_names=self.names)
        return EXIT_ERRORS_FOUND if report.num_errors else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConvertCommand:
    """Write a data set as images, masks and a table with the columns image, mask and report."""

    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help=_ANY_LAYOUT, show_default=False)
    ] = None
    out: Annotated[
        Path, typer.Option("--out", metavar="NEW", help="a folder that is not there yet")
    ]
    patient_side: Annotated[
        bool,
        typer.Option(
            "--patient-side",
            help="the captions name the half of the image; write the patient's side instead",
        ),
    ] = False
    only: Annotated[
        str | None, typer.Option("--only", metavar="SPLIT", help="take this split alone")
    ] = None
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="A:B[:C]",
            help="divide by subject into train and val, or train, val and test; such as 80:10:10",
        ),
    ] = None
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", parser=whole_number, help="random seed of --split")
    ] = 0
    masks: Annotated[
        str | None,
        typer.Option(
            "--masks", metavar="NAME", help="take the masks of this folder beside masks/ instead"
        ),
    ] = None
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes", metavar="A,B,...", help="names of the masks' values from 1 on, by commas"
        ),
    ] = None
    with_reports: Annotated[
        bool, typer.Option("--with-reports", help="reports and keys leave a ledger, too")
    ] = False
    referring: Annotated[
        Path | None,
        typer.Option(
            "--referring",
            metavar="FOLDER",
            help="instead of FOLDER: take the images of this one whose report names both sides, "
            "and ask for one side at a time",
        ),
    ] = None

    def run(self) -> int:
        """Convert a data set, or make the referring set of one."""
        if self.referring is not None and self.folder is None:
            return self._convert_referring(self.referring)
        if self.folder is None or self.referring is not None:
            raise InputError(
                "data convert takes a FOLDER or --referring FOLDER, expected one of the two; name "
                "the data set to convert"
            )
        from tgcnet.data.convert import ConvertOptions, convert_folder
        from tgcnet.data.splits import parse_division

        division = None if self.split is None else parse_division(self.split, self.seed)
        changes = ConvertOptions(
            only=self.only,
            is_patient_side=self.patient_side,
            division=division,
            masks=self.masks,
            class_names=() if self.classes is None else tuple(self.classes.split(",")),
            with_reports=self.with_reports,
        )
        with progress_bar("Converting", is_quiet=False) as show:
            made = convert_folder(self.folder, self.out, changes, on_progress=show)
        for notice in made.notices:
            warn(notice)
        parts = ", ".join(f"{name} {count:,}" for name, count in made.splits.items())
        say(f"{self.out}: {made.num_rows} rows{f' ({parts})' if parts else ''}")
        return 0

    def _convert_referring(self, folder: Path) -> int:
        from tgcnet.data.referring_set import convert

        given = {
            "--patient-side": self.patient_side,
            "--only": self.only,
            "--split": self.split,
            "--masks": self.masks,
            "--classes": self.classes,
            "--with-reports": self.with_reports,
        }
        without_effect = [option for option, value in given.items() if value]
        if without_effect:
            raise InputError(
                f"--referring makes a set of its own, which {without_effect[0]} does not change; "
                "convert the data set first, then make the referring set of what came out"
            )
        count = convert(folder, self.out)
        say(f"{self.out}: {count} rows")
        return 0
