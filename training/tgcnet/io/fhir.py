"""FHIR DiagnosticReport (R4, R5) as JSON: its text, and whom it is about."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.report_text import decode_report

Resource = Mapping[str, Any]

_STUDY_SYSTEM = "urn:dicom:uid"
_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"}
_DRAFTS = {"registered", "partial", "preliminary", "entered-in-error", "cancelled"}


def read_diagnostic_report(content: bytes, name: str) -> tuple[str, Identity, tuple[str, ...]]:
    """Text, identity and notices of a DiagnosticReport, or of the only one in a Bundle.

    The text is the plain-text form that is presented; where there is none the narrative, else the
    values of the observations; and the conclusion, where the text does not hold it already.

    Raises
    ------
    InputError
        If it is no such resource, or the report has no text.
    """
    resources = _resources(content, name)
    reports = [one for one in resources if one.get("resourceType") == "DiagnosticReport"]
    if len(reports) != 1:
        raise InputError(
            f"{name} holds {len(reports) or 'no'} FHIR DiagnosticReports, expected one; export the "
            "one of this study."
        )
    report = reports[0]
    everything = [*resources, *_dicts(report.get("contained"))]
    text = _presented(report, name) or _narrative(report) or _observations(report, everything)
    conclusion = _text(report.get("conclusion")).strip()
    if conclusion and conclusion not in text:
        text = f"{text}\n\nConclusion:\n{conclusion}".strip()
    if not text:
        raise InputError(
            f"{name} is a DiagnosticReport without text that can be read (a PDF is not), expected "
            "a plain-text form, a narrative or a conclusion; paste the report."
        )
    return text, _identity(report, everything), _notices(report)


def _resources(content: bytes, name: str) -> list[Resource]:
    try:
        parsed = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise InputError(
            f"{name} is damaged JSON, expected a FHIR DiagnosticReport; export it again."
        ) from None
    if not isinstance(parsed, dict):
        raise InputError(f"{name} is JSON of another kind, expected a FHIR DiagnosticReport.")
    entries = [entry.get("resource") for entry in _dicts(parsed.get("entry"))]
    return [parsed, *(one for one in entries if isinstance(one, dict))]


def _presented(report: Resource, name: str) -> str:
    forms = [
        _decoded(form, name)
        for form in _dicts(report.get("presentedForm"))
        if _text(form.get("contentType")).partition(";")[0].strip() in ("text/plain", "")
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


def _observations(report: Resource, everything: list[Resource]) -> str:
    found = (_referenced(reference, everything) for reference in _dicts(report.get("result")))
    lines = (_observed(one) for one in found if one is not None)
    return "\n".join(line for line in lines if line)


def _observed(observation: Resource) -> str:
    value = observation.get("valueString") or _concept(observation.get("valueCodeableConcept"))
    name = _concept(observation.get("code"))
    return f"{name}: {value}" if name and value else _text(value)


def _identity(report: Resource, everything: list[Resource]) -> Identity:
    subject = report.get("subject")
    patient = _referenced(subject, everything) if isinstance(subject, dict) else None
    given = _dicts(patient.get("identifier")) if patient else []
    if isinstance(subject, dict) and isinstance(subject.get("identifier"), dict):
        given = [*given, subject["identifier"]]
    # A patient may have many numbers; the medical record's is the one that images carry.
    records = [one for one in given if "MR" in _codes(one)] or (given if len(given) == 1 else [])
    orders = [
        identifier
        for reference in _dicts(report.get("basedOn"))
        for order in (_referenced(reference, everything),)
        for identifier in (
            *_dicts(order.get("identifier") if order else None),
            *([reference["identifier"]] if isinstance(reference.get("identifier"), dict) else []),
        )
    ]
    numbered = [*_dicts(report.get("identifier")), *orders]
    return Identity(
        patient_id=_only_value(records),
        accession_number=_only_value([one for one in numbered if "ACSN" in _codes(one)]),
        study_id=_only_value(list(_study_identifiers(report, everything))),
    )


def _study_identifiers(report: Resource, everything: list[Resource]) -> Iterator[Resource]:
    """Of the imaging studies: R4 names them ``imagingStudy``, R5 ``study``."""
    references = [*_dicts(report.get("imagingStudy")), *_dicts(report.get("study"))]
    for reference in references:
        study = _referenced(reference, everything)
        inline = reference.get("identifier")
        given = _dicts(study.get("identifier")) if study else []
        for one in [*given, *([inline] if isinstance(inline, dict) else [])]:
            if one.get("system") == _STUDY_SYSTEM:
                value = _text(one.get("value")).removeprefix("urn:oid:")
                yield {**one, "value": value}


def _referenced(reference: Resource, everything: list[Resource]) -> Resource | None:
    target = _text(reference.get("reference"))
    kind, _, ident = target.removeprefix("#").rpartition("/")
    kind = kind.rpartition("/")[2]
    return next(
        (
            one
            for one in everything
            if ident and one.get("id") == ident and kind in ("", one.get("resourceType"))
        ),
        None,
    )


def _only_value(identifiers: list[Resource]) -> str | None:
    values = {_text(one.get("value")).strip() for one in identifiers} - {""}
    return values.pop() if len(values) == 1 else None


def _codes(identifier: Resource) -> set[str]:
    kinds = _dicts(identifier.get("type"))
    return {_text(one.get("code")) for kind in kinds for one in _dicts(kind.get("coding"))}


def _concept(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    shown = (_text(one.get("display")) for one in _dicts(value.get("coding")))
    return _text(value.get("text")) or next(filter(None, shown), "")


def _notices(report: Resource) -> tuple[str, ...]:
    status = _text(report.get("status"))
    if status in _DRAFTS:
        return (f"The report's status is {status!r}: it is not final.",)
    return ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: object) -> list[Resource]:
    """A list's objects; one that stands alone counts as a list, as lenient writers have it."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


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
