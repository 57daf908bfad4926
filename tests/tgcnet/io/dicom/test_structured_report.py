"""DICOM Structured Reports to text."""

from pathlib import Path
from typing import Any

import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, XRayRadiationDoseSRStorage

from tgcnet.errors import InputError
from tgcnet.io.report_file import ReportFile, read_report_file

NOBODY = "PHANTOM^NOBODY"


def code(meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = "1", "99TEST", meaning
    return made


def item(kind: str, name: str, relation: str = "CONTAINS", **values: Any) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, kind
    made.ConceptNameCodeSequence = [code(name)]
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


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


def test_the_tree_becomes_lines(tmp_path: Path) -> None:
    findings = item("CONTAINER", "Findings")
    findings.ContentSequence = [
        item("TEXT", "Finding", TextValue="Opacity in the left lower lobe."),
        item("CODE", "Laterality", ConceptCodeSequence=[code("Left")]),
        diameter("31"),
    ]
    impression = item("CONTAINER", "Impression")
    impression.ContentSequence = [item("TEXT", "Conclusion", TextValue="Pneumonia.\r\nFollow up.")]
    found = read(tmp_path, [findings, impression])
    assert found.text == (
        "Findings:\nOpacity in the left lower lobe.\nLaterality: Left\nDiameter: 31 mm\n"
        "Impression:\nPneumonia.\nFollow up."
    )
    assert found.notices == ()


def test_persons_and_context_are_left_out(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        [
            item("PNAME", "Person Observer Name", PersonName=NOBODY),
            item("TEXT", "Observer", "HAS OBS CONTEXT", TextValue="Somebody"),
            item("DATE", "Date", Date="20260101"),
            item("TEXT", "Finding", TextValue="Opacity."),
        ],
    )
    assert found.text == "Opacity."


def test_it_says_whose_it_is(tmp_path: Path) -> None:
    identity = read(tmp_path, [item("TEXT", "Finding", TextValue="Opacity.")]).identity
    assert (identity.patient_id, identity.accession_number) == ("P-1", "A-1")
    assert identity.study_id == "1.2"


def test_a_draft_says_so(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        [item("TEXT", "Finding", TextValue="Opacity.")],
        CompletionFlag="PARTIAL",
        VerificationFlag="UNVERIFIED",
    )
    assert [notice.rpartition("that ")[2] for notice in found.notices] == [
        "it is not complete.",
        "nobody has verified it.",
    ]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"SOPClassUID": XRayRadiationDoseSRStorage}, "is a record of the radiation dose"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "is a DICOM object but no Structured"),
        ({"ContentSequence": []}, "is a Structured Report without text"),
    ],
)
def test_other_objects_are_refused(tmp_path: Path, tags: dict[str, Any], message: str) -> None:
    path = write(tmp_path, [item("TEXT", "Finding", TextValue="Opacity.")], **tags)
    with pytest.raises(InputError, match=rf"^sr\.dcm {message}"):
        read_report_file(path)


def test_a_cut_file_is_text_or_one_sentence_without_the_patient(tmp_path: Path) -> None:
    whole = write(tmp_path, [item("TEXT", "Finding", TextValue="Opacity.")]).read_bytes()
    refusals = []
    for end in range(140, len(whole), 23):
        (tmp_path / "cut.dcm").write_bytes(whole[:end])
        try:
            read_report_file(tmp_path / "cut.dcm")
        except InputError as error:
            refusals.append(str(error))
    assert len(refusals) > 10
    assert not any(NOBODY in sentence for sentence in refusals)


def test_reports_that_others_wrote_are_read() -> None:
    path = get_testdata_file("test-SR.dcm")
    assert isinstance(path, str)
    assert "Text Code: A mass of\nDiameter: 3 cm" in read_report_file(path).text
