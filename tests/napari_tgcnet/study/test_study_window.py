"""A real window: a study is dropped, chosen, scrolled through, segmented and saved."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from tests.tgcnet.io.dicom.phantoms import write_series

from napari_tgcnet._widget import SegmentPanel, StudyPanel
from napari_tgcnet.study.state import Activity
from tgcnet.samples import phantom_stack

TIMEOUT_MS = 120_000


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two series of a generated chest, the second without its third slice."""
    stored = phantom_stack().array[10:20, ::2, ::2].astype(np.int16) + 1024
    folder = tmp_path / "study"
    write_series(folder / "a", values=stored, shape=stored.shape)
    write_series(folder / "b", values=stored[:5], shape=(5, *stored.shape[1:]), series=2)
    (folder / "b" / "slice_0002.dcm").unlink()
    return folder


def drop(panel: StudyPanel, path: Path) -> None:
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(path))])
    panel.view.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            dropped,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )


def test_drop_choose_scroll_run_and_save(make_napari_viewer, qtbot, study, tmp_path) -> None:
    viewer = make_napari_viewer(show=True)
    panel = StudyPanel(viewer)
    viewer.window.add_dock_widget(panel, name="TGC-Net: open study")
    drop(panel, study)
    qtbot.waitUntil(
        lambda: panel.controller.state.is_listed or bool(panel.controller.state.problem),
        timeout=TIMEOUT_MS,
    )
    assert panel.controller.state.problem == ""
    assert [row.can_open for row in panel.controller.state.rows] == [True, False]
    qtbot.mouseClick(panel.view.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=TIMEOUT_MS)
    (image,) = viewer.layers
    assert isinstance(image, Image)
    assert viewer.dims.current_step[0] == 5, "the middle slice first"
    viewer.dims.set_current_step(0, 1)
    assert image._data_view.any(), "a slice that somebody comes to is there"
    qtbot.waitUntil(
        lambda: (
            not panel.controller.state.is_loading
            and panel.controller.state.activity is Activity.NONE
        ),
        timeout=TIMEOUT_MS,
    )
    segment = SegmentPanel(viewer)
    viewer.window.add_dock_widget(segment, name="TGC-Net: segment")
    controller = segment.controller
    qtbot.waitUntil(lambda: controller.state.can_run, timeout=TIMEOUT_MS)
    controller.choose_model("mini")
    controller.windows.show(1)
    controller.windows.use_for_model(True)
    controller.run.choose_scope("range")
    controller.run.set_range(4, 5)
    qtbot.mouseClick(segment.view.run.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: controller.state.result is not None or bool(controller.state.problem),
        timeout=TIMEOUT_MS,
    )
    assert controller.state.problem == ""
    assert controller.state.result is not None
    assert "The model got window 40/400 HU (centre/width)." in controller.state.result.lines
    (mask,) = [layer for layer in viewer.layers if isinstance(layer, Labels)]
    mask.data[4, :3, :3] = 1
    target = tmp_path / "mask.dcm"
    controller.save_mask(str(target))
    qtbot.waitUntil(lambda: not controller.state.is_busy, timeout=TIMEOUT_MS)
    assert controller.state.problem == ""
    back = hd.seg.segread(target).get_volume(combine_segments=True)
    assert back.array.sum() == mask.data.sum() > 0
    controller.close()
    panel.controller.close()


def test_a_panel_taken_out_of_an_open_window_stops_loading(
    make_napari_viewer, qtbot, study
) -> None:
    viewer = make_napari_viewer(show=True)
    panel = StudyPanel(viewer)
    dock = viewer.window.add_dock_widget(panel, name="TGC-Net: open study")
    panel.controller.list_path(str(study / "a"), opens_single=True)
    viewer.window.remove_dock_widget(dock)
    assert panel.controller.state.activity is Activity.LISTING
    qtbot.wait(50)
    assert list(viewer.layers) == []
