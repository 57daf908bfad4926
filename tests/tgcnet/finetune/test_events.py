"""What a run tells: written whole, read as far as it is whole, whatever lies in between."""

import json
import sys
import time
from pathlib import Path

import pytest
from tests.tgcnet.gate.reports import REPORT

from tgcnet.errors import InputError, OutputError
from tgcnet.finetune.events import (
    EVENTS_FILE,
    Begun,
    Compared,
    Comparing,
    Done,
    Event,
    EventLog,
    Failed,
    Message,
    Prepared,
    Scored,
    SliceCompared,
    Stepped,
    Stopped,
    TimedEvent,
    Written,
    in_words,
    read_events,
    read_timed,
)

BEGUN = Begun(
    parent="mini", num_new=3, num_earlier=1, num_reference=20, num_measured=100, num_held_out=2,
    total_steps=9, cache_bytes=2**20, device="cpu", process_id=7,
)  # fmt: skip
SLICE = SliceCompared(case_id="0" * 16, z=2, dice_before=0.4, dice_after=0.6)
EVERY_KIND = (
    BEGUN,
    Prepared(done=1, total=2),
    Stepped(step=10, total=20, loss=0.5, seconds_left=60.0),
    Scored(epoch=1, step=10, dice_pooled=0.5, dice_mean=0.4),
    Message(sentence="Ä"),
    Written(model="m"),
    Comparing(fraction=0.5),
    Compared(report=REPORT, slices=(SLICE,)),
    Done(model="m"),
    Stopped(sentence="s"),
    Failed(sentence="f"),
)


def test_every_kind_comes_back(tmp_path: Path) -> None:
    for event in EVERY_KIND:
        EventLog(tmp_path)(event)
    assert read_events(tmp_path) == list(EVERY_KIND)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (BEGUN, "20 reference images replayed and 100 measured"),
        (EVERY_KIND[2], "Step 10 of 20: loss 0.500, 1.0 min left."),
        (Stepped(step=11, total=20, loss=0.5, seconds_left=60.0), None),
        (Comparing(fraction=0.5), None),
        (EVERY_KIND[7], "The gate does not recommend the candidate. Because."),
    ],
)
def test_what_a_person_reads(event: Event, words: str | None) -> None:
    said = in_words(event)
    assert said is None if words is None else words in str(said)


def test_events_are_read_from_where_one_was_and_only_whole(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    assert read_timed(tmp_path) == ([], 0)
    before_s = time.time()
    log(Message(sentence="Ä begins"))
    [first], offset = read_timed(tmp_path)
    assert first.event == Message(sentence="Ä begins")
    assert before_s <= first.time_s <= time.time()
    with (tmp_path / EVENTS_FILE).open("a") as file:
        file.write('{"event": "FromTomorrow", "time": 1}\n{"event": "Do')
    assert read_timed(tmp_path, offset)[0] == []
    with (tmp_path / EVENTS_FILE).open("a") as file:
        file.write('ne", "time": 1, "model": "m"}\n')
    [done], offset = read_timed(tmp_path, offset)
    assert done == TimedEvent(time_s=1.0, event=Done(model="m"))
    log(Done(model="n"))
    assert [one.event for one in read_timed(tmp_path, offset)[0]] == [Done(model="n")]
    lines = (tmp_path / EVENTS_FILE).read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_a_line_torn_by_a_kill_hides_nothing_that_a_resumed_run_tells(tmp_path: Path) -> None:
    EventLog(tmp_path)(Message(sentence="before"))
    path = tmp_path / EVENTS_FILE
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole + whole[:length])
        _, offset = read_timed(tmp_path)  # a window that watched until the kill
        EventLog(tmp_path)(Message(sentence="after"))
        EventLog(tmp_path)(Done(model="m"))
        after = [Message(sentence="after"), Done(model="m")]
        # All but the end of its line may have been written: then it is a line after all.
        again = [Message(sentence="before")] * (1 + (length >= len(whole) - 1))
        assert read_events(tmp_path) == again + after
        seen_before = 1 + (length == len(whole))
        seen = [one.event for one in read_timed(tmp_path, offset)[0]]
        assert seen == (again + after)[seen_before:]


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "FromTomorrow", "time": 1}',
        b'{"event": "Done", "time": 1, "model": "m", "unheard_of": 1}',
        b'{"event": "Done", "time": 1}',
        b'{"event": "Done", "model": "m"}',
        b'{"event": "Compared", "time": 1, "report": {}, "slices": []}',
        b'{"event": ["Done"], "time": 1}',
        b"[1, 2]",
        b"\0\0\0\0",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_line_of_something_else_is_skipped(tmp_path: Path, line: bytes) -> None:
    EventLog(tmp_path)(Message(sentence="before"))
    with (tmp_path / EVENTS_FILE).open("ab") as file:
        file.write(line + b"\n")
    EventLog(tmp_path)(Done(model="m"))
    assert read_events(tmp_path) == [Message(sentence="before"), Done(model="m")]


def test_a_line_separator_in_a_sentence_is_no_end_of_a_line(tmp_path: Path) -> None:
    event = Message(sentence="one\u2028two\nthree")
    EventLog(tmp_path)(event)
    assert read_events(tmp_path) == [event]
    assert len((tmp_path / EVENTS_FILE).read_bytes().splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_is_a_sentence_that_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / EVENTS_FILE).symlink_to("/dev/full")
    with pytest.raises(OutputError, match="the disk is full") as caught:
        EventLog(tmp_path)(Message(sentence="one"))
    assert str(tmp_path) not in str(caught.value)


def test_events_that_cannot_be_read_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / EVENTS_FILE).mkdir()
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_events(tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_the_file_is_lines_of_json_with_their_time(tmp_path: Path) -> None:
    EventLog(tmp_path)(Done(model="m"))
    [line] = (tmp_path / EVENTS_FILE).read_text(encoding="utf-8").splitlines()
    values = json.loads(line)
    assert values.pop("time") > 1e9
    assert values == {"event": "Done", "model": "m"}


def test_messages_of_earlier_versions_are_read(tmp_path: Path) -> None:
    line = '{"event": "Told", "time": 1, "sentence": "No reference set."}\n'
    (tmp_path / EVENTS_FILE).write_text(line)
    assert read_events(tmp_path) == [Message(sentence="No reference set.")]
    EventLog(tmp_path)(Message(sentence="s"))
    assert json.loads((tmp_path / EVENTS_FILE).read_text().splitlines()[1])["event"] == "Message"
