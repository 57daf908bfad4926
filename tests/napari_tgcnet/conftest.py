"""A controller among mocked surroundings, for tests without a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from napari_tgcnet.segment.controller import SegmentController
from napari_tgcnet.segment.ports import Engine, Files, Layers
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.case import CorrectionToSave, ImageInfo, LayerSource, MaskToSave
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import View
from tgcnet.corrections import SavedCorrection
from tgcnet.domain import Geometry, Modality, SegmentationClass, VolumeHeader
from tgcnet.engine.protocol import DeviceInfo, ModelInfo, Ready, ReportRead
from tgcnet.errors import TgcnetError

CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)
IMAGE = ImageInfo(id="a", name="chest", num_slices=4, sample_report="a sample's text")


class DirectWorkers:
    """Does the work at once; a refusal of the family comes back as its sentence."""

    def start(self, work, then, failed):
        try:
            result = work()
        except TgcnetError as error:
            failed(str(error))
        else:
            then(result)


class Desk:
    """A controller and its mocked surroundings."""

    def __init__(self, view: View[SegmentState] | None = None) -> None:
        self.view = Mock(spec=View, wraps=view)
        self.layers = Mock(spec=Layers)
        self.engine = Mock(spec=Engine)
        self.files = Mock(spec=Files)
        self.layers.images.return_value = (IMAGE,)
        self.layers.has_mask.return_value = False
        self.layers.active_image.return_value = None
        self.layers.snapshot_mask.return_value = Mock(spec=MaskToSave)
        self.layers.snapshot_mask.return_value.name = "chest mask"
        self.layers.has_paint.return_value = False
        self.layers.current_slice.return_value = 2
        self.layers.commit.return_value = 7
        affine = np.diag([1.0, 1.0, 1.0, 1.0])
        geometry = Geometry(affine_lps=affine, unit="mm")
        self.layers.geometry.return_value = geometry
        self.layers.source.return_value = LayerSource(
            data=None,
            is_rgb=False,
            ndim=3,
            header=VolumeHeader(geometry=geometry, modality=Modality.UNKNOWN),
        )
        self.engine.slice_labels.side_effect = lambda z: np.full((10, 10), z % 2, dtype=np.uint8)
        self.layers.snapshot_correction.return_value = Mock(spec=CorrectionToSave)
        self.files.save_correction.return_value = SavedCorrection(
            case_id="3fa2c1d4e5f60718", revision=1, changed_not_reviewed=()
        )
        self.session = Session(Path("ledger"))
        self.controller = SegmentController(
            view=self.view,
            layers=self.layers,
            engine=self.engine,
            workers=DirectWorkers(),
            files=self.files,
            session=self.session,
        )
        self.controller.open_panel()
        self.controller.handle_event(ready())

    @property
    def state(self) -> SegmentState:
        shown: SegmentState = self.view.show_state.call_args.args[0]
        assert shown == self.controller.state
        return shown

    @staticmethod
    def ready() -> Ready:
        return ready()

    def read(self, **changes: Any) -> None:
        self.controller.handle_event(replace(report_read(), **changes))

    def run(self) -> None:
        self.controller.reports.edit("left lower zone")
        self.controller.run.start()
        self.read()


def ready() -> Ready:
    model = ModelInfo(
        name="mini",
        findings=("pulmonary infection",),
        classes=CLASSES,
        threshold=0.4,
        licence="research",
        sha256="0",
        is_active=True,
    )
    gpu = DeviceInfo(name="cuda:0", label="GPU", free_bytes=3 * 2**30, total_bytes=4 * 2**30)
    cpu = DeviceInfo(name="cpu", label="CPU", free_bytes=None, total_bytes=None)
    return Ready(request=1, devices=(cpu, gpu), models=(model,))


def report_read() -> ReportRead:
    return ReportRead(
        request=2,
        sentences_kept=("left lower zone",),
        sentences_left_out=(),
        words_left_out=(),
        segmentable=("pulmonary infection",),
        not_segmentable=(),
        only_absent=False,
    )


@pytest.fixture
def desk_class() -> type[Desk]:
    return Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()
