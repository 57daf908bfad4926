"""A controller of studies among mocked surroundings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from napari_tgcnet.shared.store import View
from napari_tgcnet.study.controller import StudyController
from napari_tgcnet.study.ports import Studies, StudyLayers
from napari_tgcnet.study.state import OpenedSeries, StudyState
from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.errors import TgcnetError
from tgcnet.io.dicom.series import FrameHeader, Listing, Remark, Series, Severity, Skipped
from tgcnet.io.dicom.stack import LazyStack

NOTICES = ("Merged.", "Spacing varies by 2 %.")


class WaitingWorkers:
    """Does one piece of work at a time, when the test says so; progress arrives at once."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Callable, Callable, Callable]] = deque()

    def start(self, work, then, failed) -> None:
        self.waiting.append((work, then, failed))

    def start_reporting(self, work, on_progress, then, failed) -> None:
        self.waiting.append((lambda: work(on_progress), then, failed))

    def work(self) -> None:
        work, then, failed = self.waiting.popleft()
        try:
            value = work()
        except TgcnetError as error:
            failed(str(error))
        else:
            then(value)


class Desk:
    """A controller; two series can be listed, the second is refused."""

    def __init__(self) -> None:
        self.view = Mock(spec=View)
        self.layers = Mock(spec=StudyLayers)
        self.studies = Mock(spec=Studies)
        self.workers = WaitingWorkers()
        self.layers.add.return_value = "id"
        self.layers.has.return_value = True
        self.studies.list_series.return_value = listing()
        self.studies.open_series.return_value = opened()
        self.studies.load.side_effect = load_all
        self.controller = StudyController(
            view=self.view, layers=self.layers, studies=self.studies, workers=self.workers
        )

    @property
    def state(self) -> StudyState:
        shown: StudyState = self.view.show_state.call_args.args[0]
        assert shown == self.controller.state
        return shown

    def list_and_open(self) -> None:
        self.controller.list_path("folder")
        self.workers.work()
        self.controller.open_series(0)
        self.workers.work()


def load_all(opened: OpenedSeries, on_slice: Callable[[int], bool]) -> None:
    for done in range(1, opened.stack.shape[0] + 1):
        on_slice(done)


def series(*remarks: Remark, num_slices: int = 3, **changes: Any) -> Series:
    header = FrameHeader(
        file="slice.dcm",
        patient_id="PATIENT-0815",
        study_date="20240102",
        modality="CT",
        series_description="Thorax",
        series_number=2,
        rows=512,
        columns=256,
        bits_allocated=16,
        bits_stored=16,
        is_signed=True,
        slope=1.0,
        intercept=-1024.0,
    )
    return Series(frames=(replace(header, **changes),) * num_slices, remarks=remarks)


def listing() -> Listing:
    refused = Remark(
        severity=Severity.REFUSED, code="missing-slice", sentence="Slice 2 is missing."
    )
    warned = Remark(severity=Severity.WARNING, code="jitter", sentence="Spacing varies by 2 %.")
    return Listing(
        series=(series(warned), series(refused, series_description="", series_number=3)),
        skipped=(Skipped(name="notes.txt", reason="no DICOM file"),),
    )


def opened() -> OpenedSeries:
    array = np.zeros((3, 4, 5), dtype=np.int16)
    geometry = Geometry(affine_lps=np.eye(4), unit="mm")
    return OpenedSeries(
        name="CT Thorax",
        volume=Volume(array=array, geometry=geometry, modality=Modality.CT, notices=NOTICES),
        first_slice=1,
        stack=LazyStack(lambda k: array[k], array.shape, array.dtype),
    )


@pytest.fixture
def desk() -> Desk:
    return Desk()
