"""A predictor without a network, and what a cluster's worker does with it."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tgcnet.report
from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.segment_study import segment_study
from tgcnet.cohort.task import Outcome, WorkerTask
from tgcnet.domain import EncodedText, Report, Segmentation, SegmentationClass, Volume
from tgcnet.report.rules import ReportReading, weigh_report

GATE = "go"
FREE_ROWS = 5
"""Rows up to this one do not wait at the gate."""

_PATIENCE_S = 60.0


class FakePredictor:
    """Marks what is brighter than the threshold."""

    def __init__(self, during: Callable[[Volume], None] = lambda _: None) -> None:
        self.during = during
        self.seen: list[tuple[str, slice | None, float | None]] = []

    def read_report(self, text: str) -> ReportReading:
        report = tgcnet.report.read_report(text)
        kept = tuple(sentence for sentence in report.sentences if "Xylophone" not in sentence)
        encoded = EncodedText(sentences_kept=kept, token_ids=tuple((1, 2) for _ in kept))
        return weigh_report(report, encoded, ("pulmonary infection",))

    def segment(
        self,
        volume: Volume,
        report: str | Report | None = None,
        *,
        slices: slice | None = None,
        threshold: float | None = None,
        keep_probability: bool = True,
        on_notice: Callable[[str], None] | None = None,
    ) -> Segmentation:
        assert not keep_probability
        assert isinstance(report, Report)
        assert threshold is not None
        assert on_notice is not None
        self.seen.append((report.text, slices, threshold))
        self.during(volume)
        labels = (volume.array > 255 * threshold).astype(np.uint8)
        on_notice("Nothing ran out of memory.")
        return Segmentation(
            probability=None,
            labels=labels,
            classes=(SegmentationClass(name="infection", colour=(1, 2, 3)),),
            geometry=volume.geometry,
            provenance={"tgcnet": "0", "torch": "0", "device": "cpu"},
        )


def work_behind_a_gate(worker_task: WorkerTask) -> Outcome:
    """What a worker does: from some row on it waits, in the middle of a study, for a file."""

    def wait(_: Volume) -> None:
        end = time.monotonic() + _PATIENCE_S
        while worker_task.task.study.row > FREE_ROWS and not gate_of(worker_task.root).exists():
            assert time.monotonic() < end
            time.sleep(0.01)

    return segment_study(worker_task.task, FakePredictor(wait), CohortFolder(worker_task.root))


def gate_of(root: Path) -> Path:
    """The file that opens the gate."""
    return root / GATE
