"""Cohorts on one machine: results, what is done again and what is not, what stops a run."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.cohort.conftest import (
    REPORT,
    TERMS,
    MakeTable,
    Run,
    record_of,
    rows,
    table_of,
    task_of,
    write_image,
)

from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.journal import End, read_journal
from tgcnet.cohort.manifest import Study
from tgcnet.cohort.segment_study import segment_study
from tgcnet.cohort.task import Verdict, make_task
from tgcnet.domain import Identity, Volume
from tgcnet.errors import InputError, OutputError
from tgcnet.io.keyed_hash import KeyedHasher
from tgcnet.io.process_lock import running
from tgcnet.io.report_key import report_provenance


def ends(run: Run) -> list[tuple[str, End]]:
    return sorted((e.study, e.end) for e in read_journal(run.out / "journal") if e.end)


def test_every_study_gets_a_mask_and_a_record(cohort: MakeTable, run: Run) -> None:
    table = cohort(rows(3))
    summary = run(table, mask_format="png", threshold=0.25)
    assert (summary.num_studies, summary.num_done, summary.num_now) == (3, 3, 3)
    record = record_of(run, "s1")
    mask = np.asarray(Image.open(run.out / "studies" / "s1" / record["mask"]))
    image = np.asarray(Image.open(table.parent / "Miller1.png"))
    np.testing.assert_array_equal(mask, image > 255 * 0.25)
    assert record["status"] == "done"
    assert record["voxels"] == record["voxels_by_class"]["infection"] == np.count_nonzero(mask)
    assert (record["slices"], record["device"], record["threshold"]) == ([0, 1], "cpu", 0.25)
    assert record["notices"][-1] == "Nothing ran out of memory."
    assert record["notice"] == "Research use only. Not a medical device."
    assert [row["mask"] for row in table_of(run)] == [f"studies/s{n}/mask.png" for n in range(3)]
    assert run.predictor.seen == [(REPORT, None, 0.25)] * 3
    text = Image.open(run.out / "studies" / "s0" / "mask.png").info
    (comment,) = text.values()
    assert (
        json.loads(comment)["report_hmac_sha256"] == report_provenance(REPORT)["report_hmac_sha256"]
    )


def test_nothing_that_is_written_names_a_patient(cohort: MakeTable, run: Run) -> None:
    table = cohort([*rows(2), {"image": "Miller7.png", "id": "broken", "report": REPORT}])
    (table.parent / "Miller7.png").write_bytes(b"no image")
    run(table)
    written = "".join(
        path.read_text(encoding="utf-8", errors="replace") + str(path.relative_to(run.out))
        for path in run.out.rglob("*")
        if path.is_file()
    )
    assert "Miller" not in written
    assert "infection, lower" not in written
    assert str(table.parent) not in written
    assert "the image is damaged" in record_of(run, "broken")["error"]


def test_hashes_need_the_folders_key(cohort: MakeTable, run: Run, tmp_path: Path) -> None:
    table = cohort(rows(1))
    run(table)
    first = record_of(run, "s0")
    elsewhere = Run(tmp_path / "other", run.predictor)
    elsewhere(table)
    for name in ("fingerprint", "report_hash"):
        assert record_of(elsewhere, "s0")[name] != first[name]
    assert (run.out / "key").stat().st_mode & 0o077 == 0


def test_what_is_done_stays(cohort: MakeTable, run: Run) -> None:
    table = cohort(rows(3))
    run(table)
    before = (run.out / "studies" / "s2" / "record.json").stat().st_mtime_ns
    summary = run(table)
    assert (summary.num_done, summary.num_now, run.predictor.seen) == (3, 0, [])
    assert (run.out / "studies" / "s2" / "record.json").stat().st_mtime_ns == before


def test_a_row_that_names_nobody_is_hashed_as_ever() -> None:
    """Else every mask of a folder that was begun before would be made anew."""
    study = Study(row=2, id="a", image=Path("a.png"), named="a.png", report="Left.")
    task = make_task(study, KeyedHasher(key=b"k" * 32), TERMS)
    assert task.row_hash == "927b910843d6e7574f022a5e363ca8be"
    assert task.report_hash == "18be8d5176da425b1042b6b24cba64df"


def test_a_row_that_names_a_patient_is_hashed_as_ever() -> None:
    study = Study(
        row=2, id="a", image=Path("a.png"), named="a.png", report="Left.",
        identity=Identity(patient_id="P1"), slices=slice(1, 3),
    )  # fmt: skip
    task = make_task(study, KeyedHasher(key=b"k" * 32), TERMS)
    assert task.row_hash == "207b27b282a1079d4541e8e9d97b6a6f"


def test_a_new_row_is_done_and_a_removed_one_leaves_the_table(cohort: MakeTable, run: Run) -> None:
    run(cohort(rows(2)))
    assert run(cohort(rows(3))).num_now == 1
    assert run(cohort(rows(1))).num_studies == 1
    assert len(table_of(run)) == 1
    assert record_of(run, "s2")["status"] == "done"


@pytest.mark.parametrize(
    "what",
    [
        "report", "slices", "modality", "image", "time",
        "patient_id", "accession_number", "study_id",
    ],
)  # fmt: skip
def test_a_changed_row_is_done_again(cohort: MakeTable, run: Run, what: str) -> None:
    given = rows(3)
    image = cohort(given).parent / "Miller1.png"
    run(cohort(given))
    before = record_of(run, "s1")
    if what == "image":
        write_image(image, seed=99)
    elif what == "time":
        os.utime(image, (1, 1))
    else:
        value = {"report": REPORT + " Worse.", "slices": "0:1", "modality": "xray"}
        given[1] = {**given[1], what: value.get(what, "Miller")}
    assert run(cohort(given)).num_now == 1
    after = record_of(run, "s1")
    assert after["fingerprint"] != before["fingerprint"]
    assert after["attempt"] != before["attempt"]
    assert "Miller" not in json.dumps(after)


def test_a_series_is_done_again_where_a_file_of_it_changed(
    cohort: MakeTable, run: Run, tmp_path: Path
) -> None:
    series = tmp_path / "cohort" / "Miller"
    series.mkdir(parents=True)
    (series / "1.dcm").write_bytes(b"one")
    table = cohort([{"image": "Miller", "id": "s0"}])
    assert run(table).num_failed == 1
    assert "Miller" not in record_of(run, "s0")["error"]
    assert run(table).num_now == 0
    (series / "2.dcm").write_bytes(b"two")
    assert run(table).num_now == 1


@pytest.mark.parametrize("damage", ["mask", "lost mask", "record", "lost record", "foreign mask"])
def test_a_damaged_study_is_done_again(cohort: MakeTable, run: Run, damage: str) -> None:
    table = cohort(rows(2))
    run(table)
    study = run.out / "studies" / "s1"
    mask, record = study / "mask.nii.gz", study / "record.json"
    whole = mask.read_bytes()
    if damage == "mask":
        mask.write_bytes(whole[:-1])
    elif damage == "record":
        record.write_text(record.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    elif damage == "foreign mask":
        values = record_of(run, "s1") | {"mask": "../s0/mask.nii.gz"}
        record.write_text(json.dumps(values), encoding="utf-8")
    else:
        (mask if damage == "lost mask" else record).unlink()
    summary = run(table)
    assert (summary.num_done, summary.num_now) == (2, 1)
    assert mask.stat().st_size == len(whole)
    assert run(table).num_now == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [({"threshold": 0.4}, "at threshold 0.4 as .nii.gz"), ({"mask_format": "tiff"}, "as .tif")],
)
def test_a_folder_holds_masks_of_one_kind(
    cohort: MakeTable, run: Run, options: dict[str, Any], words: str
) -> None:
    table = cohort(rows(2))
    run(table)
    with pytest.raises(InputError, match="holds masks of model 'mini'") as refused:
        run(table, **options)
    assert words in str(refused.value)
    assert run(table).num_now == 0


def test_a_stopped_run_leaves_whole_studies_and_a_table(cohort: MakeTable, run: Run) -> None:
    def stop(_: Volume) -> None:
        if len(run.predictor.seen) == 3:
            raise KeyboardInterrupt

    run.predictor.during = stop
    with pytest.raises(KeyboardInterrupt):
        run(cohort(rows(4)))
    assert [row["status"] for row in table_of(run)] == ["done", "done", "open", "open"]
    assert sorted(path.name for path in (run.out / "studies").iterdir()) == ["s0", "s1"]
    assert ("s2", End.BROKEN_OFF) in ends(run)
    run.predictor.during = lambda _: None
    assert run(cohort(rows(4))).num_now == 2


def test_a_full_disk_stops_the_run_and_not_each_study(
    cohort: MakeTable, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OutputError("mask.nii.gz was not written, the disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr("tgcnet.cohort.segment_study.save_labels", full)
        with pytest.raises(OutputError, match="the disk is full"):
            run(cohort(rows(3)))
    assert len(run.predictor.seen) == 1
    assert list((run.out / "unfinished").iterdir()) == []
    assert run(cohort(rows(3))).num_done == 3


def test_two_runs_in_one_folder_are_refused(cohort: MakeTable, run: Run) -> None:
    run.out.mkdir()
    with running(run.out), pytest.raises(InputError, match="out is the folder of a run that is"):
        run(cohort(rows(1)))


def test_a_late_twin_changes_nothing(cohort: MakeTable, run: Run) -> None:
    """Dask may give a study to another worker while the first still works on it."""
    table = cohort(rows(1))

    def overtake(_: Volume) -> None:
        run.predictor.during = lambda _: None
        twin = segment_study(task_of(table, run.out), run.predictor, CohortFolder(run.out))
        assert (twin.verdict, twin.is_late) == (Verdict.RECORDED, False)

    run.predictor.during = overtake
    assert run(table).num_done == 1
    assert ends(run) == [("s0", End.LATE), ("s0", End.PUBLISHED)]
    (first,) = [e.attempt for e in read_journal(run.out / "journal") if e.end == End.PUBLISHED]
    assert record_of(run, "s0")["attempt"] == first
    assert list((run.out / "unfinished").iterdir()) == []


def test_what_a_worker_of_an_older_run_publishes_is_removed(cohort: MakeTable, run: Run) -> None:
    """The row has changed since that run was stopped, and its worker did not hear of it."""
    table = cohort(rows(1))
    run.out.mkdir()
    older = task_of(table, run.out)
    table = cohort([{**rows(1)[0], "report": REPORT + " Worse."}])

    def come_late(_: Volume) -> None:
        run.predictor.during = lambda _: None
        segment_study(older, run.predictor, CohortFolder(run.out))

    run.predictor.during = come_late
    assert run(table).num_done == 1
    assert run.predictor.seen[-1][0] == REPORT + " Worse."
    assert record_of(run, "s0")["fingerprint"] != older.fingerprint
    assert run(table).num_now == 0


def begin_and_die(run: Run, times: int) -> None:
    journal = run.out / "journal"
    journal.mkdir(exist_ok=True)
    for number in range(times):
        line = {"utc": "", "study": "s1", "attempt": f"died{number}", "end": None, "pid": 1}
        text = json.dumps(line) + '\n{"utc": "", "stu'  # it died in the next line
        (journal / f"dead{number}.jsonl").write_text(text, encoding="utf-8")


def test_a_study_that_always_kills_its_process_is_given_up(cohort: MakeTable, run: Run) -> None:
    table = cohort(rows(3))
    run(cohort(rows(1)))
    begin_and_die(run, times=3)
    table = cohort(rows(3))
    summary = run(table)
    assert (summary.num_done, summary.num_failed) == (2, 1)
    assert summary.failures[0].error_class == "ProcessDied"
    assert "died 3 times" in summary.failures[0].sentence
    assert End.BROKEN_OFF not in {end for _, end in ends(run)}
    assert len(run.predictor.seen) == 1
    assert run(table, retries_failed=True).num_done == 3


def test_a_study_that_killed_its_process_twice_gets_another_chance(
    cohort: MakeTable, run: Run
) -> None:
    run(cohort(rows(1)))
    begin_and_die(run, times=2)
    assert run(cohort(rows(3))).num_done == 3


def test_what_dead_processes_left_is_swept(cohort: MakeTable, run: Run) -> None:
    run(cohort(rows(1)))
    for name in ("removed-1234567890ab", "foreign"):
        (run.out / "unfinished" / name).mkdir()
        (run.out / "unfinished" / name / "mask.nii.gz").write_bytes(b"half")
    run(cohort(rows(1)))
    assert [path.name for path in (run.out / "unfinished").iterdir()] == ["foreign"]
