"""``tgcnet corrections``: a ledger listed, checked, exported, and filled from a data folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tgcnet.cli.options import DeviceOption, JsonOption, ModalityOption, modality_of
from tgcnet.cli.output import progress_bar, say, say_json, warn

EXIT_DAMAGED = 2
"""As bad input: a sentence on standard error for each."""

LedgerArgument = Annotated[Path, typer.Argument(metavar="LEDGER", help="the folder of a ledger")]


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionsListCommand:
    """Name every case; no report is printed."""

    ledger: LedgerArgument
    as_json: JsonOption = False

    def run(self) -> int:
        """Problems on standard error, one line a case on standard output."""
        from tgcnet.corrections import Ledger

        listing = Ledger.open(self.ledger).cases()
        if self.as_json:
            say_json({
                "cases": [asdict(case) for case in listing.cases],
                "problems": [asdict(problem) for problem in listing.problems],
            })  # fmt: skip
            return 0
        for problem in listing.problems:
            warn(problem.sentence)
        for case in listing.cases:
            say(_case_line(asdict(case)))
        if not listing.cases:
            say("The ledger has no case yet.")
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionsCheckCommand:
    """Read every file and set damaged cases aside."""

    ledger: LedgerArgument
    as_json: JsonOption = False

    def run(self) -> int:
        """2 where a case is damaged or cannot be read."""
        from tgcnet.corrections import Ledger

        listing = Ledger.open(self.ledger).check()
        damaged = [problem for problem in listing.problems if problem.is_damage]
        unread = [problem for problem in listing.problems if not problem.is_damage]
        if self.as_json:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionsExportCommand:
    """Write reviewed slices for other programs."""

    ledger: LedgerArgument
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="a folder that is not there yet")
    ]
    export_format: Annotated[
        Literal["folder", "nnunet"],
        typer.Option("--format", help="pictures, masks and captions.csv, or an nnU-Net raw folder"),
    ] = "folder"
    with_reports: Annotated[
        bool, typer.Option("--with-reports", help="reports and patients' keys leave, too")
    ] = False

    def run(self) -> int:
        """Name on standard error what is left out."""
        from tgcnet.corrections import Ledger
        from tgcnet.corrections.export_nnunet import export_nnunet
        from tgcnet.corrections.export_three_columns import export_folder

        ledger = Ledger.open(self.ledger)
        write = export_folder if self.export_format == "folder" else export_nnunet
        exported = write(ledger, self.out, with_reports=self.with_reports)
        for problem in exported.problems:
            warn(f"Left out: {problem.sentence}")
        say(f"{self.out}: {exported.num_slices} slices of {exported.num_cases} cases.")
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionsImportCommand:
    """Save every row of a folder as a case."""

    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="holds images/, masks/ and captions.csv")
    ]
    to: Annotated[Path, typer.Option("--to", metavar="LEDGER", help="made where there is none")]
    with_model: Annotated[
        str | None,
        typer.Option(
            "--with-model",
            metavar="NAME|PATH",
            help="run this model for the masks before correction",
        ),
    ] = None
    device: DeviceOption = "auto"
    modality: ModalityOption = "auto"

    def run(self) -> int:
        """Refuse a damaged folder before a model is loaded or a ledger made."""
        from tgcnet.corrections import Ledger
        from tgcnet.data.layouts.three_columns import read_folder
        from tgcnet.data.ledger_import import import_folder

        read_folder(self.folder)
        predict = None
        if self.with_model is not None:
            from tgcnet.inference.predictor import load_predictor

            predict = load_predictor(self.with_model, self.device).segment
        ledger = Ledger.create(self.to)
        with progress_bar("Importing", is_quiet=False) as show:
            imported = import_folder(
                self.folder,
                ledger,
                modality=modality_of(self.modality),
                predict=predict,
                on_progress=show,
            )
        say(f"{self.to}: {imported.num_rows} rows in {len(imported.case_ids)} cases.")
        return 0


def _case_line(case: dict[str, Any]) -> str:
    """One line of the list; the keys are those of ``CaseSummary``."""
    num_revisions = case["num_revisions"]
    parts = [
        f"{case['case_id']}: saved {case['saved_utc'][:16].replace('T', ' ')} UTC",
        f"{num_revisions} revision{'' if num_revisions == 1 else 's'}",
        f"{len(case['reviewed_slices'])} of {case['num_slices']} slices reviewed",
    ]
    if case["dice_pooled"] is not None:
        parts.append(
            f"Dice of {case['model'] or 'the model'} {case['dice_pooled']:.3f} pooled, "
            f"{case['dice_mean']:.3f} mean"
        )
    if case["is_held_out"]:
        parts.append("held out")
    return ", ".join(parts)
