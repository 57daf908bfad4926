"""What ``tgcnet gate`` does once its options are right; needs torch."""

import argparse
from collections.abc import Sequence
from pathlib import Path

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
from tgcnet.corrections import Ledger
from tgcnet.data.slices import SliceToScore, folder_slices, held_out_slices
from tgcnet.domain import Change, GateReport
from tgcnet.errors import InputError
from tgcnet.inference.predictor import Predictor, load_predictor
from tgcnet.runs.report import report_to_json
from tgcnet.train.gate import judge
from tgcnet.train.gate_report import keep_in_lineage, write_report
from tgcnet.train.gate_scores import PairedScores, write_scores
from tgcnet.train.gate_scoring import score_both
from tgcnet.weights.registry import find_model

_TABLE_WIDTH = 110


def compare_models(arguments: argparse.Namespace) -> None:
    """Score both models on both sets, judge, write what was asked for, print."""
    held_out = _held_out(arguments)
    reference = _slices(arguments.reference, arguments)
    active = load_predictor(arguments.active, arguments.device)
    candidate = load_predictor(arguments.candidate, arguments.device)
    _check_pair(active, candidate, is_recorded=arguments.record)

    def scored(title: str, slices: Sequence[SliceToScore]) -> PairedScores:
        with progress_bar(title, is_quiet=arguments.json) as show:
            return score_both(active, candidate, slices, on_progress=show)

    on_held_out = scored("Held-out corrections", held_out)
    on_reference = scored("Reference set", reference) if reference else None
    report = judge(
        on_held_out,
        on_reference,
        active=active.manifest.identity,
        candidate=candidate.manifest.identity,
        seed=arguments.seed,
    )
    if arguments.scores is not None:
        write_scores(arguments.scores, on_held_out, on_reference)
    if arguments.out is not None:
        write_report(report, arguments.out)
    if arguments.record:
        keep_in_lineage(report, find_model(arguments.candidate))
    if arguments.json:
        say_json(report_to_json(report))
    else:
        _print_report(report)


def _held_out(arguments: argparse.Namespace) -> tuple[SliceToScore, ...]:
    if arguments.corrections is None:
        return _slices(arguments.held_out, arguments)
    ledger = Ledger.open(arguments.corrections)
    return held_out_slices(ledger, lambda problem: warn(f"Left out: {problem.sentence}"))


def _slices(folder: Path | None, arguments: argparse.Namespace) -> tuple[SliceToScore, ...]:
    return () if folder is None else folder_slices(folder, stated_modality(arguments))


def _check_pair(active: Predictor, candidate: Predictor, *, is_recorded: bool) -> None:
    """Refuse before minutes of scoring what could not be used after them."""
    if active.manifest.sha256 == candidate.manifest.sha256:
        raise InputError(
            f"--candidate {candidate.manifest.name!r} has the same weights as the model it is "
            f"compared with, {active.manifest.name!r}; expected two models. Name another one as "
            "--candidate or as --active."
        )
    if is_recorded and candidate.manifest.lineage is None:
        raise InputError(
            f"--record: the manifest of {candidate.manifest.name!r} names no parent, so there is "
            "no lineage to keep a report in. Write it to a file: --out FILE."
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
