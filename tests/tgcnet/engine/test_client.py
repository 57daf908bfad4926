"""The client against a child that is real but for its models (``fake_child``)."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tgcnet.engine.client import EngineClient
from tgcnet.engine.protocol import (
    Cancelled,
    Died,
    Failed,
    Finished,
    Loaded,
    Notice,
    Progress,
    Ready,
    ReportRead,
    SliceDone,
    Starting,
)
from tgcnet.engine.wire import encode
from tgcnet.errors import EngineError

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the fake child is started by a shell script; looks into /proc"
)


def test_importing_the_client_loads_no_heavy_library() -> None:
    heavy = {"torch", "qtpy", "napari", "PySide6", "PyQt6", "tgcnet.models", "tgcnet.inference"}
    code = (
        "import sys, threading, tgcnet.engine.client\n"
        f"assert not {heavy!r} & set(sys.modules), {heavy!r} & set(sys.modules)\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_start_is_answered_by_starting_and_then_ready(client, events) -> None:
    request = client.start()
    starting = events.until(Starting)
    ready = events.until(Ready)
    assert starting.process_id == client.process_id
    assert ready.request == request
    assert [device.name for device in ready.devices] == ["cpu"]
    assert ready.models[0].classes[0].colour == (255, 0, 0)
    assert all(name.startswith("tgcnet-engine") for name in events.threads)


def test_a_client_that_was_never_used_starts_nothing(client, child_process_ids) -> None:
    before = child_process_ids()
    client.close()
    client.close()
    assert child_process_ids() == before


def test_a_report_is_read(client, events) -> None:
    request = client.read_report("Left. Right.\nUnten, Ödem.", model="quick")
    read = events.until(ReportRead)
    assert (read.request, read.sentences_left_out) == (request, ("Unten, Ödem",))


def test_a_segmentation_arrives_slice_by_slice(client, events, volume) -> None:
    request = client.segment(volume, model="slow", slices=(1, 5), threshold=np.float64(0.25))
    view = client.labels_view(request)
    assert not view.any()
    for z in range(1, 5):
        assert events.until(SliceDone, request).z == z
        np.testing.assert_array_equal(view[z], volume.array[z] > 0)
    finished = events.until(Finished, request)
    assert not view[0].any()
    assert not view[5].any()
    assert (finished.slices_done, finished.device) == (4, "cpu")
    assert [e.sentence for e in events.seen if isinstance(e, Notice)] == [
        "dtype int16, threshold 0.25"
    ]
    assert len([e for e in events.seen if isinstance(e, Loaded)]) == 1
    assert [e.done for e in events.seen if isinstance(e, Progress)] == [1, 2, 3, 4]


def test_blocks_go_when_they_are_not_needed_and_views_stay(
    client, events, volume, blocks, wait_until
) -> None:
    before = blocks()
    request = client.segment(volume, model="quick")
    assert len(blocks() - before) == 2
    events.until(Finished)
    assert len(blocks() - before) == 1  # the image went with the answer
    view = client.labels_view(request)
    client.release(request)
    client.release(request)
    assert blocks() <= before
    assert view.sum() == (volume.array > 0).sum()
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    with pytest.raises(EngineError, match=f"Request {request} has no labels"):
        client.labels_view(request)


def test_cancel_stops_in_mid_run_and_keeps_what_was_done(client, events, make_volume) -> None:
    volume = make_volume(depth=200)
    request = client.segment(volume, model="slow")
    events.until(SliceDone, request)
    client.cancel(request)
    cancelled = events.until(Cancelled, request)
    assert 1 <= cancelled.slices_done < 100
    view = client.labels_view(request)
    assert np.flatnonzero(view.any(axis=(1, 2))).tolist() == list(range(cancelled.slices_done))
    client.cancel(request)  # answered already
    client.cancel(999)
    client.describe()
    events.until(Ready)


def test_cancel_reaches_a_request_that_waits(client, events, make_volume) -> None:
    first = client.segment(make_volume(depth=200), model="slow")
    second = client.segment(make_volume(), model="slow")
    events.until(SliceDone, first)
    client.cancel(second)
    client.cancel(first)
    assert events.until(Cancelled, first).slices_done > 0
    assert events.until(Cancelled, second).slices_done == 0


@pytest.mark.parametrize(
    ("model", "code", "says"),
    [
        ("slow", -signal.SIGKILL, "killed (signal 9), most probably"),
        ("segfaulting", -signal.SIGSEGV, "signal 11 (SIGSEGV)"),
        ("exiting", 7, "exit code 7"),
    ],
)
def test_a_dead_child_is_one_event_and_the_next_request_has_a_fresh_one(
    client, events, make_volume, model, code, says, blocks
) -> None:
    before = blocks()
    request = client.segment(make_volume(depth=200), model=model)
    waiting = client.read_report("One.", model="quick")
    if model == "slow":
        events.until(SliceDone, request)
        os.kill(client.process_id, signal.SIGKILL)
    died = events.until(Died)
    assert died.exit_code == code
    assert says in died.sentence
    assert died.requests == (request, waiting)
    assert client.process_id is None
    assert len(blocks() - before) == 1  # the labels, whose finished slices are still good
    assert client.labels_view(request).any() == (model == "slow")
    again = client.read_report("Two.", model="quick")
    assert events.until(ReportRead).request == again
    assert len([e for e in events.seen if isinstance(e, Died)]) == 1
    assert len([e for e in events.seen if isinstance(e, Starting)]) == 2


def test_a_child_that_dies_idle_is_an_event_too(client, events) -> None:
    client.start()
    events.until(Ready)
    os.kill(client.process_id, signal.SIGTERM)
    died = events.until(Died)
    assert (died.exit_code, died.requests) == (-signal.SIGTERM, ())
    client.cancel(1)
    assert client.process_id is None  # a Cancel is no reason to start one


def test_an_interpreter_that_is_none_is_an_event(events, tmp_path, volume, blocks) -> None:
    before = blocks()
    client = EngineClient(events, python=str(tmp_path / "none"), log_file=tmp_path / "log")
    request = client.segment(volume, model="quick")
    failed = events.until(Failed)
    assert (failed.request, failed.kind) == (request, "EngineError")
    assert "cannot be started" in failed.sentence
    client.close()
    assert blocks() <= before


def test_libraries_that_cannot_be_imported_are_an_event(events, tmp_path, log_file) -> None:
    python = tmp_path / "python-without-torch"
    code = (
        "import sys; sys.modules['tgcnet.engine.backend'] = None; "
        "from tgcnet.engine import child; child._leave(child.main())"
    )
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c \"{code}\"\n")
    python.chmod(0o700)
    client = EngineClient(events, python=str(python), log_file=log_file)
    request = client.start()
    failed = events.until(Failed)
    assert (failed.request, failed.kind) == (None, "EngineError")
    assert "cannot be imported" in failed.sentence
    assert "matching pair" in failed.sentence
    died = events.until(Died)
    assert (died.exit_code, died.requests) == (3, (request,))
    client.close()
    assert "ModuleNotFoundError" in log_file.read_text()


def test_a_library_that_prints_disturbs_nothing(client, events, volume, log_file) -> None:
    client.segment(volume, model="printing")
    assert events.until(Finished).slices_done == 6
    assert not [e for e in events.seen if isinstance(e, Failed)]
    client.close()
    log = log_file.read_text()
    assert "a library's banner" in log
    assert "a C library's banner" in log


def test_a_malformed_line_kills_neither_side(client, events) -> None:
    client.start()
    events.until(Ready)
    child = client._children[-1]
    child.send(b"\x00nonsense\n")
    failed = events.until(Failed)
    assert (failed.request, failed.kind) == (None, "EngineError")
    child.send(b'{"type":"ReadReport","request":77}\n')
    assert events.until(Failed).request == 77
    client._handle_line(child, b'{"type":"Unheard"}\n')
    assert "no known type" in events.until(Failed).sentence
    client.describe()
    events.until(Ready)


def test_a_defect_reaches_the_log_without_the_report(client, events, volume, log_file) -> None:
    client.segment(volume, model="defective", report="Opacity of Zbigniew Kowalski.")
    failed = events.until(Failed)
    assert failed.kind == "Unexpected"
    assert "ValueError" in failed.sentence
    client.close()
    log = log_file.read_text()
    assert "ValueError: cannot parse '…" in log
    assert "fake_child.py" in log
    for secret in ("Zbigniew", "Kowalski", "PATIENT-4711", "SERIES-4711"):
        assert secret not in log


def test_an_error_of_ours_reaches_the_window_by_its_kind(client, events, volume) -> None:
    client.segment(volume, model="unsure")
    failed = events.until(Failed)
    assert failed.kind == "ModalityUnknownError"
    assert failed.sentence == "Say whether this is a CT or a radiograph."


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_in_the_handler_is_reported_and_reading_goes_on(
    fake_python, log_file, monkeypatch
) -> None:
    reported, ready = [], threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))

    def handle(event) -> None:
        if isinstance(event, Starting):
            raise ZeroDivisionError("a defect of the panel")
        ready.set()

    client = EngineClient(handle, python=fake_python, log_file=log_file)
    client.start()
    assert ready.wait(30)
    client.close()
    assert [str(error) for error in reported] == ["a defect of the panel"]


def test_a_whole_ct_goes_through_shared_memory_only(client, events, monkeypatch) -> None:
    from tgcnet.domain import Geometry, Modality, Volume
    from tgcnet.engine import client as module

    client.start()
    events.until(Ready)
    sizes: list[int] = []

    def measured(message):
        line = encode(message)
        sizes.append(len(line))
        return line

    monkeypatch.setattr(module, "encode", measured)
    array = np.zeros((400, 512, 512), np.int16)
    array[3, 100:200, 50:60] = 40
    whole = Volume(array=array, geometry=Geometry(affine_lps=np.eye(4)), modality=Modality.CT)
    threads = []
    fill = module._fill

    def noted_fill(*args) -> None:
        threads.append(threading.current_thread().name)
        fill(*args)

    monkeypatch.setattr(module, "_fill", noted_fill)
    request = client.segment(whole, model="quick", slices=(2, 5))
    finished = events.until(Finished, request)
    view = client.labels_view(request)
    assert view.shape == array.shape
    assert view[3].sum() == 1000
    assert not view[[2, 4]].any()
    assert finished.slices_done == 3
    assert max(sizes) < 2_000
    assert threads == ["tgcnet-engine-requests"]  # copied there, not on the window's thread


def test_a_volume_without_room_is_an_answer(client, events, volume, monkeypatch, blocks) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    before = blocks()
    request = client.segment(volume, model="quick")
    failed = events.until(Failed)
    assert (failed.request, failed.kind) == (request, "EngineError")
    assert "shared memory" in failed.sentence
    client.release(request)
    assert blocks() <= before


def test_many_runs_leave_no_descriptors_and_no_mappings(client, events, volume) -> None:
    def held() -> tuple[int, int]:
        maps = Path("/proc/self/maps").read_text().count("psm_")
        return len(os.listdir("/proc/self/fd")), maps

    def once() -> None:
        request = client.segment(volume, model="quick")
        events.until(Finished, request)
        client.release(request)

    once()
    before = held()
    for _ in range(20):
        once()
    descriptors, maps = held()
    assert descriptors <= before[0] + 2
    assert maps <= before[1] + 2
