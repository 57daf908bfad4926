"""Lines and files of text: the same values are the same bytes as before, and come back."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from tests.compat import messages, phantoms
from tests.compat.conftest import Opened

from tgcnet.cohort.study_record import from_text, to_text
from tgcnet.corrections.sealed import seal
from tgcnet.data.classes import read_classes, write_classes
from tgcnet.engine.protocol import Segment
from tgcnet.engine.wire import decode_event, decode_request, encode
from tgcnet.finetune.compared_masks import ComparedMasks, read_compared, write_compared
from tgcnet.finetune.events import EVENTS_FILE, EventLog, read_events
from tgcnet.finetune.run_data import read_snapshot, write_snapshot
from tgcnet.gate.case_scores import read_scores, write_scores
from tgcnet.gate.report_json import report_from_json, report_to_json, write_report


def lines_of(path: Path) -> list[bytes]:
    """Each with its end."""
    return path.read_bytes().splitlines(keepends=True)


def as_written_now(lines: list[bytes]) -> list[bytes]:
    """Lines of a run's events: the one called "Told" is read as ever, and written "Message"."""
    return [line.replace(b'"event": "Told"', b'"event": "Message"') for line in lines]


def test_requests_of_the_engine(opened: Opened) -> None:
    lines = lines_of(opened("text") / "requests.jsonl")
    assert [encode(request) for request in messages.REQUESTS] == lines
    requests = [decode_request(line) for line in lines]
    assert [encode(request) for request in requests] == lines
    # A volume's affine is an array, which does not compare as one.
    pairs = zip(requests, messages.REQUESTS, strict=True)
    assert all(one == other for one, other in pairs if not isinstance(one, Segment))


def test_answers_of_the_engine(opened: Opened) -> None:
    lines = lines_of(opened("text") / "answers.jsonl")
    assert [encode(answer) for answer in messages.ANSWERS] == lines
    assert tuple(map(decode_event, lines)) == messages.ANSWERS


def test_events_of_a_run(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened("text")
    assert tuple(read_events(before)) == messages.EVENTS
    log, lines = EventLog(tmp_path), lines_of(before / EVENTS_FILE)
    for event, line in zip(messages.EVENTS, lines, strict=True):
        monkeypatch.setattr("time.time", lambda line=line: json.loads(line)["time"])
        log(event)
    monkeypatch.undo()
    assert lines_of(tmp_path / EVENTS_FILE) == as_written_now(lines)


@pytest.mark.parametrize("run", ["20260101-000000-aaaaaa", "20260102-000000-bbbbbb"])
def test_events_of_a_real_run(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    """Read, and written again."""
    log, lines = EventLog(tmp_path), lines_of(opened("runs") / run / EVENTS_FILE)
    for event, line in zip(read_events(opened("runs") / run), lines, strict=True):
        monkeypatch.setattr("time.time", lambda line=line: json.loads(line)["time"])
        log(event)
    monkeypatch.undo()
    assert lines_of(tmp_path / EVENTS_FILE) == as_written_now(lines)


def test_the_snapshot_of_a_run(opened: Opened, tmp_path: Path) -> None:
    run = opened("runs") / "20260101-000000-aaaaaa"
    write_snapshot(tmp_path, read_snapshot(run))
    assert (tmp_path / "run.json").read_bytes() == (run / "run.json").read_bytes()


def test_the_masks_of_a_run(opened: Opened, tmp_path: Path) -> None:
    run, case = opened("runs") / "20260102-000000-bbbbbb", "9a5ccd649d67f51f"
    masks = read_compared(run, case)
    write_compared(tmp_path, case, masks)
    file = f"compared/{case}.safetensors"
    assert (tmp_path / file).read_bytes() == (run / file).read_bytes()
    odd = np.arange(35).reshape(5, 7) % 3 == 0  # no multiple of 8
    write_compared(tmp_path, "odd", {4: ComparedMasks(before=odd, after=~odd)})
    tensors = safetensors.numpy.load_file(tmp_path / "compared" / "odd.safetensors")
    assert tensors["4/before"].tolist() == [146, 73, 36, 146, 64]
    assert tensors["4/after"].tolist() == [109, 182, 219, 109, 160]
    assert tensors["4/shape"].tolist() == [5, 7]


def test_reports_and_scores_of_the_gate(opened: Opened, tmp_path: Path) -> None:
    before = opened("text")
    write_report(phantoms.REPORT, tmp_path / "report.json")
    assert (tmp_path / "report.json").read_bytes() == (before / "report.json").read_bytes()
    values = json.loads((before / "report.json").read_text(encoding="utf-8"))
    assert report_from_json(values) == phantoms.REPORT
    assert json.loads(json.dumps(report_to_json(phantoms.REPORT))) == values
    held_out, reference = read_scores(before / "scores.json")
    assert (held_out.active[1].case, held_out.active[1].dice) == ("01/0", 2 / 3)
    assert (held_out.candidate[0].group, held_out.candidate[0].intersection_px) == ("patient", 15)
    write_scores(tmp_path / "scores.json", held_out, reference)
    assert (tmp_path / "scores.json").read_bytes() == (before / "scores.json").read_bytes()


def test_classes_of_a_data_folder(opened: Opened, tmp_path: Path) -> None:
    before = opened("text")
    classes = (phantoms.INFECTION, phantoms.EFFUSION)
    assert read_classes(before) == classes
    write_classes(classes, tmp_path)
    assert (tmp_path / "classes.json").read_bytes() == (before / "classes.json").read_bytes()


def test_records_of_a_cohort(opened: Opened) -> None:
    for file in sorted((opened("cohort") / "finished" / "studies").glob("*/record.json")):
        text = file.read_text(encoding="utf-8")
        record = from_text(text)
        assert record is not None
        assert to_text(record) == text


@pytest.mark.parametrize("ledger", ["ledger", "corrections"])
def test_sealed_files_of_a_ledger(opened: Opened, ledger: str) -> None:
    files = sorted(opened(ledger).rglob("*.json"))
    assert len(files) == {"ledger": 11, "corrections": 10}[ledger]
    for file in files:
        content = file.read_bytes()
        values = json.loads(content)
        for name in ("schema_version", "notice", "seal_sha256"):
            del values[name]
        assert seal(values) == content
