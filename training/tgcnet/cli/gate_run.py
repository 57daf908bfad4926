"""What ``tgcnet gate`` does once its options are right; needs torch."""

import argparse

from rich.console import Console
from rich.table import Table

from tgcnet.cli.output import (
    RESEARCH_NOTICE,
    progress_bar,
    say,
    say_json,
    stated_modality,
    warn,
)
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
from tgcnet.domain import Change, GateReport
from tgcnet.errors import InputError
from tgcnet.finetune.reference_set import MEASURED_LEFT_OUT, rows_apart
from tgcnet.gate.compare_models import check_pair, compare_models
from tgcnet.gate.report_json import report_to_json
from tgcnet.inference.predictor import load_predictor
from tgcnet.weights.manifest import Manifest
from tgcnet.weights.registry import find_model

_TABLE_WIDTH = 110


def compare(arguments: argparse.Namespace) -> None:
    """Compare, write what was asked for, print."""
    held_out = _held_out(arguments)
    active = load_predictor(arguments.active, arguments.device)
    candidate = load_predictor(arguments.candidate, arguments.device)
    check_pair(active, candidate)
    if arguments.record:
        _check_lineage(candidate.manifest)
    reference = _reference(arguments, candidate.manifest.preprocess)
    with progress_bar("Comparing", is_quiet=arguments.json) as show:
        result = compare_models(
            active,
            candidate,
            held_out=held_out,
            reference=reference,
            seed=arguments.seed,
            on_progress=show,
        )
    result.write(
        report=arguments.out,
        scores=arguments.scores,
        candidate=find_model(arguments.candidate) if arguments.record else None,
    )
    if arguments.json:
        say_json(report_to_json(result.report))
    else:
        _print_report(result.report)


def _held_out(arguments: argparse.Namespace) -> tuple[SliceToScore, ...]:
    if arguments.corrections is None:
        rows = held_out_rows(arguments.held_out)
        return nameless_slices(rows, "held-out", stated_modality(arguments))
    ledger = Ledger.open(arguments.corrections)
    return held_out_slices(ledger, lambda problem: warn(f"Left out: {problem.sentence}"))


def _reference(
    arguments: argparse.Namespace, preprocess: PreprocessConfig
) -> tuple[SliceToScore, ...]:
    if arguments.reference is None:
        return ()
    read = read_folder if arguments.whole_reference else measured_part
    rows, modality = read(arguments.reference), stated_modality(arguments)
    if arguments.corrections is not None:
        ledger = Ledger.open(arguments.corrections)
        apart = rows_apart(rows, ledger, preprocess, modality, lambda problem: None)
        if len(apart) < len(rows):
            warn(MEASURED_LEFT_OUT.format(len(rows) - len(apart)))
        rows = apart
    return nameless_slices(rows, "reference", modality)


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
