"""A report of another patient or study is told, and used only once a person says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.napari_tgcnet.conftest import IMAGE

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.identity_check import describe
from napari_tgcnet.segment.state import Phase, SegmentState
from napari_tgcnet.segment.views.panel import SegmentPanelView
from tgcnet.domain import Identity
from tgcnet.io.report_file import ReportFile

OURS = Identity(patient_id="P-1", accession_number="A-1", study_id="1.2")
TEXT = "Opacity in the left lower lung. No effusion."


@pytest.fixture
def opened(desk):
    """Open a report of some identity for an image of ours."""

    def open_report(identity: Identity, image: Identity = OURS) -> None:
        desk.layers.images.return_value = (replace(IMAGE, identity=image),)
        desk.controller.refresh_images()
        desk.files.read_report.return_value = ReportFile(text=TEXT, identity=identity)
        desk.controller.reports.open("report.dcm")

    return open_report


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (OURS, "Report and image: patient the same, accession number the same, study the same."),
        (
            Identity(patient_id="P-2"),
            "Report and image: patient DIFFERENT, accession number unknown, study unknown.",
        ),
        (Identity(), "Whether report and image are of one patient and study is unknown."),
    ],
)
def test_what_is_known_is_said_without_an_identifier(desk, opened, report, said) -> None:
    opened(report)
    assert describe(desk.state) == said


def test_nothing_is_said_without_a_report(desk, opened) -> None:
    opened(Identity(patient_id="P-2"))
    desk.controller.reports.edit("")
    assert describe(desk.state) == ""


@pytest.mark.parametrize("name", ["patient_id", "accession_number", "study_id"])
def test_a_difference_stops_run_and_correction_until_confirmed(desk, opened, name) -> None:
    opened(replace(OURS, **{name: "another"}))
    desk.controller.run.start()
    assert (desk.state.problem, desk.state.phase) == (messages.CONFIRM_REPORT, Phase.IDLE)
    desk.controller.corrections.save()
    assert desk.state.problem == messages.CONFIRM_REPORT
    desk.engine.read_report.assert_not_called()
    desk.layers.snapshot_correction.assert_not_called()
    desk.controller.reports.confirm()
    assert desk.state.problem == ""
    desk.controller.run.start()
    desk.engine.read_report.assert_called_once_with(TEXT, model="mini")


def test_what_one_of_them_does_not_say_stops_nothing(desk, opened) -> None:
    opened(Identity(patient_id="P-1"), image=Identity(study_id="1.2"))
    desk.controller.run.start()
    desk.engine.read_report.assert_called_once()


def test_an_edited_report_stays_the_files_and_a_pasted_one_is_nobodys(desk, opened) -> None:
    opened(Identity(patient_id="P-2"))
    desk.controller.reports.confirm()
    desk.controller.reports.edit(TEXT.replace("left", "right"))
    assert desk.state.draft.identity.patient_id == "P-2"
    assert desk.state.draft.is_confirmed
    desk.controller.reports.edit("Consolidation of both lungs, pleural effusion on the right side.")
    assert desk.state.draft.identity == Identity()
    assert not desk.state.draft.is_confirmed


def test_the_next_file_has_to_be_confirmed_anew(desk, opened) -> None:
    opened(Identity(patient_id="P-2"))
    desk.controller.reports.confirm()
    desk.controller.reports.open("again.dcm")
    desk.controller.run.start()
    assert desk.state.problem == messages.CONFIRM_REPORT


def test_the_view_asks_only_where_they_differ(qtbot, desk, opened) -> None:
    view = SegmentPanelView()
    qtbot.addWidget(view)
    view.show()
    opened(OURS)
    view.show_state(desk.state)
    assert view.report.identity.isVisible()
    assert not view.report.confirm_button.isVisible()
    opened(Identity(patient_id="P-2"))
    view.show_state(desk.state)
    assert view.report.confirm_button.isVisible()
    with qtbot.waitSignal(view.report.report_confirmed):
        view.report.confirm_button.click()
    view.show_state(SegmentState())
    assert not view.report.identity.isVisible()


def test_half_a_character_from_a_clipboard_becomes_a_mark(desk) -> None:
    desk.controller.reports.edit("\ud800 opacity")
    assert desk.state.report == "\ufffd opacity"
