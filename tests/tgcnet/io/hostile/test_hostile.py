"""Files that are broken or made to do harm: a volume or one of our errors, and nothing else."""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from tests.tgcnet.io.hostile.corpus import FULL, SUBSET, corpus
from tests.tgcnet.io.hostile.judge import Judge, Tally

from tgcnet.io.sandbox.limits import SECONDS, SPARE_BYTES


def judged(scratch: Path, part: float) -> Tally:
    judge = Judge(scratch)
    for case in corpus(part):
        judge.judge(case)
    return judge.tally


def check(tally: Tally) -> None:
    assert tally.silent == []
    assert tally.unforeseen == []
    assert tally.crashed == []
    assert tally.late == []
    assert tally.slowest[0] < SECONDS, tally.slowest
    assert tally.most_bytes[0] <= SPARE_BYTES, tally.most_bytes


def test_a_part_of_the_hostile_files(tmp_path: Path) -> None:
    check(judged(tmp_path, SUBSET))
    assert not list(tmp_path.rglob("outside.dcm"))
    assert not (Path(tempfile.gettempdir()) / "outside.dcm").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.cpu_count() == 1, reason="measures memory")
@pytest.mark.timeout(3600)
def test_all_hostile_files(tmp_path: Path) -> None:
    tally = judged(tmp_path, FULL)
    check(tally)
    assert tally.outcomes.total() >= 1500
