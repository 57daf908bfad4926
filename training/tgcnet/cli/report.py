"""``tgcnet report``: what is read of a report; torch only where a model is named."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tgcnet.cli.options import JsonOption
from tgcnet.cli.output import say, say_json
from tgcnet.domain import Finding, Report


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportCommand:
    """List the findings that are read of a report."""

    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="a text file, or - for standard input")
    ]
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME|PATH", help="list also what this model's encoder reads of it"
        ),
    ] = None
    as_json: JsonOption = False

    def run(self) -> int:
        """Findings with presence, side and zones, as text or JSON."""
        from tgcnet.io import read_report_text
        from tgcnet.report import read_report

        text = _read_stdin() if self.file == "-" else read_report_text(Path(self.file))
        report = read_report(text)
        read_by_model = None if self.model is None else _read_by(self.model, text)
        if self.as_json:
            values: dict[str, object] = {
                "findings": [_as_json(f) for f in report.findings],
                "language": report.language,
                "notices": notices(report),
                "unread": [list(span) for span in report.unread],
            }
            if read_by_model is not None:
                values["model"] = read_by_model
            say_json(values)
        else:
            _say_findings(report)
            for name, value in (read_by_model or {}).items():
                say(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
        return 0


def _read_stdin() -> str:
    """Bytes, not text: the terminal's encoding is not that of a file that is piped in."""
    from tgcnet.io.report_text import MAX_BYTES, decode_report

    return decode_report(sys.stdin.buffer.read(MAX_BYTES + 1), "on standard input")


def _read_by(model: str, text: str) -> dict[str, object]:
    from tgcnet.inference.predictor import load_predictor

    predictor = load_predictor(model, "cpu")
    reading = predictor.read_report(text)
    return {
        "name": predictor.manifest.name,
        "sentences_kept": list(reading.encoded.sentences_kept),
        "sentences_left_out": list(reading.encoded.sentences_left_out),
        "sentences_past_end": list(reading.encoded.sentences_past_end),
        "words_left_out": list(reading.encoded.words_left_out),
        "words_past_end": list(reading.encoded.words_past_end),
        "segmentable": list(reading.segmentable),
        "not_segmentable": list(reading.not_segmentable),
    }


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "presence": str(finding.presence),
        "side": None if finding.side is None else str(finding.side),
        "zones": list(finding.zones),
        "places": [
            {"side": None if place.side is None else str(place.side), "zones": list(place.zones)}
            for place in finding.places
        ],
        "span": list(finding.span),
    }


def _say_findings(report: Report) -> None:
    for finding in report.findings:
        place = "; ".join(
            ", ".join([*([str(place.side)] if place.side is not None else []), *place.zones])
            for place in finding.places
        )
        say(f"{finding.name}: {finding.presence}{f' ({place})' if place else ''}")
    for sentence in notices(report):
        say(sentence)


def notices(report: Report) -> list[str]:
    """What is to be said of a report in which little or nothing was understood."""
    said = []
    if report.language == "other":
        said.append("This does not look like English; only English reports are read.")
    if not report.findings:
        said.append("No finding that the knowledge base knows is named.")
    return said
