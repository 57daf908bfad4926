"""Events on their way from the child to the controller: order, stale ones, strokes under way."""

from __future__ import annotations

import logging
from unittest.mock import Mock

import numpy as np
import pytest

from napari_tgcnet import messages
from napari_tgcnet.jobs import EngineJobs, WorkerThreads
from napari_tgcnet.ports import LayerSource, Order
from tgcnet.engine.client import EngineClient
from tgcnet.engine.protocol import Cancelled, Failed, Progress, SliceDone
from tgcnet.errors import InputError

ORDER = Order(image_id="a", model="m", device="auto", report="", slices=range(1), threshold=0.5)


def source(ndim: int = 2) -> LayerSource:
    data = np.zeros((4,) * ndim, dtype=np.uint8)
    return LayerSource(
        data=data, is_rgb=False, ndim=ndim, spacing=(1.0,) * ndim, unit="pixel", own={}
    )


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
    jobs.heard = []
    jobs.listen(jobs.heard.append)
    return jobs


def test_events_wait_for_the_number_of_their_request(jobs, client, qtbot) -> None:
    def submit(volume, **options):
        client.send(SliceDone(request=5, z=0))  # faster than the number gets back
        return 5

    client.segment.side_effect = submit
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: jobs.heard == [SliceDone(request=5, z=0)])
    assert jobs.slice_labels(0).all()


def test_events_of_a_finished_request_are_dropped(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: client.labels_view.called)
    end = Cancelled(request=5, slices_done=0)
    client.send(end)
    client.send(Progress(request=5, done=1, total=1, seconds_left=None))
    qtbot.waitUntil(lambda: jobs.heard == [end])
    qtbot.wait(50)
    assert jobs.heard == [end]
    client.release.assert_called_once_with(5)


def test_an_end_waits_for_the_stroke_under_way(jobs, client, qtbot, monkeypatch) -> None:
    is_painting = Mock(return_value=True)
    monkeypatch.setattr(jobs, "_is_painting", is_painting)
    jobs.segment(ORDER, source())
    qtbot.waitUntil(lambda: client.labels_view.called)
    client.send(Cancelled(request=5, slices_done=0))
    qtbot.waitUntil(lambda: is_painting.call_count > 1)
    assert jobs.heard == []
    is_painting.return_value = False
    qtbot.waitUntil(lambda: len(jobs.heard) == 1)


def test_cancel_before_the_number_is_known_is_not_lost(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, source())
    jobs.cancel()
    qtbot.waitUntil(lambda: client.cancel.called)
    client.cancel.assert_called_once_with(5)


def test_a_layer_that_is_no_image_is_a_failed_event(jobs, client, qtbot) -> None:
    jobs.segment(ORDER, source(ndim=4))
    qtbot.waitUntil(lambda: len(jobs.heard) == 1)
    (event,) = jobs.heard
    assert isinstance(event, Failed)
    assert (event.kind, event.sentence) == ("InputError", messages.wrong_axes(4))


def test_a_refusal_is_a_sentence_and_a_defect_goes_to_the_log(qapp, qtbot, caplog) -> None:
    def refuse() -> None:
        raise InputError("scan.png is empty.")

    def break_down() -> None:
        raise ZeroDivisionError

    heard: list[str] = []
    workers = WorkerThreads()
    workers.start(refuse, heard.append, heard.append)
    qtbot.waitUntil(lambda: heard == ["scan.png is empty."])
    with caplog.at_level(logging.ERROR):
        workers.start(break_down, heard.append, heard.append)
        qtbot.waitUntil(lambda: heard[1:] == [messages.DEFECT])
    assert "ZeroDivisionError" in caplog.text
