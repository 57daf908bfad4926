"""Content items of Structured Reports, and files of them."""

from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian

from tgcnet.io.report_file import ReportFile, read_report_file

NOBODY = "PHANTOM^NOBODY"


def code(meaning: str, value: str = "1") -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, "99TEST", meaning
    return made


def item(kind: str, name: str, relation: str = "CONTAINS", **values: Any) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, kind
    made.ConceptNameCodeSequence = [code(name)]
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def coded(name: str, value: str, relation: str = "CONTAINS", *below: Dataset) -> Dataset:
    made = item("CODE", name, relation, ConceptCodeSequence=[code(value)])
    made.ContentSequence = list(below)
    return made


def modifier(name: str, value: str, *below: Dataset) -> Dataset:
    return coded(name, value, "HAS CONCEPT MOD", *below)


def diameter(value: str) -> Dataset:
    unit, measured = code("millimeter"), Dataset()
    unit.CodeValue = "mm"
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, [unit]
    return item("NUM", "Diameter", MeasuredValueSequence=[measured])


def write(tmp_path: Path, content: list[Dataset], **tags: Any) -> Path:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = BasicTextSRStorage, "1.2.3"
    made.PatientName, made.PatientID, made.AccessionNumber = NOBODY, "P-1", "A-1"
    made.StudyInstanceUID, made.ValueType = "1.2", "CONTAINER"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "VERIFIED"
    made.ConceptNameCodeSequence, made.ContentSequence = [code("Chest X-ray report")], content
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    made.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    return tmp_path / "sr.dcm"


def read(tmp_path: Path, content: list[Dataset], **tags: Any) -> ReportFile:
    return read_report_file(write(tmp_path, content, **tags))
