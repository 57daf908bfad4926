"""DICOM Structured Reports: the content tree's words, and whom it is about."""

from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.decoded import quiet
from tgcnet.io.dicom.elements import PARSER_ERRORS

_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_NO_REPORTS = {
    "1.2.840.10008.5.1.4.1.1.88.59": "a selection of key objects",
    "1.2.840.10008.5.1.4.1.1.88.67": "a record of the radiation dose",
    "1.2.840.10008.5.1.4.1.1.88.68": "a record of the radiation dose",
    "1.2.840.10008.5.1.4.1.1.88.40": "a procedure log",
}
_MAX_DEPTH = 50


def read_structured_report(path: Path) -> tuple[str, Identity, tuple[str, ...]]:
    """Text, identity and notices of a Structured Report.

    Texts, codes and measured numbers stand a line each, in the tree's order, below the names of
    their containers. Persons' names, dates and references are left out.

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
            lines = [line for line in _lines(dataset, 0) if line]
            identity = Identity(
                patient_id=_value(dataset, "PatientID"),
                accession_number=_value(dataset, "AccessionNumber"),
                study_id=_value(dataset, "StudyInstanceUID"),
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


def _lines(item: Dataset, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise ValueError
    name, kind = _meaning(item, "ConceptNameCodeSequence"), str(item.get("ValueType", ""))
    if kind == "CONTAINER":
        yield f"{name}:" if name and depth else ""
    elif kind == "TEXT":
        yield from _named(name, str(item.get("TextValue", "")))
    elif kind == "CODE":
        yield from _named(name, _meaning(item, "ConceptCodeSequence"))
    elif kind == "NUM":
        yield from _named(name, _measured(item))
    # How the item above came about: who observed it, in which language, from which image.
    children = item.get("ContentSequence") or ()
    for child in children:
        if str(child.get("RelationshipType", "")) not in ("HAS OBS CONTEXT", "HAS CONCEPT MOD"):
            yield from _lines(child, depth + 1)


def _named(name: str, value: str) -> Iterator[str]:
    """A line; a name that only says "this is the text" is left out."""
    value = "\n".join(line.strip() for line in value.splitlines()).strip()
    if value and name and name.casefold() not in _PLAIN_NAMES:
        yield f"{name}: {value}"
    elif value:
        yield value


_PLAIN_NAMES = {"finding", "findings", "text", "report", "description", "conclusion"}


def _measured(item: Dataset) -> str:
    measured = item.get("MeasuredValueSequence")
    if not measured:
        return ""
    value = str(measured[0].get("NumericValue", ""))
    unit = measured[0].get("MeasurementUnitsCodeSequence")
    code = str(unit[0].get("CodeValue", "")) if unit else ""
    return value if code in ("", "1") else f"{value} {code}"


def _meaning(item: Dataset, keyword: str) -> str:
    codes = item.get(keyword)
    return str(codes[0].get("CodeMeaning", "")).strip() if codes else ""


def _value(dataset: Dataset, keyword: str) -> str | None:
    return str(dataset.get(keyword) or "").strip() or None


def _notices(dataset: Dataset) -> Iterator[str]:
    if str(dataset.get("CompletionFlag", "")) == "PARTIAL":
        yield "The Structured Report says that it is not complete."
    if str(dataset.get("VerificationFlag", "")) == "UNVERIFIED":
        yield "The Structured Report says that nobody has verified it."
