"""Opens hostile files and writes down what became of each."""

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tests.tgcnet.io.hostile.cases import Allowed, Case, Write

from tgcnet.domain import Volume
from tgcnet.errors import TgcnetError
from tgcnet.io import load_volume
from tgcnet.io.sandbox.client import this_process_sandbox

_CRASHED, _LATE, _UNFORESEEN = "made its decoder crash", "was not read within", "does not expect"
_SAME_PLACE = 0.03
"""Of a voxel, at the far corner: what the readers themselves call the same place, rounded up."""


@dataclass
class Tally:
    """What became of all files.

    Attributes
    ----------
    crashed, late, unforeseen : refused, because the child was lost over them
    silent : accepted without a word, and not as ``Allowed`` says
    most_bytes : of the child's resident memory, above what it had before the first file
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    crashed: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    unforeseen: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    most_bytes: tuple[int, str] = (0, "")


class Judge:
    """Opens one case after another, each in an empty folder."""

    def __init__(self, scratch: Path) -> None:
        self.tally = Tally()
        self._scratch = scratch
        self._wholes: dict[Write, Volume] = {}
        self._count = 0
        self._baseline = 0

    def judge(self, case: Case) -> None:
        """Open a case; only what is none of our errors comes through."""
        where = f"{case.kind}: {case.name}"
        path = case.write(self._folder())
        self._baseline = self._baseline or _resident(_child(), "VmRSS")
        _forget_peak(_child())
        begun = time.monotonic()
        try:
            found, sentence = load_volume(path), ""
        except TgcnetError as error:
            found, sentence = None, str(error)
        self._count_time(time.monotonic() - begun, where)
        self.tally.outcomes[f"{case.kind}, {'refused' if found is None else 'accepted'}"] += 1
        for text, names in (
            (_CRASHED, self.tally.crashed),
            (_LATE, self.tally.late),
            (_UNFORESEEN, self.tally.unforeseen),
        ):
            if text in sentence:
                names.append(f"{where}: {sentence}")
        if found is not None and not self._is_allowed(case, found):
            self.tally.silent.append(where)

    def _count_time(self, seconds: float, where: str) -> None:
        self.tally.slowest = max(self.tally.slowest, (seconds, where))
        child = this_process_sandbox().process_id
        if child is not None:
            peak = _resident(child, "VmHWM") - self._baseline
            self.tally.most_bytes = max(self.tally.most_bytes, (peak, where))

    def _is_allowed(self, case: Case, found: Volume) -> bool:
        if case.allowed is Allowed.ANYTHING:
            return True
        if case.whole is None:
            return False
        if case.whole not in self._wholes:
            self._wholes[case.whole] = load_volume(case.whole(self._folder()))
        whole = self._wholes[case.whole]
        if set(found.notices) - set(whole.notices):
            return True
        if case.allowed is Allowed.TOLD or not _is_same_place(found, whole):
            return False
        is_same = np.array_equal(found.array, whole.array)
        return is_same or case.allowed is Allowed.SAME_PLACE

    def _folder(self) -> Path:
        self._count += 1
        folder = self._scratch / f"{self._count:05d}"
        folder.mkdir()
        return folder


def _is_same_place(found: Volume, whole: Volume) -> bool:
    if found.array.shape != whole.array.shape:
        return False
    apart = found.geometry.affine_lps - whole.geometry.affine_lps
    corner = np.abs(apart) @ np.array([*whole.array.shape, 1])
    return bool(corner[:3].max() <= _SAME_PLACE * min(whole.geometry.spacing_zyx))


def _child() -> int:
    """The child's number; one is started where there is none, so that its start is not timed."""
    sandbox = this_process_sandbox()
    with sandbox._lock:
        return sandbox._living().pid


def _resident(child: int, what: str) -> int:
    status = Path(f"/proc/{child}/status")
    if not status.is_file():
        return 0
    values = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(values.get(what, "0").split()[0]) * 1024


def _forget_peak(child: int) -> None:
    peak = Path(f"/proc/{child}/clear_refs")
    if peak.is_file() and os.access(peak, os.W_OK):
        peak.write_text("5")
