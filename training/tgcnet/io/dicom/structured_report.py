"""DICOM Structured Reports: the content tree's words, and whom it is about."""

from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from tgcnet.domain import Identity
from tgcnet.errors import InputError
from tgcnet.io.decoded import quiet
from tgcnet.io.dicom.content_items import content_lines
from tgcnet.io.dicom.elements import PARSER_ERRORS

_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_NO_REPORTS = {
    "1.2.840.10008.5.1.4.1.1.88.59": "a selection of key objects",
    "1.2.840.10008.5.1.4.1.1.88.67": "a record of the radiation dose",
    "1.2.840.10008.5.1.4.1.1.88.68": "a record of the radiation dose",
    "1.2.840.10008.5.1.4.1.1.88.40": "a procedure log",
}


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


def _value(dataset: Dataset, keyword: str) -> str | None:
    return str(dataset.get(keyword) or "").strip() or None


def _notices(dataset: Dataset) -> Iterator[str]:
    if str(dataset.get("CompletionFlag", "")) == "PARTIAL":
        yield "The Structured Report says that it is not complete."
    if str(dataset.get("VerificationFlag", "")) == "UNVERIFIED":
        yield "The Structured Report says that nobody has verified it."
