"""What ``tgcnet data check`` prints, for people and for programs."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

from tgcnet.cli.output import say_json
from tgcnet.data.check import CheckReport, Finding, Severity
from tgcnet.data.check.findings import Found, counted

_SHOWN = 8
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_NUMBERED = re.compile(r"(row|slice) (\d+) of (.+)")


def say_report(report: CheckReport, *, with_names: bool) -> None:
    """A table of figures, then a paragraph a finding."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A sentence is one line wherever it is piped to; what comes out is data, never markup.
    console = Console(markup=False, highlight=False)
    table = Table(show_header=False)
    for name, value in _figures(report).items():
        table.add_row(name, Text(value))
    console.print(table)
    console.print(f"captions SHA-256: {report.captions_sha256}", soft_wrap=True)
    for finding in report.findings:
        line = Text(f"{finding.severity}: ", style=_STYLES[finding.severity])
        line.append(finding.sentence, style="default")
        console.print(line, soft_wrap=True)
        if finding.groups:
            places = groups_in_words(finding.groups, with_names=with_names)
            console.print(f"    {places}", soft_wrap=True)
    counts = {s: sum(f.severity is s for f in report.findings) for s in Severity}
    console.print(", ".join(counted(count, s) for s, count in counts.items()))


def say_report_json(report: CheckReport, *, with_names: bool) -> None:
    """One JSON object, every row of every finding in it."""
    sides = report.sides
    say_json({
        "name": report.name,
        "layout": report.layout,
        "classes": list(report.classes),
        "num_rows": report.num_rows,
        "num_subjects": report.num_subjects,
        "num_captions": report.num_captions,
        "splits": report.splits,
        "captions_sha256": report.captions_sha256,
        "captions_sha256_of_split": report.captions_sha256_of_split,
        "sides": None if sides is None else {**asdict(sides), "convention": str(sides.convention)},
        "num_errors": report.num_errors,
        "findings": [_as_json(finding, with_names) for finding in report.findings],
    })  # fmt: skip


def groups_in_words(groups: Sequence[Sequence[Found]], *, with_names: bool) -> str:
    """The first few of what a finding is about, and how many more there are."""
    shown, num_more = groups[:_SHOWN], len(groups) - _SHOWN
    if all(len(group) == 1 for group in groups) and not with_names:
        words = _joined([group[0].place for group in shown])
    else:
        words = "; ".join(
            " = ".join(_called(found, with_names) for found in group) for group in shown
        )
    return f"{words}{f' and {num_more:,} more' if num_more > 0 else ''}"


def _joined(places: Sequence[str]) -> str:
    """What has one table or one volume together: "rows 3, 17 of captions.csv"."""
    numbers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for place in places:
        match = _NUMBERED.fullmatch(place)
        numbers[(match[1], match[3]) if match else ("", place)].append(match[2] if match else "")
    return "; ".join(
        f"{noun}{'s' if len(same) > 1 else ''} {', '.join(same)} of {where}"
        if noun
        else f"{where}{f' ({len(same)})' if len(same) > 1 else ''}"
        for (noun, where), same in numbers.items()
    )


def _called(found: Found, with_names: bool) -> str:
    return f"{found.place} ({found.name})" if with_names and found.name else found.place


def _figures(report: CheckReport) -> dict[str, str]:
    splits = ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    return {
        "data set": f"{report.name} ({report.layout})",
        "rows": f"{report.num_rows:,}{f' ({splits})' if splits else ''}",
        "subjects": f"{report.num_subjects:,}" if report.num_subjects else "not named",
        "classes": ", ".join(report.classes),
        "different captions": f"{report.num_captions:,}",
    }


def _as_json(finding: Finding, with_names: bool) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "severity": str(finding.severity),
        "sentence": finding.sentence,
        "count": len(finding.groups),
        "groups": [
            [
                {"place": found.place, **({"name": found.name} if with_names else {})}
                for found in group
            ]
            for group in finding.groups
        ],
    }
