"""The gate's report as JSON: whole there and back, and nothing else is taken for one."""

import json

import pytest
from tests.tgcnet.gate.reports import REPORT

from tgcnet.errors import InputError
from tgcnet.gate.report_json import report_from_json, report_to_json


def test_it_comes_back() -> None:
    assert report_from_json(json.loads(json.dumps(report_to_json(REPORT)))) == REPORT


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 99},
        {"held_out": [1]},
        {"held_out": [{"text": "given"}]},
        {"active": "mini"},
        {"unheard_of": 1},
    ],
)
def test_anything_else_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="no report of the gate that this version reads"):
        report_from_json({**json.loads(json.dumps(report_to_json(REPORT))), **change})


def test_no_object_is_no_report() -> None:
    with pytest.raises(InputError, match="no report of the gate"):
        report_from_json([1])
