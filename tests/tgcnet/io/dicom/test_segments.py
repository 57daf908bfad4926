"""Codes of segments, against the tables that ship with pydicom."""

from typing import Any

import pytest
from pydicom.sr._concepts_dict import concepts

from tgcnet.io.dicom import segments
from tgcnet.io.dicom.segments import ABNORMAL, codes_for
from tgcnet.report.knowledge import Coded, load_knowledge

NOT_IN_THE_TABLES = {"95436008": "Lung consolidation", "46621007": "Atelectasis"}


def known(one: Coded) -> set[str]:
    """Every meaning that DICOM's tables have for a code."""
    tables: Any = concepts
    return {
        entries[one.value][0] for entries in tables[one.scheme].values() if one.value in entries
    }


@pytest.mark.parametrize(
    "one",
    [
        *load_knowledge().codes.values(),
        *(codes.kind for codes in segments._OTHERS.values()),
        segments.ABNORMAL,
        segments.ANATOMY,
    ],
    ids=lambda one: one.meaning,
)
def test_a_code_means_what_the_standard_says(one: Coded) -> None:
    if one.value in NOT_IN_THE_TABLES:
        assert one.meaning == NOT_IN_THE_TABLES[one.value]
        assert not known(one)
    else:
        assert one.meaning in known(one)


@pytest.mark.parametrize("name", ["Ground-glass opacity", "ground glass  opacity"])
def test_a_name_is_known_however_it_is_written(name: str) -> None:
    assert codes_for(name).kind.value == "112120"
    assert codes_for(name).category is ABNORMAL


def test_an_unknown_name_is_an_abnormal_structure() -> None:
    assert codes_for("something else").kind is ABNORMAL


def test_an_organ_is_no_abnormal_structure() -> None:
    assert codes_for("lung").category.meaning == "Anatomical Structure"


@pytest.mark.parametrize(
    ("code", "scheme", "value"),
    [
        ("SCT:50960005", "SCT", "50960005"),
        ("50960005", "SCT", "50960005"),
        ("RADLEX:RID1", "RADLEX", "RID1"),
    ],
)
def test_a_class_s_own_code_wins(code: str, scheme: str, value: str) -> None:
    found = codes_for("mass", code)
    assert (found.kind.scheme, found.kind.value, found.kind.meaning) == (scheme, value, "mass")
    assert found.category is ABNORMAL
