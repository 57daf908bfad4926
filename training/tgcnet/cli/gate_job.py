"""What ``tgcnet gate`` does once its options are right; needs torch."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tgcnet.cli.output import RESEARCH_NOTICE, progress_bar, say, say_json, warn
from tgcnet.config import PreprocessConfig
from tgcnet.corrections import Ledger
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.reference_split import measured_part
from tgcnet.data.slices_to_score import (
    SliceToScore,
    held_out_rows,
    held_out_slices,
    nameless_slices,
)
from tgcnet.domain import Change, GateReport, Modality
from tgcnet.errors import InputError
from tgcnet.finetune.reference_set import MEASURED_LEFT_OUT, rows_apart
from tgcnet.gate.compare_models import check_pair, compare_models
from tgcnet.gate.report_json import report_to_json
from tgcnet.inference.predictor import load_predictor
from tgcnet.weights.manifest import Manifest
from tgcnet.weights.registry import find_model

_TABLE_WIDTH = 110


@dataclass(frozen=True, kw_only=True, slots=True)
class GateJob:
    """One comparison, and the files that it writes.

    Attributes
    ----------
    active : None is the active model
    corrections, held_out : one of the two
    modality : None leaves it to the files
    """

    candidate: str
    active: str | None
    corrections: Path | None
    held_out: Path | None
    reference: Path | None
    whole_reference: bool
    device: str
    modality: Modality | None
    seed: int
    out: Path | None
    scores: Path | None
    record: bool
    as_json: bool

    def run(self) -> None:
        """Compare, write what was asked for, print."""
        held_out = self._read_held_out()
        active = load_predictor(self.active, self.device)
        candidate = load_predictor(self.candidate, self.device)
        check_pair(active, candidate)
        if self.record:
            _check_lineage(candidate.manifest)
        reference = self._read_reference(candidate.manifest.preprocess)
        with progress_bar("Comparing", is_quiet=self.as_json) as show:
            result = compare_models(
                active,
                candidate,
                held_out=held_out,
                reference=reference,
                seed=self.seed,
                on_progress=show,
            )
        result.write(
            report=self.out,
            scores=self.scores,
            candidate=find_model(self.candidate) if self.record else None,
        )
        if self.as_json:
            say_json(report_to_json(result.report))
        else:
            _print_report(result.report)

    def _read_held_out(self) -> tuple[SliceToScore, ...]:
        if self.corrections is not None:
            ledger = Ledger.open(self.corrections)
            return held_out_slices(ledger, lambda problem: warn(f"Left out: {problem.sentence}"))
        rows = () if self.held_out is None else held_out_rows(self.held_out)
        return nameless_slices(rows, "held-out", self.modality)

    def _read_reference(self, preprocess: PreprocessConfig) -> tuple[SliceToScore, ...]:
        if self.reference is None:
            return ()
        read = read_folder if self.whole_reference else measured_part
        rows = read(self.reference)
        if self.corrections is not None:
            ledger = Ledger.open(self.corrections)
            apart = rows_apart(rows, ledger, preprocess, self.modality, lambda problem: None)
            if len(apart) < len(rows):
                warn(MEASURED_LEFT_OUT.format(len(rows) - len(apart)))
            rows = apart
        return nameless_slices(rows, "reference", self.modality)


def _check_lineage(candidate: Manifest) -> None:
    """Refuse before minutes of scoring what could not be kept after them."""
    if candidate.lineage is None:
        raise InputError(
            f"--record: the manifest of {candidate.name!r} names no parent, so there is no lineage "
            "to keep a report in. Write it to a file: --out FILE."
        )


def _print_report(report: GateReport) -> None:
    table = Table("set", "text", "cases", "patients", "figure", "active", "candidate", "change")
    for title, comparisons in (("held-out", report.held_out), ("reference", report.reference)):
        for entry in comparisons:
            counts = (title, entry.text, str(entry.num_cases), str(entry.num_patients))
            table.add_row(*counts, "dice_mean", *_cells(entry.dice_mean))
            table.add_row("", "", "", "", "dice_pooled", *_cells(entry.dice_pooled))
    say(f"Active: {report.active.name}. Candidate: {report.candidate.name}.")
    Console(width=_TABLE_WIDTH).print(table)
    for reason in report.reasons:
        say(f"- {reason}")
    say(f"{'Recommended' if report.recommended else 'Not recommended'}: {report.candidate.name}.")
    say("Nothing was switched; only a person does that: tgcnet models activate NAME.")
    say(RESEARCH_NOTICE)


def _cells(change: Change) -> tuple[str, str, str]:
    interval = f"{change.low:+.3f} to {change.high:+.3f}"
    return (
        f"{change.before:.3f}",
        f"{change.after:.3f}",
        f"{change.difference:+.3f} ({interval})",
    )
