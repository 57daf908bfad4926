"""The controller with a mocked view and mocked ports: no window, no child, no files."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.state import Asking, Phase, Scope
from tgcnet.engine.protocol import (
    Begun,
    Cancelled,
    Died,
    Failed,
    Finished,
    Notice,
    Progress,
    ShownWindow,
    SliceDone,
)
from tgcnet.errors import InputError, OutputError
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About

FINISHED = Finished(
    request=1,
    device="cuda:0",
    seconds=2.0,
    provenance={"model": "mini"},
    slices_done=4,
)
BEGUN = Begun(request=3, window=ShownWindow(low=-1350.0, high=150.0, unit="HU"), about_report={})


def test_models_and_devices_are_offered_with_free_memory_and_the_models_threshold(desk) -> None:
    assert [one.label for one in desk.state.devices] == ["Automatic", "CPU", "GPU (3.0 GiB free)"]
    assert (desk.state.model, desk.state.threshold) == ("mini", 0.4)
    assert desk.state.can_run


def test_a_run_reads_the_report_and_hands_over_the_order(desk) -> None:
    desk.run()
    desk.engine.read_report.assert_called_once_with("left lower zone", model="mini")
    order = desk.engine.segment.call_args.args[0]
    assert (order.slices, order.threshold, order.report) == (range(4), 0.4, "left lower zone")
    assert desk.state.phase is Phase.RUNNING
    desk.controller.run.start()  # an impatient second click
    desk.engine.segment.assert_called_once()


def test_slices_stream_and_the_end_is_summed_up(desk) -> None:
    desk.run()
    desk.controller.handle_event(BEGUN)
    desk.layers.show_window.assert_called_once_with("a", -1350.0, 150.0)
    for z in range(4):
        desk.controller.handle_event(SliceDone(request=3, z=z))
    desk.controller.handle_event(Progress(request=3, done=3, total=4, seconds_left=1.0))
    assert (desk.state.fraction, desk.state.seconds_left) == (0.75, 1.0)
    desk.controller.handle_event(FINISHED)
    assert desk.layers.write_slice.call_count == 4
    desk.layers.commit.assert_called_once_with({"model": "mini"})
    assert desk.state.result.lines == (
        "infection: 0.2 mL",
        "Findings in 2 of 4 slices, the largest in slice 1.",
        "The model got window -600/1500 HU (centre/width).",
        "2.0 s on cuda:0.",
    )
    desk.controller.jump_to_largest()
    desk.layers.jump_to.assert_called_once_with("a", 1)
    assert desk.state.phase is Phase.IDLE


def test_no_report_runs_and_says_so(desk) -> None:
    desk.controller.reports.edit("  \n")
    desk.controller.run.start()
    desk.engine.read_report.assert_not_called()
    assert desk.state.notices == (messages.NO_REPORT,)
    assert desk.state.phase is Phase.RUNNING


def test_what_the_model_does_not_read_or_know_is_shown(desk) -> None:
    desk.controller.reports.edit("long")
    desk.controller.run.start()
    desk.read(
        sentences_left_out=("The heart is large.",),
        words_left_out=("hilum",),
        not_segmentable=("pleural effusion",),
    )
    assert desk.state.phase is Phase.RUNNING
    shown = "\n".join(desk.state.notices)
    assert all(part in shown for part in ("pleural effusion", "“The heart is large.”", "hilum"))


def test_each_reason_for_not_reading_has_its_sentence(desk) -> None:
    desk.controller.reports.edit("long")
    desk.controller.run.start()
    desk.read(
        sentences_left_out=("Old scar.", "The heart is large."),
        sentences_past_end=("The heart is large.",),
        words_left_out=("hilum",),
        words_past_end=("zone",),
    )
    assert desk.state.notices == (
        messages.sentences_left_out(["Old scar."]),
        messages.sentences_past_end(["The heart is large."]),
        messages.words_left_out(["hilum"]),
        messages.words_past_end(["zone"]),
    )


@pytest.mark.parametrize(("kept", "is_said"), [((), True), (("Opacity.",), False)])
def test_a_report_of_which_nothing_is_read_says_so(desk, kept, is_said) -> None:
    desk.controller.reports.edit("Xyzzy.")
    desk.controller.run.start()
    desk.read(sentences_kept=kept)
    assert (messages.NOTHING_READ in desk.state.notices) == is_said


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"only_absent": True}, messages.ONLY_ABSENT),
        (
            {"segmentable": (), "not_segmentable": ("nodule",)},
            messages.nothing_segmentable(("nodule",)),
        ),
    ],
)
def test_a_report_the_model_cannot_serve_asks_first(desk, changes, text) -> None:
    desk.controller.reports.edit("No infection.")
    desk.controller.run.start()
    desk.read(**changes)
    assert (desk.state.question.text, desk.state.phase) == (text, Phase.ASKING)
    desk.engine.segment.assert_not_called()
    desk.controller.run.answer("yes")
    desk.engine.segment.assert_called_once()


def test_no_to_a_question_frees_the_panel(desk) -> None:
    desk.controller.reports.edit("No infection.")
    desk.controller.run.start()
    desk.read(only_absent=True)
    desk.controller.run.answer("no")
    assert (desk.state.phase, desk.state.question) == (Phase.IDLE, None)
    desk.engine.segment.assert_not_called()


def test_painted_voxels_are_not_replaced_unasked(desk) -> None:
    desk.layers.has_paint.return_value = True
    desk.run()
    assert desk.state.question.kind is Asking.REPLACE
    desk.engine.segment.assert_not_called()
    desk.controller.run.answer("yes")
    desk.engine.segment.assert_called_once()


def test_an_unknown_modality_is_asked_for_and_remembered(desk) -> None:
    desk.run()
    desk.controller.handle_event(
        Failed(request=3, sentence="cannot be decided", kind="ModalityUnknownError")
    )
    assert [one.value for one in desk.state.question.options] == ["ct", "xray", "no"]
    desk.controller.run.answer("ct")
    desk.layers.set_modality.assert_called_once_with("a", "ct")
    assert desk.engine.segment.call_count == 2
    assert desk.state.phase is Phase.RUNNING


def test_cancel_keeps_what_is_finished(desk) -> None:
    desk.run()
    desk.controller.handle_event(SliceDone(request=3, z=1))
    desk.controller.run.cancel()
    desk.engine.cancel.assert_called_once_with()
    assert (desk.state.phase, desk.state.can_run) == (Phase.CANCELLING, False)
    desk.controller.handle_event(Cancelled(request=3, slices_done=1))
    desk.layers.commit.assert_called_once_with()
    assert desk.state.notices == (messages.cancelled(1, 7),)
    assert desk.state.can_run
    assert desk.state.result.lines == (
        "infection: 0.1 mL",
        "Findings in 1 of 1 slices, the largest in slice 1.",
    )
    desk.controller.jump_to_largest()
    desk.layers.jump_to.assert_called_once_with("a", 1)


def test_a_run_cancelled_before_its_first_slice_has_nothing_to_sum_up(desk) -> None:
    desk.run()
    desk.controller.handle_event(BEGUN)
    desk.controller.handle_event(Cancelled(request=3, slices_done=0))
    assert (desk.state.result, desk.state.notices) == (None, (messages.CANCELLED_BEFORE,))


@pytest.mark.parametrize("question", ["replace", "report"])
def test_no_to_a_question_leaves_the_last_runs_result_where_it_is(desk, question) -> None:
    desk.controller.run.start()
    desk.controller.handle_event(SliceDone(request=3, z=1))
    desk.controller.handle_event(FINISHED)
    result, notices = desk.state.result, desk.state.notices
    assert notices == (messages.NO_REPORT,)
    desk.layers.has_paint.return_value = question == "replace"
    desk.controller.reports.edit("left lower zone")
    desk.controller.run.start()
    desk.read(only_absent=question == "report", not_segmentable=("nodule",))
    assert desk.state.phase is Phase.ASKING
    desk.controller.run.answer("no")
    assert (desk.state.result, desk.state.notices) == (result, notices)
    desk.controller.run.start()
    desk.read(only_absent=question == "report", not_segmentable=("nodule",))
    desk.controller.run.answer("yes")
    assert Phase(desk.state.phase) is Phase.RUNNING
    assert (desk.state.result, desk.state.notices) == (
        None,
        (messages.not_segmentable(("nodule",)),),
    )


def test_cancel_while_the_report_is_read_frees_at_once(desk) -> None:
    desk.controller.reports.edit("left")
    desk.controller.run.start()
    desk.controller.run.cancel()
    desk.read()  # late
    assert desk.state.phase is Phase.IDLE
    desk.engine.segment.assert_not_called()


def test_a_dead_child_is_a_sentence_and_the_next_run_goes_on(desk) -> None:
    desk.run()
    died = Died(exit_code=-9, sentence="The model's process was killed.", requests=(3,))
    desk.controller.handle_event(died)
    assert desk.state.problem == "The model's process was killed."
    desk.run()
    assert desk.engine.segment.call_count == 2
    assert desk.state.problem == ""


def test_out_of_memory_notices_appear(desk) -> None:
    desk.run()
    sentence = "Out of memory on the GPU; the batch was halved."
    desk.controller.handle_event(Notice(request=3, sentence=sentence))
    assert sentence in desk.state.notices


@pytest.mark.parametrize(
    ("scope", "expected"), [("current", range(2, 3)), ("range", range(1, 4)), ("all", range(4))]
)
def test_the_scope_decides_the_slices(desk, scope, expected) -> None:
    desk.controller.run.set_range(1, 9)
    desk.controller.run.choose_scope(scope)
    desk.run()
    assert desk.engine.segment.call_args.args[0].slices == expected
    assert desk.state.scope is Scope(scope)


def test_files_are_read_and_written_and_refusals_are_sentences(desk) -> None:
    desk.files.read_report.return_value = ReportFile(text="from a file", notices=("A draft.",))
    desk.controller.reports.open("report.txt")
    desk.files.read_report.assert_called_once_with(Path("report.txt"), About(name="chest"))
    assert desk.state.notices == ("A draft.",)
    assert desk.state.report == "from a file"
    desk.files.read_image.side_effect = InputError("scan.png is empty; export it again.")
    desk.controller.open_image("scan.png")
    assert desk.state.problem == "scan.png is empty; export it again."
    desk.files.save_mask.side_effect = OutputError("The disk is full.")
    desk.controller.save_mask("mask.png")
    assert (desk.state.problem, desk.state.phase) == ("The disk is full.", Phase.IDLE)
    desk.files.save_mask.side_effect = None
    desk.controller.save_mask("mask.png")
    assert desk.state.notices == ("Layer “chest mask” saved as mask.png.",)


@pytest.mark.parametrize("part", ["files", "layers"])
def test_a_success_does_not_stand_beside_a_failure(desk, part) -> None:
    desk.controller.save_mask("mask.png")
    assert desk.state.notices
    port = desk.files.save_mask if part == "files" else desk.layers.snapshot_mask
    port.side_effect = OutputError("The disk is full.")
    desk.controller.save_mask("mask.png")
    assert (desk.state.problem, desk.state.notices) == ("The disk is full.", ())


def test_a_file_job_leaves_the_runs_notices(desk) -> None:
    desk.controller.run.start()
    desk.controller.handle_event(FINISHED)
    desk.files.save_mask.side_effect = OutputError("The disk is full.")
    desk.controller.save_mask("mask.png")
    assert desk.state.notices == (messages.NO_REPORT,)


def test_the_samples_report_is_offered(desk) -> None:
    desk.controller.reports.use_sample()
    assert desk.state.report == "a sample's text"


def test_no_image_no_run(desk) -> None:
    desk.layers.images.return_value = ()
    desk.controller.refresh_images()
    assert (desk.state.image_id, desk.state.can_run) == (None, False)
    desk.layers.choose.assert_called_with(None)


def test_closed_means_silent(desk) -> None:
    desk.run()
    desk.controller.close()
    desk.controller.close()
    desk.engine.close.assert_called_once_with()
    num_shown = desk.view.show_state.call_count
    desk.controller.handle_event(FINISHED)
    assert desk.view.show_state.call_count == num_shown
    desk.layers.commit.assert_not_called()
