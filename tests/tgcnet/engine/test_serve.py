import threading
import time
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest

from tgcnet.engine.inbox import Inbox
from tgcnet.engine.protocol import (
    Begun,
    Cancel,
    Cancelled,
    Describe,
    Failed,
    Finished,
    Loaded,
    Notice,
    Progress,
    ReadReport,
    Ready,
    ReportRead,
    Segment,
    SliceDone,
)
from tgcnet.engine.serve import serve
from tgcnet.engine.shared import OwnedBlock, describe_volume
from tgcnet.engine.wire import encode

ENDS = (Ready, ReportRead, Finished, Cancelled, Failed)


@pytest.fixture
def answers(fake_backend):
    """What a backend answers to requests, all of which wait before the first is served."""

    def run(*requests) -> list:
        sent: list = []
        lines = Lines(requests, sent)
        inbox = Inbox(lines, on_unreadable=sent.append, on_end=lambda: None)
        inbox.start()
        assert lines.are_read.wait(5)
        serve(inbox, sent.append, fake_backend)
        return sent

    return run


class Lines:
    """Requests as lines; the end, which would cancel what waits, comes after the last answer."""

    def __init__(self, requests, sent) -> None:
        self._requests, self._sent = requests, sent
        self.are_read = threading.Event()

    def __iter__(self):
        yield from map(encode, self._requests)
        self.are_read.set()
        wanted = sum(not isinstance(request, Cancel) for request in self._requests)
        while sum(isinstance(event, ENDS) for event in self._sent) < wanted:
            time.sleep(0.001)


@pytest.fixture
def segment(volume):
    """Builds a Segment request for the phantom; its blocks go with the test."""
    owned: list[OwnedBlock] = []

    def build(request=1, model="quick", device="auto", report="", slices=None, threshold=None):
        image = OwnedBlock(volume.array.shape, volume.array.dtype)
        labels = OwnedBlock(volume.array.shape, np.dtype(np.uint8))
        image.array[...] = volume.array
        owned.extend((image, labels))
        message = Segment(
            request=request,
            model=model,
            device=device,
            report=report,
            slices=slices,
            threshold=threshold,
            volume=describe_volume(volume, image.sent),
            labels=labels.sent,
        )
        return message, labels.array

    yield build
    for block in owned:
        block.unlink()


def test_describe_lists_devices_and_models(answers) -> None:
    (ready,) = answers(Describe(request=3))
    assert ready.request == 3
    assert [device.name for device in ready.devices] == ["cpu"]
    assert "quick" in [model.name for model in ready.models]


def test_a_mask_says_which_report_it_is_of_by_a_hash_alone(answers, segment) -> None:
    request, _ = segment(report="Opacity of Zbigniew.")
    made_by = answers(request)[-1].provenance
    assert len(made_by["report_hmac_sha256"]) == 64
    assert "Zbigniew" not in str(made_by)


def test_a_segmentation_sends_slices_progress_and_provenance(answers, segment, volume) -> None:
    request, labels = segment(slices=(1, 4), threshold=0.25)
    events = answers(request)
    assert [type(event) for event in events[:3]] == [Loaded, Begun, SliceDone]
    assert (events[1].window.low, events[1].window.unit) == (-1350, "HU")
    assert [e.z for e in events if isinstance(e, SliceDone)] == [1, 2, 3]
    progress = [e for e in events if isinstance(e, Progress)]
    assert [(e.done, e.total) for e in progress] == [(1, 3), (2, 3), (3, 3)]
    assert progress[-1].seconds_left == 0
    assert [e.sentence for e in events if isinstance(e, Notice)] == ["dtype int16, threshold 0.25"]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.device, finished.slices_done) == ("cpu", 3)
    assert finished.provenance == {"device": "cpu", "model": "quick"}
    expected = np.zeros(volume.array.shape, np.uint8)
    expected[1:4] = volume.array[1:4] > 0
    np.testing.assert_array_equal(labels, expected)


def test_a_slice_is_in_the_block_before_its_event(segment, fake_backend) -> None:
    request, labels = segment()
    filled: list[bool] = []
    sent: list = []

    def send(event) -> None:
        sent.append(event)
        if isinstance(event, SliceDone):
            filled.append(bool(labels[event.z].any()) and not labels[event.z + 1 :].any())

    inbox = Inbox(Lines([request], sent), on_unreadable=sent.append, on_end=lambda: None)
    inbox.start()
    serve(inbox, send, fake_backend)
    assert filled == [True] * len(labels)


def test_the_last_model_is_kept_and_a_report_takes_it_wherever_it_is(answers, segment) -> None:
    first, _ = segment(request=1, device="cpu")
    again, _ = segment(request=2, device="auto")  # the fake's auto is the CPU
    other, _ = segment(request=4, model="slow", slices=(0, 1))
    events = answers(
        first,
        again,
        ReadReport(request=3, model="quick", text="One. Two. Three."),
        other,
        ReadReport(request=5, model="quick", text="One."),
    )
    assert [e.request for e in events if isinstance(e, Loaded)] == [1, 4, 5]
    read = next(e for e in events if isinstance(e, ReportRead))
    assert (read.sentences_kept, read.sentences_left_out) == (("One", "Two"), ("Three",))


def test_a_request_cancelled_before_its_turn_is_not_begun(answers, segment) -> None:
    waiting, labels = segment(request=2)
    events = answers(Describe(request=1), waiting, Cancel(request=2), Describe(request=3))
    assert [type(event) for event in events] == [Ready, Cancelled, Ready]
    assert events[1] == Cancelled(request=2, slices_done=0)
    assert not labels.any()


def test_errors_are_answers_and_the_loop_goes_on(answers, segment) -> None:
    unsure, _ = segment(request=1, model="unsure")
    absent, _ = segment(request=2, model="no-such-model")
    defective, _ = segment(request=3, model="defective", report="Opacity of Zbigniew.")
    greedy, _ = segment(request=4, model="greedy")
    events = answers(unsure, absent, defective, greedy, Describe(request=5))
    failed = {e.request: e for e in events if isinstance(e, Failed)}
    kinds = {number: e.kind for number, e in failed.items()}
    assert kinds == {
        1: "ModalityUnknownError",
        2: "CheckpointError",
        3: "Unexpected",
        4: "DeviceError",
    }
    assert failed[2].sentence == "There is no model called 'no-such-model'."
    assert "Zbigniew" not in failed[3].sentence
    assert isinstance(events[-1], Ready)


def test_a_released_block_is_an_answer(answers, segment, volume) -> None:
    request, _ = segment()
    memory = SharedMemory(name=request.volume.block.name)
    memory.close()
    memory.unlink()
    (failed,) = answers(request)
    assert (failed.request, failed.kind) == (1, "EngineError")
    assert "is gone" in failed.sentence


def test_a_stated_window_reaches_the_model_and_the_panel(segment, answers) -> None:
    message, _ = segment()
    events = answers(replace(message, window_hu=(40.0, 400.0)))
    (begun,) = [event for event in events if isinstance(event, Begun)]
    assert (begun.window.low, begun.window.high) == (-160.0, 240.0)
    assert any("window (40.0, 400.0)" in e.sentence for e in events if isinstance(e, Notice))


def test_what_ends_the_process_passes_through(fake_backend, monkeypatch) -> None:
    def interrupt(self) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(fake_backend), "describe", interrupt)
    sent: list = []
    inbox = Inbox(
        Lines([Describe(request=1)], sent), on_unreadable=sent.append, on_end=lambda: None
    )
    inbox.start()
    with pytest.raises(KeyboardInterrupt):
        serve(inbox, sent.append, fake_backend)
    assert sent == []
