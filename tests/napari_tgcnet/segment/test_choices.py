"""The chosen image and what belongs to it; an engine that never got ready."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.controller import SegmentController
from napari_tgcnet.segment.ports import Engine, Files
from napari_tgcnet.segment.state import Phase
from napari_tgcnet.segment.viewer_layers import ViewerLayers
from napari_tgcnet.shared import messages as shared_messages
from napari_tgcnet.shared.case import ImageInfo
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import View, Workers
from tgcnet.engine.protocol import (
    Begun,
    Cancelled,
    Died,
    Failed,
    Finished,
    ShownWindow,
    SliceDone,
)
from tgcnet.io.report_file import ReportFile

OTHER = ImageInfo(id="b", name="other")
DIED = Died(exit_code=3, sentence="The model's process stopped by itself.", requests=(1,))
FINISHED = Finished(
    request=1,
    device="cpu",
    seconds=2.0,
    provenance={"model": "mini"},
    slices_done=4,
)


def drop_in(desk, *images: ImageInfo) -> None:
    """What the viewer tells when its layers change."""
    desk.layers.images.return_value = images
    desk.controller.refresh_images()


def test_an_image_dropped_into_the_viewer_is_chosen_and_has_a_report_of_its_own(desk) -> None:
    first = desk.state.image
    desk.controller.reports.edit("of the first patient")
    drop_in(desk, first, OTHER)
    assert (desk.state.image_id, desk.state.report) == ("b", "")
    desk.controller.reports.edit("of the second patient")
    desk.controller.run.start()
    desk.read()
    order = desk.engine.segment.call_args.args[0]
    assert (order.image_id, order.report) == ("b", "of the second patient")
    desk.controller.handle_event(Cancelled(request=3, slices_done=0))
    desk.controller.choose_image("a")
    assert desk.state.report == "of the first patient"


def test_a_report_written_before_any_image_is_the_first_ones(desk) -> None:
    drop_in(desk)
    desk.controller.reports.edit("written early")
    drop_in(desk, OTHER)
    assert desk.state.report == "written early"
    drop_in(desk)
    assert desk.state.report == ""


def test_a_report_from_a_file_goes_to_the_image_it_was_opened_for(desk) -> None:
    first = desk.state.image

    def read_while_layers_change(path: object, about: object) -> ReportFile:
        drop_in(desk, OTHER)
        return ReportFile(text="of the first patient")

    desk.files.read_report.side_effect = read_while_layers_change
    desk.controller.reports.open("report.txt")
    assert (desk.state.image_id, desk.state.report) == ("b", "")
    drop_in(desk, OTHER, first)
    assert desk.state.report == "of the first patient"


def test_the_selected_image_is_chosen_but_not_in_mid_run(desk) -> None:
    first = desk.state.image
    drop_in(desk, first, OTHER)
    desk.layers.active_image.return_value = "a"
    desk.controller.follow_active()
    assert desk.state.image_id == "a"
    desk.run()
    desk.layers.active_image.return_value = "b"
    desk.controller.follow_active()
    drop_in(desk, first, OTHER, ImageInfo(id="c", name="third"))
    assert desk.state.image_id == "a"


def test_a_result_is_not_shown_on_another_image(desk) -> None:
    first = desk.state.image
    drop_in(desk, OTHER, first)
    desk.controller.choose_image("a")
    desk.run()
    desk.controller.handle_event(SliceDone(request=3, z=1))
    drop_in(desk, OTHER)
    desk.controller.handle_event(FINISHED)
    assert (desk.state.image_id, desk.state.result) == ("b", None)
    assert messages.RESULT_ELSEWHERE in desk.state.notices


def test_the_modality_can_be_chosen_and_taken_back(desk) -> None:
    desk.layers.images.return_value = (replace(desk.state.image, modality_choice="ct"),)
    desk.controller.choose_modality("ct")
    desk.layers.set_modality.assert_called_once_with("a", "ct")
    assert desk.state.image.modality_choice == "ct"
    desk.run()
    desk.controller.choose_modality("auto")  # not in mid-run
    desk.layers.set_modality.assert_called_once()


def test_the_run_begins_with_what_is_known_of_the_mask(desk) -> None:
    desk.run()
    known = {"model": "mini", "sha256": "0", "threshold": "0.4"}
    assert desk.layers.open_run.call_args.args[3] == known


def test_a_run_that_ends_early_names_its_report_all_the_same(desk) -> None:
    desk.run()
    window, about = ShownWindow(low=0.0, high=255.0, unit="stored"), {"report_hmac_sha256": "00"}
    desk.controller.handle_event(Begun(request=3, window=window, about_report=about))
    desk.layers.add_provenance.assert_called_once_with(about)


def test_a_layer_of_four_axes_is_refused_in_words(qapp) -> None:
    viewer = ViewerModel()
    bridge, engine = ViewerLayers(viewer), Mock(spec=Engine)
    view, workers, files = Mock(spec=View), Mock(spec=Workers), Mock(spec=Files)
    controller = SegmentController(
        view=view,
        layers=bridge,
        engine=engine,
        workers=workers,
        files=files,
        session=Session(Path("ledger")),
    )
    viewer.add_image(np.zeros((2, 3, 4, 5)))
    controller.open_panel()
    controller._store.become(replace(controller._store.state, model="mini"))
    controller.reports.edit("left lower zone")
    controller.run.start()
    assert controller.state.problem == shared_messages.wrong_axes(4)
    assert controller.state.phase is Phase.IDLE
    engine.read_report.assert_not_called()


@pytest.fixture
def starting(desk):
    """A desk whose engine has not answered yet."""
    desk.controller._store.become(
        replace(desk.controller._store.state, engine_ready=False, models=(), model=None)
    )
    return desk


def test_an_engine_that_never_got_ready_can_be_tried_again(starting, desk_class) -> None:
    starting.controller.handle_event(DIED)
    assert starting.state.engine_problem == DIED.sentence
    starting.engine.describe.assert_not_called()
    starting.controller.run.retry_engine()
    starting.engine.describe.assert_called_once_with()
    assert starting.state.engine_problem == ""


def test_the_death_after_a_known_reason_does_not_hide_it(starting) -> None:
    reason = "torch and torchvision must come as a matching pair."
    starting.controller.handle_event(Failed(request=None, sentence=reason, kind="EngineError"))
    starting.controller.handle_event(DIED)
    assert starting.state.engine_problem == reason
    starting.controller.open_panel()  # layers come and go
    assert starting.state.engine_problem == reason


def test_a_run_that_failed_for_a_known_reason_keeps_it(desk) -> None:
    desk.run()
    reason = "torch and torchvision must come as a matching pair."
    desk.controller.handle_event(Failed(request=None, sentence=reason, kind="EngineError"))
    desk.controller.handle_event(DIED)
    assert desk.state.problem == reason
