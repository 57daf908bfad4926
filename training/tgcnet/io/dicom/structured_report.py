"""DICOM Structured Reports: the content tree as lines of text, and the patient and study."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.decoded import quiet
from tgcnet.io.dicom.elements import PARSER_ERRORS
from tgcnet.io.report_statement import Coded, Qualifiers, combined, role_of, statements

_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_NO_REPORTS = {
    "1.2.840.10008.5.1.4.1.1.88.59": "a selection of key objects",
    "1.2.840.10008.5.1.4.1.1.88.67": "a record of the radiation dose",
    "1.2.840.10008.5.1.4.1.1.88.68": "a record of the radiation dose",
    "1.2.840.10008.5.1.4.1.1.88.40": "a procedure log",
}
_MAX_DEPTH = 50
_CONTEXT, _MODIFIER, _PROPERTY = "HAS OBS CONTEXT", "HAS CONCEPT MOD", "HAS PROPERTIES"

# Language of the item, country of the language, procedure reported: of the report, no finding's.
_ORIGINS = {"121049", "121046", "121058"}
_ORIGIN_NAME = re.compile(r"(?:country of )?language|procedure", re.IGNORECASE)


def read_structured_report(path: Path) -> tuple[str, Identity, tuple[str, ...]]:
    """Text, identity and notices of a Structured Report.

    Texts, codes and measured numbers stand a line each, in the tree's order, below the names of
    their containers, with their side, site, presence and other modifiers. Persons' names, dates,
    references, the language and the procedure are left out.

    Raises
    ------
    InputError
        If it is another DICOM object, damaged, or holds no text.
    """
    try:
        # pydicom's warnings quote what they find wrong, which may be a name.
        with quiet("pydicom"), disable_value_validation():
            dataset = dcmread(path, stop_before_pixels=True)
            kind = str(dataset.get("SOPClassUID", ""))
            _check_kind(kind, path.name)
            lines = list(content_lines(dataset))
            identity = Identity(
                patient_id=_attribute(dataset, "PatientID"),
                accession_number=_attribute(dataset, "AccessionNumber"),
                study_id=_attribute(dataset, "StudyInstanceUID"),
            )
            notices = tuple(_notices(dataset))
    except PARSER_ERRORS as error:
        # "from None": the library's messages quote what they met, which is the patient's.
        raise InputError(
            f"{path.name} cannot be read as a Structured Report, it is damaged "
            f"({type(error).__name__}); export it again or paste its text."
        ) from None
    if not lines:
        raise InputError(
            f"{path.name} is a Structured Report without text, expected findings in words; paste "
            "the report."
        )
    return "\n".join(lines), identity, notices


def _check_kind(kind: str, name: str) -> None:
    if kind in _NO_REPORTS:
        raise InputError(f"{name} is {_NO_REPORTS[kind]}, expected a report in words.")
    if not kind.startswith(_REPORTS):
        raise InputError(
            f"{name} is a DICOM object but no Structured Report; open images as images, and give "
            "the report as text, Structured Report or FHIR."
        )


def _attribute(dataset: Dataset, keyword: str) -> str | None:
    return str(dataset.get(keyword) or "").strip() or None


def _notices(dataset: Dataset) -> Iterator[str]:
    if str(dataset.get("CompletionFlag", "")) == "PARTIAL":
        yield "The Structured Report says that it is not complete."
    if str(dataset.get("VerificationFlag", "")) == "UNVERIFIED":
        yield "The Structured Report says that nobody has verified it."


def content_lines(item: Dataset, depth: int = 0, outer: Qualifiers | None = None) -> Iterator[str]:
    """The lines of a content item and of all below it, in the tree's order.

    Parameters
    ----------
    depth : of the item below the report, whose own name is no line
    outer : what the containers above say of all that stands in them

    Raises
    ------
    ValueError
        If the tree is deeper than any report.
    """
    outer = outer or Qualifiers()
    name, qualifiers = _coded(item, "ConceptNameCodeSequence"), _qualifiers_of(item, depth)
    if str(item.get("ValueType", "")) == "CONTAINER":
        if name.words and depth:
            yield f"{name.words}:"
        yield from qualifiers.details
        outer = qualifiers.within(outer)
    else:
        yield from statements(name, _value(item), qualifiers.within(outer))
    yield from qualifiers.lines
    for child in item.get("ContentSequence") or ():
        if _relation(child) not in (_CONTEXT, _MODIFIER) and not _is_modifier(child):
            yield from content_lines(child, depth + 1, outer)


def _qualifiers_of(item: Dataset, depth: int) -> Qualifiers:
    """What an item's modifiers say of it; of which they have some, too, such as a site its side."""
    if depth > _MAX_DEPTH:
        raise ValueError
    return combined(
        [
            (
                _coded(child, "ConceptNameCodeSequence"),
                _value(child),
                _qualifiers_of(child, depth + 1),
            )
            for child in item.get("ContentSequence") or ()
            if _is_modifier(child)
        ]
    )


def _is_modifier(item: Dataset) -> bool:
    """Many writers state a finding's site and certainty as its properties."""
    relation, name = _relation(item), _coded(item, "ConceptNameCodeSequence")
    if relation == _MODIFIER:
        is_origin = name.codes & _ORIGINS or _ORIGIN_NAME.match(name.words)
        return not is_origin and _value(item) != Coded()
    return relation == _PROPERTY and role_of(name) is not None


def _relation(item: Dataset) -> str:
    return str(item.get("RelationshipType", ""))


def _value(item: Dataset) -> Coded:
    """A text's, a code's or a measurement's words; none of other kinds, such as persons."""
    kind = str(item.get("ValueType", ""))
    if kind == "CODE":
        return _coded(item, "ConceptCodeSequence")
    if kind == "NUM":
        return Coded(words=_measured(item))
    text = str(item.get("TextValue", "")) if kind == "TEXT" else ""
    return Coded(words="\n".join(line.strip() for line in text.splitlines()).strip())


def _measured(item: Dataset) -> str:
    measured = item.get("MeasuredValueSequence")
    if not measured:
        return ""
    value = str(measured[0].get("NumericValue", ""))
    unit = measured[0].get("MeasurementUnitsCodeSequence")
    code = str(unit[0].get("CodeValue", "")) if unit else ""
    return value if code in ("", "1") else f"{value} {code}"


def _coded(item: Dataset, keyword: str) -> Coded:
    found = item.get(keyword)
    if not found:
        return Coded()
    code = str(found[0].get("CodeValue", ""))
    return Coded(words=str(found[0].get("CodeMeaning", "")).strip(), codes=frozenset({code} - {""}))
