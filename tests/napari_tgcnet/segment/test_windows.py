"""Intensity windows: presets of a CT, their keys, and what the model gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import Qt

from napari_tgcnet._sample_data import phantom
from napari_tgcnet.segment import messages
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.segment.viewer_layers import ViewerLayers
from napari_tgcnet.segment.views.window_view import WindowView
from napari_tgcnet.segment.windows import WINDOW_KEYS, WindowKeys
from napari_tgcnet.shared import layers
from napari_tgcnet.shared import messages as shared_messages
from napari_tgcnet.shared.case import ImageInfo
from napari_tgcnet.shared.window_presets import PRESETS, first_limits, offered_windows
from tgcnet.domain import Modality, NamedWindow
from tgcnet.engine.protocol import Begun, Finished, ShownWindow
from tgcnet.samples import phantom_stack

OWN = NamedWindow(name="LUNG HR", low=-1000.0, high=0.0)
CT = ImageInfo(id="ct", name="ct", num_slices=4, modality="ct", windows=(*PRESETS, OWN))


def choose_ct(desk) -> None:
    desk.layers.images.return_value = (CT,)
    desk.controller.refresh_images()


def test_the_presets_are_what_radiologists_mean_by_their_names() -> None:
    said = [(p.name, (p.low + p.high) / 2, p.high - p.low) for p in PRESETS]
    assert said == [
        ("Lung", -600, 1500),
        ("Mediastinum", 40, 400),
        ("Bone", 480, 2500),
        ("Soft tissue", 50, 350),
    ]


def test_a_ct_has_the_presets_and_those_of_its_file() -> None:
    windows, reason = offered_windows(Modality.CT, is_windowed=False, from_file=(OWN,))
    assert (windows, reason) == ((*PRESETS, OWN), "")


@pytest.mark.parametrize(
    ("modality", "is_windowed", "reason"),
    [
        (Modality.CT, True, shared_messages.NO_WINDOWS_8_BIT),
        (Modality.XRAY, False, shared_messages.NO_WINDOWS[Modality.XRAY]),
        (Modality.UNKNOWN, False, shared_messages.NO_WINDOWS[Modality.UNKNOWN]),
    ],
)
def test_whatever_is_no_ct_in_hounsfield_units_has_none_and_says_why(
    modality: Modality, is_windowed: bool, reason: str
) -> None:
    assert offered_windows(modality, is_windowed=is_windowed, from_file=(OWN,)) == ((), reason)


def test_the_first_limits_are_the_files_else_the_lungs_and_no_scan_of_the_data() -> None:
    volume = phantom_stack()
    assert first_limits(replace(volume, windows=(OWN,))) == (-1000.0, 0.0)
    assert first_limits(replace(volume, windows=())) == (-1350.0, 150.0)
    assert first_limits(replace(volume, is_display_ready=True)) == (0.0, 255.0)
    assert first_limits(replace(volume, modality=Modality.UNKNOWN, windows=())) is None


def test_of_a_lazy_volume_without_any_window_one_slice_is_looked_at() -> None:
    class OneSlice:
        def __len__(self) -> int:
            return 9

        def __getitem__(self, index: int) -> np.ndarray:
            assert index == 4
            return np.array([[3, 8]])

    lazy: Any = OneSlice()
    volume = replace(phantom_stack(), array=lazy, modality=Modality.UNKNOWN, windows=())
    assert first_limits(volume) == (3.0, 8.0)


def test_a_preset_sets_the_limits_of_the_image(desk) -> None:
    choose_ct(desk)
    desk.controller.windows.show(1)
    desk.layers.show_window.assert_called_once_with("ct", -160.0, 240.0)
    desk.controller.windows.show(17)
    desk.layers.show_window.assert_called_once()


def test_the_model_sees_what_is_shown_only_where_that_was_chosen(desk) -> None:
    choose_ct(desk)
    desk.layers.shown_window.return_value = (-160.0, 240.0)
    desk.run()
    assert desk.engine.segment.call_args.args[0].window_hu is None
    desk.controller.handle_event(finished())
    desk.controller.windows.use_for_model(True)
    desk.run()
    assert desk.engine.segment.call_args.args[0].window_hu == (40.0, 400.0)


def test_an_image_without_presets_is_never_given_a_window(desk) -> None:
    desk.controller.windows.use_for_model(True)
    desk.run()
    assert desk.engine.segment.call_args.args[0].window_hu is None
    desk.layers.shown_window.assert_not_called()


def test_after_a_run_the_panel_says_which_window_the_model_got(desk) -> None:
    desk.run()
    window = ShownWindow(low=-160.0, high=240.0, unit="HU")
    desk.controller.handle_event(Begun(request=3, window=window, about_report={}))
    desk.controller.handle_event(finished())
    assert "The model got window 40/400 HU (centre/width)." in desk.state.result.lines
    assert "0 (black) to 255" in messages.model_window(0, 255, "stored")


def test_the_viewer_tells_and_takes_the_limits(qapp) -> None:
    viewer = ViewerModel()
    viewer.add_layer(Layer.create(*phantom()[0]))
    bridge = ViewerLayers(viewer)
    (info,) = bridge.images()
    assert info.windows == PRESETS
    assert bridge.shown_window(info.id) == (-1350.0, 150.0)
    bridge.show_window(info.id, -160, 240)
    assert bridge.shown_window(info.id) == (-160.0, 240.0)
    assert bridge.shown_window("gone") is None


def test_a_layer_of_others_has_presets_once_it_is_said_to_be_a_ct(qapp) -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((4, 8, 8), dtype=np.int16))
    (info,) = layers.list_images(viewer.layers)
    assert info.no_windows == shared_messages.NO_WINDOWS[Modality.UNKNOWN]
    layers.set_modality(image, "ct")
    assert layers.list_images(viewer.layers)[0].windows == PRESETS


def test_keys_show_presets_while_the_panel_is_open(qapp) -> None:
    viewer = ViewerModel()
    shown: list[int] = []
    keys = WindowKeys(viewer, shown.append)
    for function in list(viewer.keymap.values()):
        function(viewer)
    assert shown == [0, 1, 2, 3, 4]
    keys.close()
    assert not viewer.keymap


def test_a_key_that_somebody_else_has_stays_theirs(qapp) -> None:
    viewer = ViewerModel()
    heard: list[object] = []
    viewer.bind_key("F6", heard.append)
    WindowKeys(viewer, lambda index: None).close()
    (kept,) = viewer.keymap.values()
    kept(viewer)
    assert heard == [viewer]


def test_one_click_reports_a_preset_and_its_tip_names_the_key(qtbot) -> None:
    view = WindowView()
    qtbot.addWidget(view)
    view.show()
    view.show_state(SegmentState(images=(CT,), image_id="ct", window_for_model=True))
    assert [button.text() for button in view.buttons][:2] == ["Lung", "Mediastinum"]
    assert view.buttons[0].toolTip() == f"Centre -600, width 1500 HU (key {WINDOW_KEYS[0]})"
    assert view.for_model.isChecked()
    with qtbot.waitSignal(view.window_chosen) as chosen:
        qtbot.mouseClick(view.buttons[4], Qt.MouseButton.LeftButton)
    assert chosen.args == [4]
    with qtbot.waitSignal(view.for_model_wanted) as wanted:
        qtbot.mouseClick(view.for_model, Qt.MouseButton.LeftButton)
    assert wanted.args == [False]


def test_where_there_are_no_presets_the_view_says_why(qtbot) -> None:
    view = WindowView()
    qtbot.addWidget(view)
    image = ImageInfo(id="x", name="x", no_windows=shared_messages.NO_WINDOWS_8_BIT)
    view.show_state(SegmentState(images=(image,), image_id="x"))
    assert view.reason.text() == shared_messages.NO_WINDOWS_8_BIT
    assert view.buttons == []


def finished() -> Finished:
    return Finished(
        request=3, device="cpu", seconds=1.0, provenance={"model": "mini"}, slices_done=4
    )
