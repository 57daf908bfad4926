"""FHIR DiagnosticReport (R4, R5) as JSON: its text, and whom it is about."""

import base64
import binascii
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.fhir_observations import observed
from tgcnet.io.fhir_resources import Resource, Resources, concept_of, dicts, text_of
from tgcnet.io.report_text import decode_report

_STUDY_SYSTEM = "urn:dicom:uid"
_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"}
_DRAFTS = {"registered", "partial", "preliminary", "entered-in-error", "cancelled"}


def read_diagnostic_report(content: bytes, name: str) -> tuple[str, Identity, tuple[str, ...]]:
    """Text, identity and notices of a DiagnosticReport, or of the only one in a Bundle.

    The text is the plain-text form that is presented; where there is none the narrative, else the
    values of the observations; and the conclusion, where the text does not hold it already: in
    words or, beside neither form nor narrative, as codes.

    Raises
    ------
    InputError
        If it is no such resource, or the report has no text.
    """
    resources = Resources(content, name)
    reports = [one for one in resources.own if one.get("resourceType") == "DiagnosticReport"]
    if len(reports) != 1:
        raise InputError(
            f"{name} holds {len(reports) or 'no'} FHIR DiagnosticReports, expected one; export the "
            "one of this study."
        )
    report = reports[0]
    text, num_left_out = _presented(report, name) or _narrative(report), 0
    conclusion = text_of(report.get("conclusion")).strip()
    if not text:
        text, num_left_out = observed(report, resources)
        # Beside a text the codes would only say it again, and without its places.
        conclusion = conclusion or _coded_conclusion(report)
    if conclusion and conclusion not in text:
        text = f"{text}\n\nConclusion:\n{conclusion}".strip()
    if not text:
        raise InputError(
            f"{name} is a DiagnosticReport without text that can be read (a PDF is not), expected "
            "a plain-text form, a narrative or a conclusion; paste the report."
        )
    return text, _identity(report, resources), tuple(_notices(report, num_left_out))


def _presented(report: Resource, name: str) -> str:
    forms = [
        _decoded(form, name)
        for form in dicts(report.get("presentedForm"))
        if text_of(form.get("contentType")).partition(";")[0].strip() in ("text/plain", "")
        and isinstance(form.get("data"), str)
    ]
    return "\n\n".join(form.strip() for form in forms if form.strip())


def _decoded(form: Resource, name: str) -> str:
    try:
        content = base64.b64decode(form["data"], validate=True)
    except (binascii.Error, ValueError):
        raise InputError(
            f"{name} is damaged: its presented form is not base64; export it again."
        ) from None
    return decode_report(content, name)


def _narrative(report: Resource) -> str:
    narrative = report.get("text")
    div = narrative.get("div") if isinstance(narrative, dict) else None
    return _plain(div) if isinstance(div, str) else ""


def _coded_conclusion(report: Resource) -> str:
    words = (concept_of(one).words for one in dicts(report.get("conclusionCode")))
    return "\n".join(one for one in words if one)


def _identity(report: Resource, resources: Resources) -> Identity:
    studies = list(_studies(report, resources))
    numbered = [
        *dicts(report.get("identifier")),
        *_orders(report, resources),
        *(one for given, _ in studies for one in given),
        *(one for _, study in studies if study for one in _orders(study, resources)),
    ]
    given = (one for identifiers, _ in studies for one in identifiers)
    return Identity(
        patient_id=_only_value(_records(report, resources)),
        accession_number=_only_value([one for one in numbered if "ACSN" in _codes(one)]),
        study_id=_only_value([one for one in given if one.get("system") == _STUDY_SYSTEM]),
    )


def _records(report: Resource, resources: Resources) -> list[Resource]:
    """A patient may have many numbers; the medical record's is the one that images carry."""
    subject = report.get("subject")
    given = _identifiers(subject, resources.referenced(subject, report))
    return [one for one in given if "MR" in _codes(one)] or (given if len(given) == 1 else [])


def _orders(resource: Resource, resources: Resources) -> list[Resource]:
    """Identifiers of what a report or a study was ordered by."""
    return [
        identifier
        for reference in dicts(resource.get("basedOn"))
        for identifier in _identifiers(reference, resources.referenced(reference, resource))
    ]


def _studies(
    report: Resource, resources: Resources
) -> Iterator[tuple[list[Resource], Resource | None]]:
    """Of each imaging study its identifiers, and itself; R4 names them so, R5 ``study``."""
    for reference in (*dicts(report.get("imagingStudy")), *dicts(report.get("study"))):
        study = resources.referenced(reference, report)
        yield _identifiers(reference, study), study


def _identifiers(reference: object, resource: Resource | None) -> list[Resource]:
    """Those of a resource, and the one that stands in the reference itself."""
    inline = reference.get("identifier") if isinstance(reference, dict) else None
    return [*dicts(resource.get("identifier") if resource else None), *dicts(inline)]


def _only_value(identifiers: list[Resource]) -> str | None:
    given = (text_of(one.get("value")).strip().removeprefix("urn:oid:") for one in identifiers)
    values = set(given) - {""}
    return values.pop() if len(values) == 1 else None


def _codes(identifier: Resource) -> frozenset[str]:
    return frozenset().union(*(concept_of(one).codes for one in dicts(identifier.get("type"))))


def _notices(report: Resource, num_left_out: int) -> Iterator[str]:
    status = text_of(report.get("status"))
    if status in _DRAFTS:
        yield f"The report's status is {status!r}: it is not final."
    if num_left_out:
        yield (
            f"{num_left_out} of the report's observations have no value that is words or a number, "
            "or are withdrawn; they are left out."
        )


class _Words(HTMLParser):
    """Collects a narrative's words; blocks begin a line."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._num_silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._num_silent += tag in ("script", "style")
        self.parts.append("\n" if tag in _BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self._num_silent -= tag in ("script", "style") and self._num_silent > 0
        self.parts.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._num_silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def _plain(markup: str) -> str:
    words = _Words()
    words.feed(markup)
    words.close()
    lines = (line.strip() for line in "".join(words.parts).splitlines())
    return "\n".join(line for line in lines if line)
