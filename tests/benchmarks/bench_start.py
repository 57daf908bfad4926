"""A fresh process: loading after the imports, and peak memory.

Wanted: mini loads within 1.5 s, and peak resident memory stays below 1.5 GB.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

START = """
import json, resource, sys, time
from dataclasses import replace
from tgcnet import load_predictor
from tgcnet.inference import predictor as _imports
from tgcnet.samples import PHANTOM_REPORT, phantom_stack
phantom = phantom_stack()
# As wide as scanners make it.
volume = replace(phantom, array=phantom.array.repeat(2, axis=1).repeat(2, axis=2))
start = time.perf_counter()
predictor = load_predictor("mini", "cpu")
loaded = time.perf_counter() - start
predictor.segment(volume, PHANTOM_REPORT)
if sys.platform == "linux":
    # Not ru_maxrss, which begins with the peak of the process that started this one.
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"load_seconds": loaded, "peak_bytes": peak}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the peak is read from POSIX accounting")
@pytest.mark.benchmark(group="fresh process: imports, load, 40 slices of 512 x 512")
def test_start(benchmark: BenchmarkFixture, note: Callable[..., None]) -> None:
    seen: list[dict[str, float]] = []

    def fresh_process() -> None:
        command = [sys.executable, "-c", START]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seen.append(json.loads(done.stdout))

    benchmark.pedantic(fresh_process, rounds=3)
    note(
        load_seconds=statistics.median(run["load_seconds"] for run in seen),
        peak_gigabytes=max(run["peak_bytes"] for run in seen) / 1e9,
    )
