"""What the panel of studies does at each action, without a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from napari_tgcnet.study import messages
from napari_tgcnet.study.state import Activity
from tgcnet.errors import Cancelled, InputError
from tgcnet.io.dicom.series import Listing


def test_a_folder_is_listed_with_the_first_series_that_can_be_opened_selected(desk) -> None:
    desk.controller.list_path("some/folder")
    assert (desk.state.activity, desk.state.source) == (Activity.LISTING, "folder")
    desk.workers.work()
    assert desk.studies.list_series.call_args.args[0] == Path("some/folder")
    assert not desk.state.is_busy
    assert [row.can_open for row in desk.state.rows] == [True, False]
    assert desk.state.selected == 0
    assert desk.state.skipped[0].reason == "no DICOM file"


def test_a_row_shows_what_the_headers_say_and_no_patient(desk) -> None:
    desk.controller.show_listing("folder", desk.studies.list_series.return_value)
    first, second = desk.state.rows
    assert (first.patient, first.date, first.modality) == ("PA••15", "2024-01-02", "CT")
    assert (first.num_slices, messages.size(first)) == (3, "512 x 256, 0.8 MB")
    assert first.remarks == ("Spacing varies by 2 %.",)
    assert (second.description, second.refusals) == ("series 3", ("Slice 2 is missing.",))


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("PATIENT-0815", "PA••15"), ("12345", "1••5"), ("abc", "••"), ("", "\N{EN DASH}")],
)
def test_a_patients_identifier_is_never_shown_whole(identifier: str, shown: str) -> None:
    assert messages.patient(identifier) == shown


def test_the_progress_of_a_listing_is_shown(desk) -> None:
    def list_series(path, on_progress):
        assert on_progress(0.4)
        shown.append(desk.state.fraction)
        return Listing(series=())

    shown: list[float] = []
    desk.studies.list_series.side_effect = list_series
    desk.controller.list_path("folder")
    desk.workers.work()
    assert shown == [0.4]
    assert messages.summary(desk.state) == messages.NOTHING_FOUND


def test_a_listing_that_is_cancelled_ends_at_its_next_file_and_shows_nothing(desk) -> None:
    def list_series(path, on_progress):
        assert not on_progress(0.5)
        raise Cancelled("anything")

    desk.studies.list_series.side_effect = list_series
    desk.controller.list_path("folder")
    desk.controller.cancel()
    assert desk.state.notices == (messages.CANCELLED,)
    desk.workers.work()
    assert (desk.state.problem, desk.state.rows, desk.state.is_busy) == ("", (), False)


def test_a_listing_that_fails_is_a_sentence(desk) -> None:
    desk.studies.list_series.side_effect = InputError("folder is empty.")
    desk.controller.list_path("folder")
    desk.workers.work()
    assert (desk.state.problem, desk.state.is_busy) == ("folder is empty.", False)


def test_a_series_is_opened_at_once_and_the_rest_of_it_loaded_after(desk) -> None:
    desk.list_and_open()
    desk.layers.add.assert_called_once_with(desk.studies.open_series.return_value)
    assert desk.state.notices == ("Merged.",), "what the table says is not said twice"
    assert (desk.state.num_loaded, desk.state.num_to_load) == (0, 3)
    desk.workers.work()
    assert not desk.state.is_loading


def test_the_progress_of_loading_is_shown(desk) -> None:
    def load(opened, on_slice):
        assert on_slice(2)
        shown.append((desk.state.num_loaded, desk.state.num_to_load))

    shown: list[tuple[int, int]] = []
    desk.studies.load.side_effect = load
    desk.list_and_open()
    desk.workers.work()
    assert shown == [(2, 3)]


def test_a_refused_series_can_be_looked_at_and_not_opened(desk) -> None:
    desk.controller.list_path("folder")
    desk.workers.work()
    desk.controller.open_series(1)
    assert desk.state.row.refusals == ("Slice 2 is missing.",)
    assert not desk.state.can_open
    desk.studies.open_series.assert_not_called()


def test_too_little_memory_is_a_sentence_and_no_layer(desk) -> None:
    desk.studies.open_series.side_effect = InputError("The series needs 9 GB of memory.")
    desk.list_and_open()
    assert desk.state.problem == "The series needs 9 GB of memory."
    desk.layers.add.assert_not_called()


def test_an_opening_that_is_cancelled_adds_no_layer(desk) -> None:
    desk.controller.list_path("folder")
    desk.workers.work()
    desk.controller.open_series(0)
    desk.controller.cancel()
    desk.workers.work()
    desk.layers.add.assert_not_called()


def test_loading_can_be_cancelled_and_the_layer_stays(desk) -> None:
    def load(opened, on_slice):
        desk.controller.cancel()
        assert not on_slice(1)

    desk.studies.load.side_effect = load
    desk.list_and_open()
    desk.workers.work()
    assert not desk.state.is_loading
    assert desk.state.notices[-1] == messages.LOADING_STOPPED
    assert desk.state.problem == ""


def test_loading_ends_when_the_layer_is_gone(desk) -> None:
    def load(opened, on_slice):
        assert not on_slice(1)

    desk.layers.has.return_value = False
    desk.studies.load.side_effect = load
    desk.list_and_open()
    desk.workers.work()
    assert not desk.state.is_loading


def test_a_slice_that_cannot_be_decoded_is_reported(desk) -> None:
    desk.studies.load.side_effect = InputError("slice.dcm is damaged.")
    desk.list_and_open()
    desk.workers.work()
    assert desk.state.problem == "slice.dcm is damaged."


@pytest.mark.parametrize("opens_single", [True, False])
def test_the_only_series_of_what_was_dropped_is_opened(desk, opens_single: bool) -> None:
    desk.controller.list_path("folder", opens_single=opens_single)
    desk.workers.work()
    assert (desk.state.activity is Activity.OPENING) == opens_single


def test_of_several_series_none_is_opened_by_itself(desk) -> None:
    first, _ = desk.studies.list_series.return_value.series
    desk.studies.list_series.return_value = Listing(series=(first, first))
    desk.controller.list_path("folder", opens_single=True)
    desk.workers.work()
    assert not desk.state.is_busy


def test_while_one_is_listed_another_is_not(desk) -> None:
    desk.controller.list_path("first")
    desk.controller.list_path("second")
    desk.controller.show_listing("third", Listing(series=()))
    assert desk.state.source == "first"
    assert len(desk.workers.waiting) == 1


def test_after_the_panels_end_nothing_is_shown_and_the_rest_not_loaded(desk) -> None:
    def load(opened, on_slice):
        assert not on_slice(1)

    desk.studies.load.side_effect = load
    desk.list_and_open()
    shown = desk.view.show_state.call_count
    desk.controller.close()
    desk.workers.work()
    assert desk.view.show_state.call_count == shown


def test_skipped_files_are_shown_on_demand(desk) -> None:
    desk.controller.list_path("folder")
    desk.workers.work()
    desk.controller.show_skipped(True)
    assert desk.state == replace(desk.state, shows_skipped=True)
