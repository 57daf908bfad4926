import queue
import threading

import pytest

from tgcnet.engine.inbox import Inbox
from tgcnet.engine.protocol import Cancel, Describe, ReadReport, Shutdown
from tgcnet.engine.wire import UnreadableLineError, encode


class Pipe:
    """Lines that come when the test says so."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def __iter__(self):
        return iter(self._lines.get, None)

    def put(self, *messages) -> None:
        for message in messages:
            self._lines.put(message if isinstance(message, bytes) else encode(message))

    def close(self) -> None:
        self._lines.put(None)


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def ended() -> threading.Event:
    return threading.Event()


@pytest.fixture
def unreadable() -> list[UnreadableLineError]:
    return []


@pytest.fixture
def inbox(pipe: Pipe, ended: threading.Event, unreadable):
    box = Inbox(pipe, on_unreadable=unreadable.append, on_end=ended.set)
    box.start()
    yield box
    pipe.close()


def test_requests_come_in_order(inbox: Inbox, pipe: Pipe) -> None:
    asked = [Describe(request=1), ReadReport(request=2, model="m", text="t"), Describe(request=3)]
    pipe.put(*asked)
    turns = iter(inbox)
    assert [next(turns) for _ in asked] == asked


def test_cancel_is_heard_while_a_request_is_at_work(inbox: Inbox, pipe: Pipe, wait_until) -> None:
    pipe.put(Describe(request=1), Describe(request=2))
    turns = iter(inbox)
    assert next(turns).request == 1
    assert not inbox.is_cancelled(1)
    pipe.put(Cancel(request=1), Cancel(request=2), Cancel(request=99))
    assert wait_until(lambda: inbox.is_cancelled(2))
    assert inbox.is_cancelled(1)
    assert not inbox.is_cancelled(99)
    assert next(turns).request == 2
    assert not inbox.is_cancelled(1)  # answered: nothing of it is kept


@pytest.mark.parametrize("last", [Shutdown(), None])
def test_the_end_cancels_what_runs_and_drops_what_waits(inbox, pipe, ended, last) -> None:
    pipe.put(Describe(request=1), Describe(request=2))
    turns = iter(inbox)
    next(turns)
    pipe.close() if last is None else pipe.put(last)
    assert ended.wait(5)
    assert inbox.is_cancelled(1)
    assert list(turns) == []


def test_an_unreadable_line_is_reported_and_skipped(inbox, pipe, unreadable) -> None:
    pipe.put(b"nonsense\n", b'{"type":"Describe","request":7,"x":1}\n', Describe(request=1))
    assert next(iter(inbox)).request == 1
    assert [error.request for error in unreadable] == [None, 7]
