"""Clients whose child is real but for the models, and what a test asks of them."""

import importlib.util
import multiprocessing.resource_tracker
import os
import queue
import stat
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.engine import client as client_module
from tgcnet.engine.client import EngineClient
from tgcnet.engine.protocol import Cancelled, Died, Failed, Finished, Ready, ReportRead
from tgcnet.engine.shared import OwnedBlock

ROOT = Path(__file__).resolve().parents[3]
FAKE_CHILD = Path(__file__).with_name("fake_child.py")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps it
ENDS = (Ready, ReportRead, Finished, Cancelled, Failed, Died)


class Events:
    """Collects a client's events, as the panel's signal would."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        self.seen: list = []
        self.threads: set[str] = set()

    def __call__(self, event) -> None:
        self.threads.add(threading.current_thread().name)
        self._queue.put(event)

    def until(self, kind, request=None, timeout_s=30.0):
        """The next event of a kind; a Failed or Died that comes instead fails the test."""
        while True:
            event = self._queue.get(timeout=timeout_s)
            self.seen.append(event)
            fits = request is None or getattr(event, "request", request) == request
            if isinstance(event, kind) and fits:
                return event
            assert not isinstance(event, (Failed, Died)), event


@pytest.fixture(scope="session")
def events_class() -> type[Events]:
    return Events


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def fake_python(tmp_path: Path) -> str:
    """An interpreter that runs the fake child whatever module it is asked for."""
    script = tmp_path / "python"
    path = f"{ROOT / 'training'}{os.pathsep}{ROOT / 'src'}"
    script.write_text(f"#!/bin/sh\nPYTHONPATH='{path}' exec '{sys.executable}' '{FAKE_CHILD}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "engine.log"


@pytest.fixture
def blocks(monkeypatch):
    """Names of the shared memory blocks this test has created that are there now."""
    created: list[str] = []

    class NotedBlock(OwnedBlock):
        def __init__(self, *args) -> None:
            super().__init__(*args)
            created.append(self.sent.name)

    monkeypatch.setattr(client_module, "OwnedBlock", NotedBlock)
    return lambda: {name for name in created if (SHARED_MEMORY / name).exists()}


@pytest.fixture
def has_block():
    """Whether a block of shared memory is there, whoever created it."""
    return lambda name: (SHARED_MEMORY / name).exists()


@pytest.fixture
def client(events: Events, fake_python: str, log_file: Path, blocks):
    before = blocks()
    engine = EngineClient(events, python=fake_python, log_file=log_file)
    yield engine
    engine.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("tgcnet-engine")]
    assert blocks() <= before


def _make_volume(depth=6, height=5, width=4, dtype=np.int16) -> Volume:
    """A phantom: slice z holds z + 1 in one half and -1000 in the other."""
    array = np.full((depth, height, width), -1000 if np.dtype(dtype).kind != "u" else 0, dtype)
    array[:, :, : width // 2] = np.arange(1, depth + 1).astype(dtype)[:, None, None]
    affine = np.diag([2.5, 0.7, 0.7, 1.0])
    return Volume(
        array=array,
        geometry=Geometry(affine_lps=affine, unit="mm", source_axes=(2, 1, 0)),
        modality=Modality.CT,
        intensity_unit="HU",
        patient_id="PATIENT-4711",
        series_id="SERIES-4711",
    )


@pytest.fixture
def make_volume():
    return _make_volume


@pytest.fixture
def volume() -> Volume:
    return _make_volume()


@pytest.fixture
def is_alive():
    return _is_alive


@pytest.fixture
def wait_until():
    return _wait_until


@pytest.fixture
def child_process_ids():
    return _child_process_ids


@pytest.fixture
def fake_backend():
    """The fake child's models, for a command loop in this process."""
    spec = importlib.util.spec_from_file_location("fake_child", FAKE_CHILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FakeBackend()


def _is_alive(process_id: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _wait_until(condition, timeout_s=5.0) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def _child_process_ids() -> set[int]:
    """Our children, but for Python's resource tracker, which lives as long as we do."""
    tracker = vars(multiprocessing.resource_tracker._resource_tracker)["_pid"]
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    ids = {
        int(number)
        for file in children.parents[1].glob("*/children")
        for number in file.read_text().split()
    }
    return {number for number in ids - {tracker} if _is_alive(number)}
