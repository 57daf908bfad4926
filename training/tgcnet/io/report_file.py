"""Reports from files: text, DICOM Structured Report, FHIR DiagnosticReport, a cohort's table."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.dicom import check_installed
from tgcnet.io.fhir import read_diagnostic_report
from tgcnet.io.formats import CSV, FHIR, REPORTS, format_of
from tgcnet.io.report_table import About, read_report_table
from tgcnet.io.report_text import (
    MAX_BYTES,
    SURROGATES_REPLACED,
    decode_report,
    without_surrogates,
)

_MARK = b"DICM"
MAX_TABLE_BYTES = 100_000_000
"""A cohort's table holds thousands of reports."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFile:
    """A report as a file holds it.

    Attributes
    ----------
    text : the patient's: never logged
    identity : what the file says of patient and study; nothing, for plain text
    notices : sentences about what was left out or should be known
    """

    text: str = field(repr=False)
    identity: Identity = field(default_factory=Identity)
    notices: tuple[str, ...] = ()


def read_report_file(path: Path | str, *, about: About | None = None) -> ReportFile:
    """Read a report in this process; the content decides how.

    :func:`tgcnet.io.read_report` does the same where no file can harm this process.

    Parameters
    ----------
    path : plain text in any usual encoding; a DICOM Structured Report; a FHIR DiagnosticReport, or
        a Bundle that holds one, as JSON; or a CSV with a row for each study (``.csv``)
    about : the image, by which a row of a table is chosen

    Raises
    ------
    InputError
        If the file cannot be read, is too large, is none of these, or holds no single report for
        this image. The message names the file, never its folder or what stands in it.
    MissingExtraError
        If it is DICOM, and the extra ``dicom`` is not installed.
    """
    path = Path(path).absolute()  # "." has no name that a sentence could say
    is_table = format_of(path, REPORTS) is CSV
    content = _content(path, MAX_TABLE_BYTES if is_table else MAX_BYTES)
    if content[128:132] == _MARK:
        return _structured_report(path)
    if is_table:
        text, identity = read_report_table(content, path.name, about or About())
        return ReportFile(text=text, identity=identity)
    if format_of(path, REPORTS) is FHIR or _is_json(content):
        text, identity, notices = read_diagnostic_report(content, path.name)
        return readable(ReportFile(text=text, identity=identity, notices=notices))
    return ReportFile(text=decode_report(content, path.name))


def readable(report: ReportFile) -> ReportFile:
    """The report without lone surrogates, with a sentence where there were any."""
    text, identity = without_surrogates(report.text), report.identity
    identity = Identity(
        patient_id=without_surrogates(identity.patient_id or "") or None,
        accession_number=without_surrogates(identity.accession_number or "") or None,
        study_id=without_surrogates(identity.study_id or "") or None,
    )
    added = () if text == report.text else (SURROGATES_REPLACED,)
    return replace(report, text=text, identity=identity, notices=(*report.notices, *added))


def needs_parser(path: Path) -> bool:
    """Whether a file is DICOM or JSON, and no plain text or table; False where it cannot be read.

    A parser can be kept busy for minutes by a file that is made to.
    """
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        return False
    return head[128:] == _MARK or format_of(path, REPORTS) is FHIR or _is_json(head)


def _is_json(content: bytes) -> bool:
    """Rich text begins with a brace, too."""
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") and not start.startswith(b"{\\rtf")


def _content(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
        raise InputError(
            f"The report {path.name} cannot be read ({error.strerror or 'refused'}); "
            "give a plain text file."
        ) from None


def _structured_report(path: Path) -> ReportFile:
    check_installed(path.name)
    from tgcnet.io.dicom.structured_report import read_structured_report

    text, identity, notices = read_structured_report(path)
    return readable(ReportFile(text=text, identity=identity, notices=notices))
