"""Numbers typed key by key, as ``setValue`` never sees them, into a panel with its controller."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_tgcnet.segment.views.panel import SegmentPanelView
from napari_tgcnet.shared.case import ImageInfo


@pytest.fixture
def desk(desk_class, qtbot):
    panel = SegmentPanelView()
    qtbot.addWidget(panel)
    desk = desk_class(panel)
    desk.panel = panel
    panel.connect_to(desk.controller)
    desk.layers.images.return_value = (ImageInfo(id="long", name="long", num_slices=99),)
    desk.controller.refresh_images()
    desk.controller.run.choose_scope("range")
    panel.show()
    return desk


def type_into(qtbot, box, text: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)


def test_a_range_is_typed(desk, qtbot) -> None:
    run = desk.panel.run
    desk.controller.run.set_range(20, 98)
    type_into(qtbot, run.last, "35")
    qtbot.keyClick(run.last, Qt.Key.Key_Return)
    assert (desk.state.range_first, desk.state.range_last) == (20, 35)
    type_into(qtbot, run.first, "5")
    desk.controller.set_threshold(0.6)  # the state is shown anew while somebody types
    qtbot.keyClicks(run.first, "0")
    assert desk.state.range_last == 35
    qtbot.keyClick(run.first, Qt.Key.Key_Backspace)
    qtbot.keyClick(run.first, Qt.Key.Key_Return)
    assert (desk.state.range_first, desk.state.range_last) == (5, 35)


@pytest.mark.parametrize("typed", ["0.25", "0.475"])
def test_a_threshold_is_typed(desk, qtbot, typed: str) -> None:
    box = desk.panel.model.threshold.native
    type_into(qtbot, box, typed)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert desk.state.threshold == pytest.approx(float(typed))
    assert box.text() == f"{float(typed):.3f}"


def test_run_takes_a_number_that_is_still_being_typed(desk, qtbot) -> None:
    type_into(qtbot, desk.panel.model.threshold.native, "0.35")
    desk.panel.run.run_button.click()  # without taking the focus, as on macOS
    assert desk.engine.segment.call_args.args[0].threshold == pytest.approx(0.35)
