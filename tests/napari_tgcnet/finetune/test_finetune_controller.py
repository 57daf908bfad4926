"""The controller: every action and every end of a run, without a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.run_control import KILL_AFTER_S
from napari_tgcnet.finetune.state import (
    ComparedCase,
    Estimate,
    FoundRun,
    ModelListing,
    ModelRow,
    Options,
    Phase,
    RunRequest,
)
from tgcnet.errors import InputError, LedgerError, OutputError
from tgcnet.finetune.events import (
    Compared,
    Done,
    Failed,
    SliceCompared,
    Stepped,
    Stopped,
    Written,
)
from tgcnet.finetune.run_folder import RunStatus

RUN = Path("runs") / "20260101-000000-abc"
STEP = Stepped(step=1, total=10, loss=0.5, seconds_left=9.0)
SLICE = SliceCompared(case_id="0" * 16, z=3, dice_before=0.5, dice_after=0.7)


def test_opening_lists_models_and_estimates_for_the_active_one(desk) -> None:
    assert desk.state.parent == "mini"
    assert desk.state.estimate is not None
    assert desk.state.can_start
    assert desk.estimator.call_args.kwargs == {
        "ledger": Path("corrections"), "reference": None, "model": "mini", "options": Options(),
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.controller.setup.choose_ledger("other"),
        lambda desk: desk.controller.setup.choose_reference("reference"),
        lambda desk: desk.controller.setup.choose_parent("tuned"),
        lambda desk: desk.controller.setup.set_options(Options(learns="all")),
        lambda desk: desk.session.corrections_changed.emit(),
        lambda desk: desk.session.models_changed.emit(),
    ],
)
def test_whatever_changes_the_amounts_has_them_estimated_again(desk, change) -> None:
    before = desk.estimator.call_count
    change(desk)
    assert desk.estimator.call_count == before + 1


def test_another_number_of_epochs_reads_nothing_again(desk) -> None:
    before = desk.estimator.call_count
    desk.controller.setup.set_options(Options(epochs=3))
    assert desk.estimator.call_count == before
    assert desk.state.options.epochs == 3


def test_what_changes_during_an_estimate_is_estimated_once_after_it(desk) -> None:
    waiting = []
    desk.workers.start = lambda work, then, failed: waiting.append((work, then))
    desk.controller.setup.choose_reference("a")
    assert not desk.state.can_start, "what is being estimated is not known yet"
    desk.controller.setup.choose_reference("b")
    desk.controller.setup.choose_reference("c")
    (work, then) = waiting.pop()
    then(work())
    (work, then) = waiting.pop()
    then(work())
    assert waiting == []
    assert desk.estimator.call_args.kwargs["reference"] == Path("c")
    assert desk.state.can_start


def test_a_ledger_chosen_in_another_panel_is_used_here(desk) -> None:
    desk.session.choose_ledger(Path("elsewhere"))
    assert desk.state.ledger == Path("elsewhere")


def test_what_is_missing_keeps_start_off(desk) -> None:
    desk.estimator.return_value = Estimate(missing=messages.ONE_PATIENT)
    desk.controller.setup.choose_ledger("poor")
    assert not desk.state.can_start
    desk.controller.run.start()
    desk.runs.start.assert_not_called()


def test_an_estimate_that_fails_is_a_sentence(desk) -> None:
    desk.estimator.side_effect = LedgerError("The ledger is damaged.")
    desk.controller.setup.choose_ledger("damaged")
    assert desk.state.estimate.missing == "The ledger is damaged."
    assert not desk.state.can_start


def test_a_run_from_start_to_the_gate(desk, begun, report) -> None:
    listener = Mock()
    desk.session.models_changed.connect(listener)
    desk.controller.setup.choose_reference("reference")
    desk.controller.setup.set_options(Options(epochs=2))
    desk.controller.run.start()
    desk.runs.start.assert_called_once_with(
        RunRequest(
            ledger=Path("corrections"), reference=Path("reference"), model="mini", device="auto",
            options=Options(epochs=2),
        )
    )  # fmt: skip
    assert desk.watcher.follow.call_args.args[0] == RUN
    assert desk.state.phase is Phase.RUNNING
    assert not desk.state.can_start
    desk.hear(begun, STEP)
    assert desk.state.progress.step == 1
    listener.assert_not_called()
    desk.hear(Written(model="tuned"))
    listener.assert_called_once()
    desk.hear(Compared(report=report, slices=(SLICE,)), Done(model="tuned"), is_alive=False)
    assert (desk.state.phase, desk.state.ended) == (Phase.ENDED, RunStatus.DONE)
    assert "tuned" in desk.state.ending
    assert desk.state.progress.report == report
    assert desk.state.selected == "tuned", "what one may want to switch to next"
    assert desk.state.models.active == "mini", "nothing was switched"
    desk.models.switch_to.assert_not_called()
    assert not desk.state.can_resume
    assert desk.state.can_start


def test_a_run_that_cannot_be_started_is_a_sentence_and_start_is_on_again(desk) -> None:
    desk.runs.start.side_effect = OutputError("The disk is full.")
    desk.controller.run.start()
    assert (desk.state.phase, desk.state.problem) == (Phase.IDLE, "The disk is full.")
    assert desk.state.can_start
    desk.watcher.follow.assert_not_called()


def test_a_run_that_another_window_started_is_followed(desk) -> None:
    desk.runs.start.return_value = FoundRun(run=RUN, status=RunStatus.RUNNING)
    desk.controller.run.start()
    assert desk.state.problem == messages.UNDER_WAY
    assert desk.watcher.follow.call_args.args[0] == RUN


def test_stop_then_resume_on_what_the_run_began_with(desk, begun) -> None:
    desk.controller.run.start()
    desk.hear(begun, STEP)
    desk.controller.run.stop()
    assert desk.state.phase is Phase.STOPPING
    desk.runs.ask_to_stop.assert_called_once_with(RUN)
    desk.controller.run.stop()
    desk.runs.ask_to_stop.assert_called_once()
    desk.hear(Stopped(sentence="Stopped."), is_alive=False)
    assert (desk.state.ended, desk.state.ending) == (RunStatus.STOPPED, "Stopped.")
    assert desk.state.can_resume
    desk.controller.setup.choose_ledger("another")
    desk.controller.run.resume()
    desk.runs.resume.assert_called_once_with(RUN, Path("corrections"), None)
    assert Phase(desk.state.phase) is Phase.RUNNING
    assert not desk.state.can_resume


def test_the_end_at_once_is_offered_only_to_a_run_that_does_not_stop(desk, begun) -> None:
    desk.controller.run.start()
    desk.hear(begun)
    desk.controller.run.kill()
    desk.controller.run.stop()
    desk.now_s += KILL_AFTER_S - 1
    desk.hear()
    desk.controller.run.kill()
    desk.runs.kill.assert_not_called()
    desk.now_s += 1
    desk.hear()
    assert desk.state.can_kill
    desk.controller.run.kill()
    desk.runs.kill.assert_called_once_with(RUN)
    desk.hear(is_alive=False)
    assert desk.state.ended is RunStatus.BROKEN
    assert not desk.state.can_kill


def test_a_crash_is_a_sentence_with_the_last_log_line_and_can_be_resumed(desk, begun) -> None:
    desk.controller.run.start()
    desk.hear(begun, STEP)
    desk.hear(is_alive=False, last_log_line="MemoryError")
    assert desk.state.ended is RunStatus.BROKEN
    assert desk.state.ending.endswith("MemoryError")
    assert desk.state.can_resume


def test_a_failed_run_says_why(desk, begun) -> None:
    desk.controller.run.start()
    desk.hear(begun, Failed(sentence="Training diverged."), is_alive=False)
    assert (desk.state.ended, desk.state.ending) == (RunStatus.FAILED, "Training diverged.")


def test_an_end_counts_only_when_the_process_is_gone(desk) -> None:
    desk.controller.run.start()
    desk.hear(Done(model="tuned"))
    assert desk.state.phase is Phase.RUNNING


def test_a_resume_that_is_refused_leaves_the_run_as_it_was(desk) -> None:
    desk.controller.run.start()
    desk.hear(is_alive=False)
    desk.runs.resume.side_effect = InputError(messages.REFERENCE_NEEDED)
    desk.controller.run.resume()
    assert desk.state.problem == messages.REFERENCE_NEEDED
    assert desk.state.can_resume


def test_a_run_under_way_is_shown_when_a_panel_opens(unopened_desk, begun) -> None:
    desk = unopened_desk
    desk.runs.find_current.return_value = FoundRun(run=RUN, status=RunStatus.RUNNING)
    desk.open()
    desk.hear(begun, STEP)
    assert desk.state.phase is Phase.RUNNING
    assert desk.state.progress.losses == ((1, 0.5),)


def test_a_finished_run_is_shown_when_a_panel_opens(unopened_desk, begun, report) -> None:
    desk = unopened_desk
    desk.runs.find_current.return_value = FoundRun(run=RUN, status=RunStatus.DONE)
    desk.open()
    done = (begun, Compared(report=report, slices=(SLICE,)), Done(model="tuned"))
    desk.hear(*done, is_alive=False)
    assert desk.state.progress.report == report
    assert desk.state.can_start


def test_a_slice_is_shown_with_the_corrections_of_its_run(desk, begun) -> None:
    desk.controller.run.start()
    desk.hear(begun)
    desk.controller.setup.choose_ledger("another")
    held_out = Mock(spec=ComparedCase)
    desk.load_case.return_value = held_out
    desk.controller.comparison.show(SLICE)
    desk.load_case.assert_called_once_with(
        run=RUN, ledger=Path("corrections"), case_id=SLICE.case_id
    )
    desk.layers.show.assert_called_once_with(held_out, 3)
    assert desk.state.shown == SLICE


@pytest.mark.parametrize("where", ["held_out", "layers"])
def test_a_slice_that_cannot_be_shown_is_a_sentence(desk, where: str) -> None:
    desk.controller.run.start()
    port = desk.load_case if where == "held_out" else desk.layers.show
    port.side_effect = InputError("It is gone.")
    desk.controller.comparison.show(SLICE)
    assert (desk.state.show_problem, desk.state.shown) == ("It is gone.", None)
    assert not desk.state.is_loading


def test_switching_to_a_recommended_model_asks_nothing(desk) -> None:
    listener = Mock()
    desk.session.models_changed.connect(listener)
    desk.controller.models.select("tuned")
    desk.controller.models.switch()
    desk.models.switch_to.assert_called_once_with("tuned")
    listener.assert_called_once()
    assert not desk.state.is_switching


@pytest.mark.parametrize("is_yes", [True, False])
def test_switching_against_the_gate_is_asked_first(desk, is_yes: bool) -> None:
    caution = ModelRow(name="tuned", is_own=True, caution="The gate did not recommend it.")
    rows = (ModelRow(name="mini", is_active=True), caution)
    desk.models.listing.return_value = ModelListing(rows=rows)
    desk.session.models_changed.emit()
    desk.controller.models.select("tuned")
    desk.controller.models.switch()
    assert desk.state.question.startswith(caution.caution)
    desk.models.switch_to.assert_not_called()
    desk.controller.models.answer(is_yes)
    assert desk.state.question == ""
    assert desk.models.switch_to.called is is_yes
    desk.controller.models.answer(True)
    assert desk.models.switch_to.call_count == int(is_yes), "a question is answered once"


def test_choosing_another_model_withdraws_the_question(desk) -> None:
    rows = (ModelRow(name="mini", is_active=True), ModelRow(name="tuned", caution="Hm."))
    desk.models.listing.return_value = ModelListing(rows=rows)
    desk.session.models_changed.emit()
    desk.controller.models.select("tuned")
    desk.controller.models.switch()
    desk.controller.models.select("mini")
    desk.controller.models.answer(True)
    desk.models.switch_to.assert_not_called()


def test_a_refused_switch_is_a_sentence(desk) -> None:
    desk.models.switch_to.side_effect = InputError("Its weights are damaged.")
    desk.controller.models.select("tuned")
    desk.controller.models.switch()
    assert desk.state.models_problem == "Its weights are damaged."
    assert not desk.state.is_switching


def test_going_back_needs_somewhere_to_go(desk) -> None:
    desk.controller.models.go_back()
    desk.models.go_back.assert_not_called()
    listing = desk.models.listing.return_value
    desk.models.listing.return_value = replace(listing, previous="old")
    desk.session.models_changed.emit()
    desk.controller.models.go_back()
    desk.models.go_back.assert_called_once_with()


def test_only_own_models_that_are_not_active_are_deleted(desk) -> None:
    desk.controller.models.delete()
    assert desk.state.models_problem == messages.cannot_delete_active("mini")
    rows = (ModelRow(name="mini"), ModelRow(name="tuned", is_own=True, is_active=True))
    desk.models.listing.return_value = ModelListing(rows=rows)
    desk.session.models_changed.emit()
    desk.controller.models.select("mini")
    desk.controller.models.delete()
    assert desk.state.models_problem == messages.cannot_delete_shipped("mini")
    desk.models.delete.assert_not_called()
    rows = (ModelRow(name="mini", is_active=True), ModelRow(name="tuned", is_own=True))
    desk.models.listing.return_value = ModelListing(rows=rows)
    desk.session.models_changed.emit()
    desk.controller.models.select("tuned")
    desk.controller.models.delete()
    assert desk.state.question == messages.confirm_deletion("tuned")
    desk.controller.models.answer(False)
    desk.models.delete.assert_not_called()
    desk.controller.models.delete()
    desk.controller.models.answer(True)
    desk.models.delete.assert_called_once_with("tuned")


def test_a_chosen_parent_that_was_deleted_gives_way_to_the_active_model(desk) -> None:
    desk.controller.setup.choose_parent("tuned")
    assert desk.state.parent == "tuned"
    desk.models.listing.return_value = ModelListing(rows=(ModelRow(name="mini", is_active=True),))
    desk.session.models_changed.emit()
    assert desk.state.parent == "mini"


def test_a_closed_panel_shows_nothing_more_and_leaves_the_run_alone(desk, begun) -> None:
    desk.controller.run.start()
    desk.hear(begun)
    shown = desk.view.show_state.call_count
    desk.controller.close()
    desk.watcher.stop.assert_called_once()
    desk.runs.ask_to_stop.assert_not_called()
    desk.hear(STEP)
    desk.session.choose_ledger(Path("elsewhere"))
    desk.session.models_changed.emit()
    assert desk.view.show_state.call_count == shown


def test_stopping_while_the_window_closes(desk, begun) -> None:
    desk.controller.run.stop_now()
    desk.runs.ask_to_stop.assert_not_called()
    desk.controller.run.start()
    desk.controller.run.stop_now()
    desk.runs.ask_to_stop.assert_called_once_with(RUN)
