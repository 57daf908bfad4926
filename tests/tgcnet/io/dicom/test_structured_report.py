"""DICOM Structured Reports to text."""

from pathlib import Path
from typing import Any

import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import XRayRadiationDoseSRStorage
from tests.tgcnet.io.dicom.sr_items import NOBODY, code, diameter, item, read, write

from tgcnet.errors import InputError
from tgcnet.io.report_file import read_report_file


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
