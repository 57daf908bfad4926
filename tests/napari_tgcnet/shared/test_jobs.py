"""Events on their way from the child to the controller: order, stale ones, strokes under way."""

from __future__ import annotations

import logging
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from napari_tgcnet.shared import messages
from napari_tgcnet.shared.case import LayerSource, SegmentRequest
from napari_tgcnet.shared.jobs import EngineJobs, WorkerThreads
from tgcnet.domain import Geometry, Modality, VolumeHeader
from tgcnet.engine.client import EngineClient
from tgcnet.engine.protocol import (
    UNEXPECTED,
    Begun,
    Cancelled,
    Died,
    Event,
    Failed,
    Progress,
    ShownWindow,
    SliceDone,
)
from tgcnet.errors import InputError

ORDER = SegmentRequest(
    image_id="a", model="m", device="auto", report="", slices=range(1), threshold=0.5
)

DIED = Died(exit_code=-9, sentence="The model's process was killed.", requests=())


def source(ndim: int = 2) -> LayerSource:
    data = np.zeros((4,) * ndim, dtype=np.uint8)
    header = VolumeHeader(geometry=Geometry(affine_lps=np.eye(4)), modality=Modality.UNKNOWN)
    return LayerSource(data=data, is_rgb=False, ndim=ndim, header=header)


@pytest.fixture
def client() -> Mock:
    client = Mock(spec=EngineClient)
    client.segment.return_value = 5
    client.labels_view.return_value = np.ones((1, 4, 4), dtype=np.uint8)
    return client


@pytest.fixture
def jobs(qapp, client: Mock) -> EngineJobs:
    def build(on_event) -> Mock:
        client.send = on_event
        return client

    jobs = EngineJobs(WorkerThreads(), build)
    heard: list[Event] = []
    jobs.listen(heard.append)
    vars(jobs)["heard"] = heard
    return jobs


def test_events_wait_for_the_number_of_their_request(jobs, client, qtbot) -> None:
    def submit(volume, **options):
        client.send(SliceDone(request=5, z=0))  # faster than the number gets back
        return 5

    client.segment.side_effect = submit
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: vars(jobs)["heard"] == [SliceDone(request=5, z=0)])
    assert jobs.slice_labels(0).all()


def test_events_of_a_finished_request_are_dropped(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: client.labels_view.called)
    end = Cancelled(request=5, slices_done=0)
    client.send(end)
    client.send(Progress(request=5, done=1, total=1, seconds_left=None))
    window = ShownWindow(low=0.0, high=1.0, unit="stored")
    client.send(Begun(request=5, window=window, about_report={}))
    qtbot.waitUntil(lambda: vars(jobs)["heard"] == [end])
    qtbot.wait(50)
    assert vars(jobs)["heard"] == [end]
    client.release.assert_called_once_with(5)


def test_an_end_waits_for_the_stroke_under_way(jobs, client, qtbot, monkeypatch) -> None:
    is_painting = Mock(return_value=True)
    monkeypatch.setattr(jobs, "_is_painting", is_painting)
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: client.labels_view.called)
    client.send(Cancelled(request=5, slices_done=0))
    qtbot.waitUntil(lambda: is_painting.call_count > 1)
    assert vars(jobs)["heard"] == []
    is_painting.return_value = False
    qtbot.waitUntil(lambda: len(vars(jobs)["heard"]) == 1)


def test_cancel_before_the_number_is_known_is_not_lost(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, source())
    jobs.cancel()
    qtbot.waitUntil(lambda: client.cancel.called)
    client.cancel.assert_called_once_with(5)


def test_a_layer_that_is_no_image_is_a_failed_event(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, source(ndim=4))
    qtbot.waitUntil(lambda: len(vars(jobs)["heard"]) == 1)
    (event,) = vars(jobs)["heard"]
    assert isinstance(event, Failed)
    assert (event.kind, event.sentence) == ("InputError", messages.wrong_axes(4))


def test_a_refusal_is_a_sentence_and_a_defect_goes_to_the_log(qapp, qtbot, caplog) -> None:
    def refuse() -> None:
        raise InputError("scan.png is empty.")

    def break_down() -> None:
        raise ZeroDivisionError

    heard: list[str] = []
    workers = WorkerThreads()
    workers.start(refuse, print, heard.append)
    qtbot.waitUntil(lambda: heard == ["scan.png is empty."])
    with caplog.at_level(logging.ERROR):
        workers.start(break_down, print, heard.append)
        qtbot.waitUntil(lambda: heard[1:] == [messages.DEFECT])
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "event", [SliceDone(request=5, z=0), Cancelled(request=5, slices_done=0)], ids=["slice", "end"]
)
def test_a_panel_that_breaks_down_ends_the_run(jobs, client, qtbot, caplog, event) -> None:
    def break_down(heard) -> None:
        vars(jobs)["heard"].append(heard)
        if heard == event:
            raise ZeroDivisionError("a defect of the panel")

    jobs.listen(break_down)
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: client.labels_view.called)
    with caplog.at_level(logging.ERROR):
        client.send(event)
        qtbot.waitUntil(lambda: len(vars(jobs)["heard"]) == 2)
    assert vars(jobs)["heard"][1] == Failed(request=None, sentence=messages.DEFECT, kind=UNEXPECTED)
    assert "a defect of the panel" in caplog.text
    client.release.assert_called_once_with(5)
    assert client.cancel.called == isinstance(event, SliceDone)
    client.send(SliceDone(request=5, z=0))
    client.send(replace(DIED, requests=()))
    qtbot.waitUntil(lambda: len(vars(jobs)["heard"]) == 3)  # and events still arrive


def test_the_death_of_an_earlier_child_does_not_end_the_run(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: client.labels_view.called)
    client.send(replace(DIED, requests=(4,)))
    client.send(replace(DIED, requests=(4, 5)))
    qtbot.waitUntil(lambda: len(vars(jobs)["heard"]) == 1)
    assert vars(jobs)["heard"][0].requests == (4, 5)


class LazyStack:
    """An array that is on a disk; whoever wants all of it has no memory left."""

    shape, dtype, ndim = (1000, 4, 4), np.dtype(np.uint8), 3

    def __getitem__(self, slices: slice) -> np.ndarray:
        return np.full((slices.stop - slices.start, 4, 4), 9, dtype=np.uint8)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        raise MemoryError


def test_of_a_stack_on_disk_only_the_slices_asked_for_are_read(jobs, client, qtbot) -> None:
    lazy = replace(source(ndim=3), data=LazyStack())
    jobs.segment(replace(ORDER, slices=range(700, 702)), lazy)
    qtbot.waitUntil(lambda: client.labels_view.called)
    volume = client.segment.call_args.args[0]
    assert volume.array.shape == (2, 4, 4)
    assert volume.array.all()
    assert client.segment.call_args.kwargs["slices"] == (0, 2)
    client.labels_view.return_value[0] = 7
    client.send(SliceDone(request=5, z=0))
    qtbot.waitUntil(lambda: vars(jobs)["heard"] == [SliceDone(request=5, z=700)])
    np.testing.assert_array_equal(jobs.slice_labels(700), client.labels_view.return_value[0])


def test_no_memory_for_an_image_is_a_sentence_of_its_own(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, replace(source(), data=LazyStack()))
    qtbot.waitUntil(lambda: len(vars(jobs)["heard"]) == 1)
    assert vars(jobs)["heard"][0].sentence == messages.NO_MEMORY
