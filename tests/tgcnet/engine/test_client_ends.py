"""How a client ends: nothing of it is left, whatever its child was doing."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tgcnet.engine.protocol import (
    Cancelled,
    Died,
    Failed,
    Loaded,
    Ready,
    SliceDone,
)
from tgcnet.errors import EngineError

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the fake child is started by a shell script; looks into /proc"
)

# Seconds where it was written; the slow run would last ten, the stuck one ten minutes.
CLOSE_AT_MOST_S = 30.0


@pytest.mark.parametrize("model", ["slow", "stuck"])
def test_closing_in_mid_run_leaves_nothing(
    client, events, make_volume, model, child_process_ids, blocks, is_alive
) -> None:
    before, children = blocks(), child_process_ids()
    request = client.segment(make_volume(depth=200), model=model)
    events.until(SliceDone if model == "slow" else Loaded, request)
    process_id = client.process_id
    view = client.labels_view(request)
    start = time.monotonic()
    client.close()
    assert time.monotonic() - start < CLOSE_AT_MOST_S
    assert not is_alive(process_id)
    assert child_process_ids() == children
    assert not [t for t in threading.enumerate() if t.name.startswith("tgcnet-engine")]
    assert blocks() <= before
    assert view.any() == (model == "slow")
    for ask in (client.start, client.describe, lambda: client.segment(make_volume(), model="x")):
        with pytest.raises(EngineError, match="closed with its window"):
            ask()
    client.cancel(request)
    assert blocks() <= before


def test_a_child_that_does_not_react_is_killed(client, events, child_process_ids) -> None:
    client.start()
    events.until(Ready)
    process_id = client.process_id
    os.kill(process_id, signal.SIGSTOP)
    client.close(timeout_s=0.2)
    assert process_id not in child_process_ids()


def test_no_event_comes_after_close(client, events, make_volume) -> None:
    client.segment(make_volume(depth=200), model="slow")
    events.until(SliceDone)
    client.close()
    events._queue.put("the last one")
    rest = []
    while (event := events._queue.get(timeout=1)) != "the last one":
        rest.append(event)
    assert not [e for e in rest if isinstance(e, (Died, Cancelled, Failed))]
    time.sleep(0.1)
    assert events._queue.empty()


def test_a_killed_window_takes_its_child_and_its_memory_along(
    fake_python, tmp_path, is_alive, wait_until, has_block
) -> None:
    window = tmp_path / "window.py"
    window.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from tgcnet.domain import Geometry, Modality, Volume\n"
        "from tgcnet.engine.client import EngineClient\n"
        "from tgcnet.engine.protocol import SliceDone\n"
        "def show(event):\n"
        "    if isinstance(event, SliceDone):\n"
        "        blocks = [*client._images.values(), *client._labels.values()]\n"
        "        names = [block.sent.name for block in blocks]\n"
        "        print(client.process_id, *names, flush=True)\n"
        "client = EngineClient(show, python=sys.argv[1], log_file=Path(sys.argv[2]))\n"
        "volume = Volume(array=np.ones((600, 4, 4), np.int16), modality=Modality.CT,\n"
        "                geometry=Geometry(affine_lps=np.eye(4)))\n"
        "client.segment(volume, model='slow')\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(window), fake_python, str(tmp_path / "log")], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    number, *names = process.stdout.readline().decode().split()
    child = int(number)
    assert is_alive(child)
    assert [has_block(name) for name in names] == [True, True]
    process.kill()
    assert wait_until(lambda: not is_alive(child), timeout_s=30)
    assert wait_until(lambda: not any(map(has_block, names)), timeout_s=30)
    process.stdout.close()
    process.wait()
