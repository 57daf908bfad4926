"""Cohorts whose studies fail: which, why, and that the others go on."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.tgcnet.cohort.conftest import (
    REPORT,
    MakeTable,
    Run,
    record_of,
    rows,
    table_of,
    write_image,
)

from tgcnet.domain import Volume
from tgcnet.errors import DeviceError, InputError
from tgcnet.io import load_volume


def test_failures_are_listed_and_passed_over(cohort: MakeTable, run: Run) -> None:
    table = cohort(rows(4))
    (table.parent / "Miller1.png").write_bytes(b"")
    (table.parent / "Miller2.png").write_bytes(b"\x89PNG\r\n\x1a\n half")
    summary = run(table)
    assert (summary.num_done, summary.num_failed) == (2, 2)
    assert [(f.row, f.id, f.error_class) for f in summary.failures] == [
        (3, "s1", "InputError"),
        (4, "s2", "InputError"),
    ]
    assert "the image is empty (0 bytes)" in summary.failures[0].sentence
    assert [row["status"] for row in table_of(run)] == ["done", "failed", "failed", "done"]
    again = run(table)
    assert (again.num_now, again.failures) == (0, summary.failures)
    assert run(table, retries_failed=True).num_now == 2


def test_a_missing_image_fails_alone_until_it_is_there(cohort: MakeTable, run: Run) -> None:
    names = ("Miller-absent.png", "x" * 5000, "Miller0.png/absent.png")
    given = [{"image": name, "id": f"lost{n}", "report": REPORT} for n, name in enumerate(names)]
    table = cohort([*rows(2), *given])
    summary = run(table)
    assert (summary.num_done, summary.num_failed, summary.num_now) == (2, 3, 5)
    assert [failure.error_class for failure in summary.failures] == ["InputError"] * 3
    assert "the image cannot be opened (No such file" in summary.failures[0].sentence
    assert not any("Miller" in failure.sentence for failure in summary.failures)
    assert run(table).num_now == 0
    write_image(table.parent / "Miller-absent.png")
    again = run(table)
    assert (again.num_done, again.num_failed, again.num_now) == (3, 2, 1)


def test_an_image_that_may_not_be_read_fails_alone_until_it_may(
    cohort: MakeTable, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(path: Path, **options: Any) -> Volume:
        if path.name == "Miller1.png":
            raise InputError(f"{path.name} cannot be opened (Permission denied)")
        return load_volume(path, **options)

    table = cohort(rows(3))
    with monkeypatch.context() as refused:
        refused.setattr(os, "access", lambda path, _: path.name != "Miller1.png")
        refused.setattr("tgcnet.cohort.segment_study.load_volume", load)
        summary = run(table)
        assert [failure.id for failure in summary.failures] == ["s1"]
        assert "(Permission denied)" in summary.failures[0].sentence
        assert run(table).num_now == 0
    assert (run(table).num_done, run.predictor.seen) == (3, [(REPORT, None, 0.5)])


def test_a_report_of_another_patient_fails_alone(
    cohort: MakeTable, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(path: Path, **options: Any) -> Volume:
        patient = "P-2" if path.name == "Miller1.png" else "P-1"
        return replace(load_volume(path, **options), patient_id=patient)

    monkeypatch.setattr("tgcnet.cohort.segment_study.load_volume", load)
    given = rows(3)
    table = cohort(given)
    report = {
        "resourceType": "DiagnosticReport",
        "conclusion": REPORT,
        "subject": {"identifier": {"value": "P-1"}},
    }
    (table.parent / "report.json").write_text(json.dumps(report))
    table = cohort([{**row, "report": "", "report_file": "report.json"} for row in given])
    (failure,) = run(table).failures
    assert failure.id == "s1"
    assert "the report and the image differ in patient id, expected" in failure.sentence
    assert run(table).num_now == 0
    report["subject"] = {"identifier": {"value": "P-2"}}
    (table.parent / "report.json").write_text(json.dumps(report))
    summary = run(table)
    assert summary.num_now == 3
    assert [failure.id for failure in summary.failures] == ["s0", "s2"]


def test_a_mask_stays_while_its_image_is_away(cohort: MakeTable, run: Run) -> None:
    table = cohort(rows(3))
    run(table)
    image = table.parent / "Miller1.png"
    away = image.rename(table.parent / "away.png")
    summary = run(table)
    assert (summary.num_done, summary.num_now) == (3, 0)
    away.rename(image)
    assert run(table).num_now == 0


def test_a_mask_of_another_report_does_not_stay_while_its_image_is_away(
    cohort: MakeTable, run: Run
) -> None:
    table = cohort(rows(3))
    run(table)
    given = rows(3)
    given[1]["report"] += " Worse."
    table = cohort(given)
    (table.parent / "Miller1.png").unlink()
    assert [failure.id for failure in run(table).failures] == ["s1"]


def fail_with(run: Run, error: Exception) -> None:
    def fail(_: Volume) -> None:
        if len(run.predictor.seen) == 1:
            raise error

    run.predictor.during = fail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DeviceError("No room for Miller0.png."), "No room for the image."),
        (MemoryError("Unable to allocate"), "memory was used up"),
        (RecursionError("deep"), "A defect of this program (RecursionError)"),
    ],
)
def test_one_study_fails_and_the_run_goes_on(
    cohort: MakeTable, run: Run, error: Exception, words: str
) -> None:
    fail_with(run, error)
    summary = run(cohort(rows(3)))
    assert (summary.num_done, summary.num_failed) == (2, 1)
    assert words in summary.failures[0].sentence
    assert summary.failures[0].error_class == type(error).__name__
    run.predictor.during = lambda _: None
    assert run(cohort(rows(3)), retries_failed=True).num_done == 3


def test_a_defect_leaves_its_place_and_none_of_its_words(cohort: MakeTable, run: Run) -> None:
    fail_with(run, ZeroDivisionError("Miller0.png"))
    run(cohort(rows(1)))
    log = (run.out / "defects.log").read_text(encoding="utf-8")
    assert "Study s0" in log
    assert "in fail" in log
    assert "ZeroDivisionError" in log
    assert "Miller" not in log


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ("No pulmonary infection.", "only as absent or past"),
        ("Pleural effusion.", "only findings that this model was not made for"),
    ],
)
def test_a_report_without_a_target_is_skipped(
    cohort: MakeTable, run: Run, report: str, words: str
) -> None:
    table = cohort([rows(1)[0], {"image": "b.png", "id": "b", "report": report}])
    summary = run(table)
    assert (summary.num_done, summary.num_skipped, summary.num_failed) == (1, 1, 0)
    assert words in record_of(run, "b")["error"]
    assert run(table).num_now == 0
    assert run(table, runs_without_target=True).num_done == 2
    assert run(table).num_done == 2


@pytest.mark.parametrize(
    ("report", "text"), [("", "none"), ("Xylophone.", "unread"), (REPORT, "read")]
)
def test_a_record_says_whether_a_text_was_read(
    cohort: MakeTable, run: Run, report: str, text: str
) -> None:
    run(cohort([{"image": "a.png", "id": "a", "report": report}]))
    assert record_of(run, "a")["text"] == text
    assert (record_of(run, "a")["report_hash"] is None) == (text == "none")


def test_a_stack_in_a_png_is_the_studys_failure(
    cohort: MakeTable, run: Run, tmp_path: Path
) -> None:
    table = cohort([*rows(1), {"image": "stack.tif", "id": "stack", "modality": "ct"}])
    stack = np.zeros((5, 20, 16), np.uint8)
    tifffile.imwrite(tmp_path / "cohort" / "stack.tif", stack, photometric="minisblack")
    summary = run(table, mask_format="png")
    assert summary.num_done == 1
    assert "has 5 slices and a PNG holds one" in summary.failures[0].sentence
