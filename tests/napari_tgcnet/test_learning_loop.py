"""Once round in a real window: segment, paint, save, fine-tune, gate, look, switch, roll back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Qt

from napari_tgcnet._widget import CorrectionsPanel, FinetunePanel, SegmentPanel
from napari_tgcnet.finetune.state import Phase
from napari_tgcnet.shared.layers import find_mask, image_layer_tuple
from napari_tgcnet.shared.session import Session
from tgcnet.corrections import Ledger
from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.weights.active import read_active
from tgcnet.weights.switch import activate

TIMEOUT_MS = 120_000
REPORT = "Pulmonary infection, lower left lung."


def radiograph_of(patient: int) -> Volume:
    array = np.random.default_rng(patient).integers(40, 80, (1, 64, 64)).astype(np.uint8)
    array[:, 36:56, 38:58] += 120
    return Volume(
        array=array,
        geometry=Geometry(affine_lps=np.eye(4)),
        modality=Modality.XRAY,
        is_display_ready=True,
        patient_id=f"patient {patient}",
    )


class Room:
    """One viewer with all three panels."""

    def __init__(self, viewer, session: Session, qtbot) -> None:
        self.viewer, self.session, self.qtbot = viewer, session, qtbot
        self.segment = SegmentPanel(viewer, session=session)
        self.corrections = CorrectionsPanel(viewer, session)
        self.finetune = FinetunePanel(viewer, session)
        for panel in (self.segment, self.corrections, self.finetune):
            viewer.window.add_dock_widget(panel, name=type(panel).__name__, tabify=True)

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=TIMEOUT_MS)

    def click(self, button) -> None:
        self.wait(button.isEnabled)
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def correct(self, patient: int) -> None:
        """Segment a radiograph, repaint it as the square that it shows, save the correction."""
        image = self.viewer.add_layer(
            Layer.create(*image_layer_tuple(radiograph_of(patient), f"radiograph {patient}"))
        )
        panel, controller = self.segment, self.segment.controller
        controller.reports.edit(REPORT)
        self.click(panel.view.run.run_button)
        self.wait(lambda: controller.state.result is not None)
        mask = find_mask(self.viewer.layers, image)
        rows, columns = np.mgrid[0:64, 0:64]
        assert mask is not None
        mask.data_setitem((rows.ravel(), columns.ravel()), 0)
        square = (rows >= 36) & (rows < 56) & (columns >= 38) & (columns < 58)
        mask.data_setitem((rows[square], columns[square]), 1)
        saved = len(self.corrections.controller.state.cases)
        self.click(panel.view.correction.save_button)
        self.wait(lambda: len(self.corrections.controller.state.cases) == saved + 1)


@pytest.fixture
def room(make_napari_viewer, qtbot, tiny_model_folder: Path, tmp_path, monkeypatch) -> Iterator:
    models = tmp_path / "models"
    models.mkdir()
    (models / "tiny").symlink_to(tiny_model_folder)
    monkeypatch.setenv("TGCNET_MODELS", str(models))
    monkeypatch.setenv("TGCNET_RUNS", str(tmp_path / "runs"))
    activate("tiny")
    room = Room(make_napari_viewer(show=True), Session(tmp_path / "corrections"), qtbot)
    room.wait(lambda: room.segment.controller.state.engine_ready)
    yield room
    for panel in (room.segment, room.corrections, room.finetune):
        panel.controller.close()


def test_the_whole_loop(room: Room) -> None:
    assert room.segment.controller.state.model == "tiny"
    for patient in range(3):
        room.correct(patient)
    ledger = Ledger.open(room.session.ledger)
    cases = ledger.cases().cases
    assert [case.model for case in cases] == ["tiny"] * 3
    assert sum(case.is_held_out for case in cases) == 1
    assert ledger.load(cases[0].case_id).labels.sum() == 400

    controller = room.finetune.controller
    controller.setup.set_options(replace(controller.state.options, epochs=2))
    room.wait(lambda: controller.state.can_start)
    controller.run.start()
    room.wait(lambda: controller.state.phase is Phase.ENDED)
    progress = controller.state.progress
    assert [score.epoch for score in progress.scores] == [0, 1, 2], controller.state.ending
    assert progress.report is not None
    assert not progress.report.recommended
    assert "Forgetting not measured" in " ".join(progress.report.reasons)
    assert read_active().current.name == "tiny", "nothing is switched without a person"

    (held_out,) = progress.slices
    there = set(room.viewer.layers)
    controller.comparison.show(held_out)
    room.wait(lambda: controller.state.shown == held_out)
    shown = [layer for layer in room.viewer.layers if layer not in there]
    (image,) = [layer for layer in shown if isinstance(layer, Image)]
    assert image.data.tobytes() == radiograph_of(1).array.tobytes()
    sizes = [np.count_nonzero(layer.data) for layer in shown if isinstance(layer, Labels)]
    assert len(sizes) == 4
    assert 400 in sizes, "the person's mask"

    candidate = progress.candidate
    controller.models.select(candidate)
    room.wait(lambda: controller.state.selected_row is not None)
    controller.models.switch()
    room.wait(lambda: bool(controller.state.question))
    assert read_active().current.name == "tiny"
    controller.models.answer(True)
    room.wait(lambda: room.segment.controller.state.model == candidate)
    assert read_active().current.name == candidate
    room.correct(4)
    assert Ledger.open(room.session.ledger).cases().cases[-1].model == candidate

    room.wait(lambda: controller.state.models.previous == "tiny")
    controller.models.go_back()
    room.wait(lambda: room.segment.controller.state.model == "tiny")
    assert read_active().current.name == "tiny"
