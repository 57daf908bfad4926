"""Each part of the panel alone: it shows a state and reports actions, nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QPalette, QWheelEvent
from qtpy.QtWidgets import QApplication, QFileDialog, QLabel, QScrollArea
from tests.napari_tgcnet.finetune.fake_controller import FakeController

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.progress import Progress, Stage
from napari_tgcnet.finetune.state import (
    Estimate,
    FinetuneState,
    ModelListing,
    ModelRow,
    Options,
    Phase,
)
from napari_tgcnet.finetune.views.curves import smoothed
from napari_tgcnet.finetune.views.panel import FinetuneView
from tgcnet.finetune.events import Done, Scored, SliceCompared, Stopped
from tgcnet.finetune.run_folder import RunStatus

STATE = FinetuneState(
    ledger=Path("somewhere") / "corrections",
    models=ModelListing(
        rows=(
            ModelRow(name="mini", is_active=True),
            ModelRow(name="tuned", is_own=True, lineage=("Fine-tuned from “mini”.", "It won.")),
        )
    ),
    selected="mini",
    estimate=Estimate(
        num_slices=24, num_patients=6, num_held_out=8, num_held_out_patients=2,
        feature_bytes=190 * 2**20,
    ),
)  # fmt: skip
RUNNING = replace(
    STATE,
    phase=Phase.RUNNING,
    progress=Progress(
        stage=Stage.TRAINING, fraction=0.3, step=3, total_steps=10, seconds_left=600.0,
        losses=((1, 0.9), (2, 0.7), (3, 0.8)),
        scores=(Scored(epoch=0, step=0, dice_pooled=0.6, dice_mean=0.5),),
        log=("10:00  One.", "10:01  Two."),
    ),
)  # fmt: skip
SLICES = (
    SliceCompared(case_id="a" * 16, z=1, dice_before=0.5, dice_after=0.9),
    SliceCompared(case_id="b" * 16, z=2, dice_before=0.8, dice_after=0.7),
)


@pytest.fixture
def controller() -> FakeController:
    return FakeController()


@pytest.fixture
def panel(qtbot, controller) -> FinetuneView:
    panel = FinetuneView()
    panel.connect_to(controller)
    qtbot.addWidget(panel)
    panel.resize(400, 900)
    panel.show_state(STATE)
    panel.show()
    return panel


@pytest.fixture
def done(report) -> FinetuneState:
    progress = replace(
        RUNNING.progress, report=report, slices=SLICES, end=Done(model="tuned"), candidate="tuned"
    )
    return replace(
        STATE, phase=Phase.ENDED, ended=RunStatus.DONE, ending="Done.", progress=progress
    )


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def test_showing_a_state_reports_nothing(panel, controller, done) -> None:
    options = Options(epochs=3, learns="all", replay_share=0.3, batch_size=8, seed=1)
    panel.show_state(replace(done, options=options, chosen_parent="tuned", device="cpu"))
    panel.show_state(STATE)
    assert controller.reported == []


def test_five_fields_and_the_rest_is_folded_away(panel, qtbot) -> None:
    assert not panel.setup.options.isVisible()
    assert panel.setup.options.epochs.isVisible()
    qtbot.mouseClick(panel.setup.advanced.heading, Qt.MouseButton.LeftButton)
    assert panel.setup.options.isVisible()


def test_the_setup_says_what_would_be_learnt(panel) -> None:
    said = panel.setup.estimate.text()
    assert "24 slices of 6 patients" in said
    assert "8 slices of 2 patients" in said
    assert "190 MiB of at most 4.0 GiB" in said
    assert panel.setup.ledger.text() == "corrections"
    assert "at least 100" in panel.setup.reference_hint.text()
    assert panel.setup.parent_model.choices == ("mini", "tuned")


def test_features_that_take_too_much_or_are_not_kept(panel) -> None:
    panel.show_state(replace(STATE, options=Options(cache_limit_gib=0.1)))
    assert "more than the 0.1 GiB allowed" in panel.setup.estimate.text()
    assert STATE.estimate is not None
    panel.show_state(replace(STATE, estimate=replace(STATE.estimate, feature_bytes=0)))
    assert messages.FEATURES_NONE in panel.setup.estimate.text()


def test_what_is_missing_is_said_and_start_is_off(panel) -> None:
    panel.show_state(replace(STATE, estimate=Estimate(missing=messages.NO_LEDGER)))
    assert panel.setup.estimate.text() == messages.NO_LEDGER
    assert not panel.run.start_button.isEnabled()


def test_folders_are_chosen_and_cleared(panel, controller, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "chosen")
    panel.setup.ledger_button.click()
    panel.setup.reference_button.click()
    panel.show_state(replace(STATE, reference=Path("chosen")))
    assert not panel.setup.reference_hint.isVisible()
    panel.setup.clear_button.click()
    assert controller.reported == [
        ("choose_ledger", "chosen"), ("choose_reference", "chosen"), ("choose_reference", ""),
    ]  # fmt: skip


def test_model_and_device(panel, controller) -> None:
    panel.setup.parent_model.value = "tuned"
    panel.setup.device.value = "cpu"
    assert controller.reported == [("choose_parent", "tuned"), ("choose_device", "cpu")]


def test_options_are_reported_whole_and_defaults_left_open(panel, controller) -> None:
    options = panel.setup.options
    options.epochs.setValue(5)
    assert controller.reported == [("set_options", Options(epochs=5))]
    options.learns.value = "decoder"
    options.replay.setValue(0.0)
    options.batch.setValue(8)
    options.seed.setValue(0)
    options.cache.setValue(0.5)
    options.rate.setText("2e-4")
    options.rate.editingFinished.emit()
    assert controller.reported[-1] == (
        "set_options",
        Options(
            epochs=5, learns="decoder", learning_rate=2e-4, replay_share=0.0, batch_size=8,
            cache_limit_gib=0.5, seed=0,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["fast", "-1", "0", "inf", "nan"])
def test_a_rate_that_is_none_goes_back_to_the_default_and_says_so(panel, controller, text) -> None:
    panel.setup.advanced.set_open(True)
    panel.setup.options.rate.setText(text)
    panel.setup.options.rate.editingFinished.emit()
    ((_, options),) = controller.reported
    assert options.learning_rate is None
    assert panel.setup.options.rate.text() == ""
    assert panel.setup.options.rate_problem.isVisible()


def test_buttons_by_phase(panel, controller) -> None:
    run = panel.run
    run.start_button.click()
    panel.show_state(RUNNING)
    assert not run.start_button.isVisible()
    assert not run.kill_button.isVisible()
    run.stop_button.click()
    panel.show_state(replace(RUNNING, phase=Phase.STOPPING))
    assert not run.stop_button.isEnabled()
    assert run.kill_button.isVisible()
    assert not run.kill_button.isEnabled()
    panel.show_state(replace(RUNNING, phase=Phase.STOPPING, can_kill=True))
    run.kill_button.click()
    panel.show_state(replace(RUNNING, phase=Phase.ENDED, ended=RunStatus.STOPPED))
    run.resume_button.click()
    assert controller.reported == [("start",), ("stop",), ("kill",), ("resume",)]


def test_a_start_reads_a_number_that_is_still_being_typed(panel, controller) -> None:
    panel.setup.options.epochs.lineEdit().setText("7")
    panel.run.start_button.click()
    assert controller.reported == [("set_options", Options(epochs=7)), ("start",)]


def test_a_sentence_says_what_a_run_does_and_the_time_left(panel) -> None:
    panel.show_state(RUNNING)
    assert panel.run.status.text() == "Training step 3 of 10. About 10 min left."
    assert panel.run.progress.value() == 300
    preparing = replace(RUNNING.progress, stage=Stage.PREPARING, seconds_left=None)
    panel.show_state(replace(RUNNING, progress=preparing))
    assert panel.run.status.text() == "Preparing features…"
    panel.show_state(replace(RUNNING, progress=Progress()))
    assert panel.run.progress.maximum() == 0, "runs to and fro: nobody knows how long"
    resumed = replace(RUNNING.progress, end=Stopped(sentence="Stopped."))
    panel.show_state(replace(RUNNING, progress=resumed))
    assert panel.run.status.text() == messages.LOADING
    panel.show_state(replace(RUNNING, phase=Phase.ENDED, ending="It broke."))
    assert panel.run.status.text() == "It broke."


def test_a_running_run_is_seen_without_scrolling(panel, qtbot) -> None:
    assert panel.setup_section.is_open
    panel.show_state(RUNNING)
    assert not panel.setup_section.is_open
    qtbot.waitUntil(lambda: panel.run.progress.visibleRegion().isEmpty() is False)
    panel.setup_section.set_open(True)
    panel.show_state(replace(RUNNING, can_kill=True))
    assert panel.setup_section.is_open, "what a person opened stays open"


def test_curves_have_a_point_for_each_step_and_score(panel) -> None:
    curves = panel.run.curves
    assert not panel.run.curves_section.isVisible()
    panel.show_state(RUNNING)
    assert curves.isVisible()
    np.testing.assert_array_equal(curves.raw.getData(), [[1, 2, 3], [0.9, 0.7, 0.8]])
    np.testing.assert_array_equal(curves.pooled.getData(), [[0], [0.6]])
    np.testing.assert_array_equal(curves.mean.getData(), [[0], [0.5]])
    assert len(curves.smooth.getData()[0]) == 3


def test_the_smoothed_loss_begins_at_the_first_and_follows() -> None:
    smooth = smoothed([1.0, 1.0, 0.0, 0.0])
    assert smooth[:2].tolist() == [1.0, 1.0]
    assert 0 < smooth[3] < smooth[2] < 1
    assert len(smoothed([])) == 0


@pytest.mark.parametrize(("ground", "text"), [("#202020", "#f0f0f0"), ("#f0f0f0", "#202020")])
def test_curves_take_the_themes_colours(panel, ground: str, text: str) -> None:
    panel.show_state(RUNNING)
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, QColor(ground))
    palette.setColor(QPalette.ColorRole.WindowText, QColor(text))
    curves = panel.run.curves
    curves.setPalette(palette)
    assert curves.plots.backgroundBrush().color() == QColor(ground)
    assert curves.loss.getAxis("left").textPen().color() == QColor(text)
    line = curves.smooth.opts["pen"].color().lightnessF()
    assert abs(line - QColor(ground).lightnessF()) > 0.3


def test_the_wheel_over_the_curves_is_left_to_the_panel(panel) -> None:
    panel.show_state(RUNNING)
    plots = panel.run.curves.plots
    over = plots.viewport().rect().center()
    event = QWheelEvent(
        QPointF(over), QPointF(plots.viewport().mapToGlobal(over)), QPoint(), QPoint(0, -120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    before = curves_range(panel)
    QApplication.sendEvent(plots.viewport(), event)
    assert not event.isAccepted(), "what nobody accepts goes to the parents, and so to the panel"
    assert curves_range(panel) == before


def curves_range(panel) -> list:
    return panel.run.curves.loss.viewRange()


def test_the_log_is_read_only_and_follows_its_end(panel) -> None:
    many = tuple(f"10:00  Line {number}." for number in range(100))
    panel.show_state(replace(RUNNING, progress=replace(RUNNING.progress, log=many)))
    log = panel.run.log
    assert log.isReadOnly()
    assert log.toPlainText().endswith("Line 99.")
    bar = log.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(3)
    more = (*many, "10:01  One more.")
    panel.show_state(replace(RUNNING, progress=replace(RUNNING.progress, log=more)))
    assert bar.value() == 3, "whoever reads further up stays there"


def test_the_gates_verdict_reasons_and_figures(panel, done, report) -> None:
    assert not panel.gate_section.isVisible()
    panel.show_state(done)
    said = texts(panel.gate)
    assert messages.RECOMMENDED in said
    assert all(reason in said for reason in report.reasons)
    assert "0.700 → 0.750" in said
    assert "+5.0 (+2.0 to +8.0)" in said
    assert "Held-out corrections, given no text: 14 cases of 6 patients" in said
    assert "Reference set, given the report: 312 cases of 300 patients" in said
    assert not panel.gate.icon.pixmap().isNull()
    worse = replace(report, recommended=False, held_out=report.held_out[:1], reference=())
    panel.show_state(replace(done, progress=replace(done.progress, report=worse)))
    said = texts(panel.gate)
    assert messages.NOT_RECOMMENDED in said
    assert "Reference set" not in texts(panel.gate.table)


def test_everything_fits_into_400_px(panel, done) -> None:
    panel.show_state(done)
    panel.setup_section.set_open(True)
    panel.setup.advanced.set_open(True)
    area = panel.findChild(QScrollArea)
    assert area.widget().minimumSizeHint().width() <= 400 - area.verticalScrollBar().width()


def test_slices_are_shown_worst_first_and_reported(panel, controller, done) -> None:
    panel.show_state(done)
    table = panel.compare.table
    shown = [[table.item(row, column).text() for column in range(5)] for row in range(2)]
    assert shown == [
        ["b" * 16, "2", "0.800", "0.700", "-0.100"],
        ["a" * 16, "1", "0.500", "0.900", "+0.400"],
    ]
    panel.compare.show_button.click()
    table.selectRow(1)
    panel.compare.show_button.click()
    assert controller.reported == [("show", SLICES[1]), ("show", SLICES[0])]
    panel.show_state(replace(done, shown=SLICES[0]))
    assert panel.compare.colours.isVisible()
    panel.show_state(replace(done, is_loading=True))
    assert not panel.compare.show_button.isEnabled()


def test_models_lineage_and_buttons(panel, controller) -> None:
    models = panel.models
    assert not models.switch_button.isEnabled(), "it is active"
    assert not models.back_button.isEnabled()
    models.chooser.value = "tuned"
    listing = replace(STATE.models, previous="old")
    panel.show_state(replace(STATE, selected="tuned", models=listing))
    assert models.lineage.text() == "Fine-tuned from “mini”.\nIt won."
    assert models.back_button.text() == "Go back to old"
    for button in (models.switch_button, models.delete_button, models.back_button):
        button.click()
    assert controller.reported == [("select", "tuned"), ("switch",), ("delete",), ("go_back",)]
    panel.show_state(replace(STATE, selected="tuned", is_switching=True))
    assert not models.switch_button.isEnabled()


def test_the_question_stands_in_the_panel(panel, controller) -> None:
    bar = panel.models.question
    assert not bar.isVisible()
    panel.show_state(replace(STATE, question="Switch all the same?"))
    assert bar.isVisible()
    bar.yes.click()
    bar.no.click()
    assert controller.reported == [("answer", True), ("answer", False)]
    panel.show_state(STATE)
    assert not bar.isVisible()


def test_research_use_is_said(panel) -> None:
    assert "Not a medical device" in texts(panel)
