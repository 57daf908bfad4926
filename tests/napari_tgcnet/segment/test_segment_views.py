"""Each view alone: it shows a state and reports actions, nothing else."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import pytest
from qtpy.QtCore import QMimeData, Qt
from qtpy.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.controller import SegmentController
from napari_tgcnet.segment.reports import Reports
from napari_tgcnet.segment.run_control import RunControl
from napari_tgcnet.segment.save_correction import CorrectionSaver
from napari_tgcnet.segment.state import (
    Asking,
    DeviceChoice,
    ModelChoice,
    Option,
    Phase,
    Question,
    ResultSummary,
    Scope,
    SegmentState,
)
from napari_tgcnet.segment.views.panel import SegmentPanelView
from napari_tgcnet.segment.views.result_view import with_ending
from napari_tgcnet.segment.windows import Windows
from napari_tgcnet.shared import messages as shared_messages
from napari_tgcnet.shared.case import Draft, ImageInfo

STATE = SegmentState(
    engine_ready=True,
    images=(
        ImageInfo(id="a", name="same", num_slices=9, sides="Sides are known."),
        ImageInfo(id="b", name="same", sample_report="Sample text."),
    ),
    image_id="a",
    models=(ModelChoice(name="mini", label="mini", findings=("infection",)),),
    model="mini",
    devices=(
        DeviceChoice(name="auto", label="Automatic"),
        DeviceChoice(name="cuda:0", label="GPU (3.0 GiB free)"),
    ),
    range_last=8,
)


@pytest.fixture
def panel(qtbot) -> SegmentPanelView:
    panel = SegmentPanelView()
    qtbot.addWidget(panel)
    panel.show_state(STATE)
    panel.show()
    return panel


def test_showing_a_state_reports_nothing(panel, qtbot) -> None:
    signals = [
        panel.image.image_chosen,
        panel.model.model_chosen,
        panel.model.device_chosen,
        panel.image.modality_chosen,
        panel.model.threshold_chosen,
        panel.report.report_edited,
        panel.run.scope_chosen,
        panel.run.range_chosen,
        panel.correction.reviewed_edited,
        panel.correction.notes_edited,
    ]
    heard: list[object] = []
    for signal in signals:
        signal.connect(heard.append)
    changed = replace(
        STATE,
        image_id="b",
        device="cuda:0",
        draft=Draft(report="text"),
        scope=Scope.RANGE,
        threshold=0.3,
    )
    panel.show_state(changed)
    panel.show_state(SegmentState())
    assert heard == []


def test_every_signal_of_the_views_reaches_the_controller(panel) -> None:
    controller = Mock(spec=SegmentController)
    controller.run = Mock(spec=RunControl)
    controller.windows = Mock(spec=Windows)
    controller.reports = Mock(spec=Reports)
    controller.corrections = Mock(spec=CorrectionSaver)
    panel.connect_to(controller)
    panel.image.image_chosen.emit("b")
    panel.window_view.window_chosen.emit(2)
    panel.report.report_edited.emit("left")
    panel.model.threshold_chosen.emit(0.5)
    panel.run.range_chosen.emit(1, 3)
    panel.run.run_requested.emit()
    panel.question.answered.emit("yes")
    panel.result.save_chosen.emit("mask.dcm", True)
    panel.correction.notes_edited.emit("rim")
    controller.choose_image.assert_called_once_with("b")
    controller.windows.show.assert_called_once_with(2)
    controller.reports.edit.assert_called_once_with("left")
    controller.set_threshold.assert_called_once_with(0.5)
    controller.run.set_range.assert_called_once_with(1, 3)
    controller.run.start.assert_called_once_with()
    controller.run.answer.assert_called_once_with("yes")
    controller.save_mask.assert_called_once_with("mask.dcm", True)
    controller.corrections.edit_notes.assert_called_once_with("rim")


def test_two_images_of_one_name_are_two_choices(panel, qtbot) -> None:
    with qtbot.waitSignal(panel.image.image_chosen) as heard:
        panel.image.chooser.value = "b"
    assert heard.args == ["b"]


def test_device_and_threshold(panel, qtbot) -> None:
    with qtbot.waitSignal(panel.model.device_chosen) as heard:
        panel.model.device.value = "cuda:0"
    assert heard.args == ["cuda:0"]
    with qtbot.waitSignal(panel.model.threshold_chosen) as heard:
        panel.model.threshold.value = 0.25
    assert heard.args == [0.25]
    assert "infection" in panel.model.findings.text()


def test_the_report_is_typed_or_pasted_as_plain_text(panel, qtbot) -> None:
    mime = QMimeData()
    mime.setHtml("<b>Left</b> lower zone")
    mime.setText("Left lower zone")
    QApplication.clipboard().setMimeData(mime)
    with qtbot.waitSignal(panel.report.report_edited) as heard:
        panel.report.text.paste()
    assert heard.args == ["Left lower zone"]


def test_the_samples_report_is_offered_where_there_is_one(panel, qtbot) -> None:
    assert not panel.report.sample_button.isVisible()
    panel.show_state(replace(STATE, image_id="b"))
    assert panel.report.sample_button.isVisible()
    with qtbot.waitSignal(panel.report.sample_report_wanted):
        panel.report.sample_button.click()
    panel.show_state(replace(STATE, image_id="b", draft=Draft(report="Sample text.")))
    assert not panel.report.sample_button.isVisible()


def test_scope_and_range(panel, qtbot) -> None:
    with qtbot.waitSignal(panel.run.scope_chosen) as heard:
        panel.run.scopes[Scope.RANGE].click()
    assert heard.args == ["range"]
    panel.show_state(replace(STATE, scope=Scope.RANGE))
    with qtbot.waitSignal(panel.run.range_chosen) as heard:
        panel.run.first.setValue(3)
    assert heard.args == [3, 8]
    panel.show_state(replace(STATE, image_id="b"))
    assert not panel.run.slices_row.isVisible()


def test_run_progress_and_cancel(panel, qtbot) -> None:
    with qtbot.waitSignal(panel.run.run_requested):
        qtbot.mouseClick(panel.run.run_button, Qt.MouseButton.LeftButton)
    panel.show_state(replace(STATE, phase=Phase.RUNNING, fraction=0.5, seconds_left=30.0))
    assert not panel.run.run_button.isEnabled()
    assert panel.run.progress.value() == 500
    assert panel.run.status.text() == "Segmenting… about 30 s left"
    with qtbot.waitSignal(panel.run.cancel_requested):
        qtbot.mouseClick(panel.run.cancel_button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine_ready": False}, messages.ENGINE_STARTING),
        ({"engine_ready": False, "engine_problem": "No torch."}, "No torch."),
        ({"models": (), "model": None}, messages.NO_MODEL),
        ({"images": (), "image_id": None}, messages.NO_IMAGE),
        ({}, messages.READY),
    ],
)
def test_the_status_says_what_is_missing(panel, changes, words) -> None:
    panel.show_state(replace(STATE, **changes))
    assert panel.run.status.text() == words


def test_a_question_has_a_button_for_each_answer(panel, qtbot) -> None:
    assert not panel.question.isVisible()
    options = (Option(value="ct", label="CT"), Option(value="xray", label="X-ray"))
    question = Question(kind=Asking.MODALITY, text="Which is it?", options=options)
    panel.show_state(replace(STATE, phase=Phase.ASKING, question=question))
    assert panel.question.text.text() == "Which is it?"
    with qtbot.waitSignal(panel.question.answered) as heard:
        qtbot.mouseClick(panel.question.buttons["xray"], Qt.MouseButton.LeftButton)
    assert heard.args == ["xray"]
    panel.show_state(STATE)
    assert not panel.question.isVisible()


def test_result_notices_and_problem(panel, qtbot) -> None:
    assert not panel.result.jump_button.isVisible()
    result = ResultSummary(lines=("infection: 3.1 mL", "2.0 s on cpu."), largest_slice=4)
    panel.show_state(
        replace(STATE, result=result, notices=("One.",), problem="Two.", can_save=True)
    )
    assert panel.result.result.text() == "infection: 3.1 mL\n2.0 s on cpu."
    assert (panel.result.notices.text(), panel.result.problem.text()) == ("One.", "Two.")
    with qtbot.waitSignal(panel.result.jump_requested):
        panel.result.jump_button.click()
    assert panel.result.save_button.isEnabled()


def test_a_chosen_path_is_passed_on(panel, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: ("scan.png", ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: ("mask.png", ""))
    panel.show_state(replace(STATE, can_save=True))
    with qtbot.waitSignal(panel.image.open_chosen) as heard:
        panel.image.open_button.click()
    assert heard.args == ["scan.png"]
    with qtbot.waitSignal(panel.report.report_file_chosen):
        panel.report.open_button.click()
    with qtbot.waitSignal(panel.result.save_chosen) as heard:
        panel.result.save_button.click()
    assert heard.args == ["mask.png", False]


def test_research_use_stands_in_the_panel(panel) -> None:
    assert shared_messages.RESEARCH_USE in [label.text() for label in panel.findChildren(QLabel)]


def test_an_engine_that_failed_offers_to_try_again(panel, qtbot) -> None:
    assert not panel.run.retry_button.isVisible()
    panel.show_state(replace(STATE, engine_ready=False, engine_problem="No torch."))
    with qtbot.waitSignal(panel.run.retry_requested):
        qtbot.mouseClick(panel.run.retry_button, Qt.MouseButton.LeftButton)


def test_the_modality_is_shown_and_chosen(panel, qtbot) -> None:
    assert panel.image.modality.value == "auto"
    with qtbot.waitSignal(panel.image.modality_chosen) as heard:
        panel.image.modality.value = "xray"
    assert heard.args == ["xray"]
    ct = replace(STATE.images[0], modality_choice="ct")
    panel.show_state(replace(STATE, images=(ct,)))
    assert panel.image.modality.value == "ct"
    panel.show_state(replace(STATE, phase=Phase.RUNNING))
    assert not panel.image.modality.enabled


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("mask", "NIfTI (*.nii.gz *.nii)", "mask.nii.gz"),
        ("mask.v2", "TIFF (*.tif *.tiff)", "mask.v2.tif"),
        ("mask", "PNG, one slice only (*.png)", "mask.png"),
        ("mask.NII", "PNG, one slice only (*.png)", "mask.NII"),
        ("mask", "", "mask"),
    ],
)
def test_a_name_without_an_ending_gets_the_filters(path, kind, expected) -> None:
    assert with_ending(path, kind) == expected


def test_a_file_that_the_dialog_did_not_ask_about_is_not_replaced_unasked(
    panel, monkeypatch, tmp_path
) -> None:
    (tmp_path / "mask.nii.gz").touch()
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    chosen = (str(tmp_path / "mask"), "NIfTI (*.nii.gz *.nii)")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: chosen)
    monkeypatch.setattr(QMessageBox, "question", lambda *a, **k: answers.pop(0))
    panel.show_state(replace(STATE, can_save=True))
    heard: list[str] = []
    panel.result.save_chosen.connect(lambda path, _: heard.append(path))
    panel.result.save_button.click()
    assert heard == []
    panel.result.save_button.click()
    assert heard == [str(tmp_path / "mask.nii.gz")]
    assert answers == []


def test_a_correction_is_written_and_saved(panel, qtbot, monkeypatch) -> None:
    view = panel.correction
    panel.show_state(replace(STATE, can_save=True, ledger="mine", ledger_path="C:/mine"))
    assert view.reviewed_row.isVisible()
    assert (view.ledger.text(), view.ledger.toolTip()) == ("Kept in: mine", "C:/mine")
    with qtbot.waitSignal(panel.correction.reviewed_edited) as heard:
        qtbot.keyClicks(view.reviewed, "3")
    assert heard.args == ["3"]
    with qtbot.waitSignal(panel.correction.notes_edited) as heard:
        qtbot.keyClicks(view.notes, "r")
    assert heard.args == ["r"]
    with qtbot.waitSignal(panel.correction.patient_edited) as heard:
        qtbot.keyClicks(view.patient, "A")
    assert heard.args == ["A"]
    with qtbot.waitSignals(
        [
            panel.correction.current_marked,
            panel.correction.all_marked,
            panel.correction.correction_wanted,
        ]
    ):
        view.current_button.click()
        view.all_button.click()
        view.save_button.click()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/elsewhere")
    with qtbot.waitSignal(panel.correction.ledger_chosen) as heard:
        view.ledger_button.click()
    assert heard.args == ["/elsewhere"]
    panel.show_state(replace(STATE, image_id="b", can_save=False))
    assert not view.reviewed_row.isVisible()
    assert not view.save_button.isEnabled()
