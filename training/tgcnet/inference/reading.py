"""What a model can make of a report.  No torch here: command line and panel show it."""

from dataclasses import dataclass

from tgcnet.domain import EncodedText, Presence, Report

_CLAIMED = (Presence.PRESENT, Presence.UNCERTAIN)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportReading:
    """A report beside what one model can do with it; whoever runs the model asks first.

    Attributes
    ----------
    segmentable : findings said to be there, or possibly there, that the model was made for
    not_segmentable : those it was not made for
    only_absent : findings are named, and every one of them is denied or a matter of the past
    """

    report: Report
    encoded: EncodedText
    segmentable: tuple[str, ...] = ()
    not_segmentable: tuple[str, ...] = ()
    only_absent: bool = False

    @property
    def has_no_target(self) -> bool:
        """Findings are named, and none of them is one to segment."""
        return bool(self.report.findings) and not self.segmentable


def weigh_report(
    report: Report, encoded: EncodedText, model_findings: tuple[str, ...]
) -> ReportReading:
    """Sort a report's findings by whether a model was made for them.

    Parameters
    ----------
    model_findings : names, as in the knowledge base, from the model's manifest
    """
    claimed = dict.fromkeys(f.name for f in report.findings if f.presence in _CLAIMED)
    return ReportReading(
        report=report,
        encoded=encoded,
        segmentable=tuple(name for name in claimed if name in model_findings),
        not_segmentable=tuple(name for name in claimed if name not in model_findings),
        only_absent=bool(report.findings) and not claimed,
    )
