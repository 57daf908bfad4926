"""What events add up to."""

from __future__ import annotations

import pytest

from napari_tgcnet.finetune.progress import LOG_LINES, Progress, Stage, advance
from tgcnet.finetune.events import (
    Compared,
    Comparing,
    Done,
    Event,
    Message,
    Prepared,
    Scored,
    SliceCompared,
    Stepped,
    Stopped,
    TimedEvent,
    Written,
)


def after(*events: Event, start: Progress | None = None, every_s: float = 1.0) -> Progress:
    timed = [TimedEvent(time_s=float(every_s * i), event=event) for i, event in enumerate(events)]
    return advance(start or Progress(), timed)


def stepped(step: int, loss: float = 0.5) -> Stepped:
    return Stepped(step=step, total=10, loss=loss, seconds_left=30.0)


def scored(epoch: int, step: int, dice: float = 0.5) -> Scored:
    return Scored(epoch=epoch, step=step, dice_pooled=dice, dice_mean=dice)


def test_stages_with_their_fractions_and_the_time_left(begun) -> None:
    assert after(begun).stage is Stage.STARTING
    assert after(begun).fraction is None
    preparing = after(begun, Prepared(done=10, total=50), Prepared(done=20, total=50), every_s=4)
    assert (preparing.stage, preparing.fraction) == (Stage.PREPARING, 0.4)
    assert preparing.seconds_left == pytest.approx(12), "30 more at 10 in 4 s"
    training = after(begun, stepped(5))
    assert (training.stage, training.fraction, training.seconds_left) == (Stage.TRAINING, 0.5, 30)
    comparing = after(Written(model="tuned"), Comparing(fraction=0.25), every_s=5)
    assert (comparing.stage, comparing.candidate) == (Stage.COMPARING, "tuned")
    assert comparing.seconds_left == pytest.approx(15)


def test_the_end_is_the_gates_report_and_a_word(begun, report) -> None:
    one = SliceCompared(case_id="0" * 16, z=3, dice_before=0.5, dice_after=0.7)
    progress = after(begun, Compared(report=report, slices=(one,)), Done(model="tuned"))
    assert progress.report == report
    assert progress.slices == (one,)
    assert progress.end == Done(model="tuned")
    assert any("recommends" in line for line in progress.log)


def test_a_resumed_run_takes_its_last_steps_again_and_has_no_end_any_more(begun) -> None:
    first = after(
        begun, scored(0, 0), stepped(1), stepped(2, 0.2), scored(1, 2), Stopped(sentence="Stopped.")
    )
    again = after(begun, stepped(2, 0.3), stepped(3), scored(1, 2, 0.6), start=first)
    assert again.losses == ((1, 0.5), (2, 0.3), (3, 0.5))
    assert [(score.step, score.dice_mean) for score in again.scores] == [(0, 0.5), (2, 0.6)]
    assert again.end is None


def test_the_log_has_the_time_and_keeps_the_latest_lines() -> None:
    progress = after(*(Message(sentence=f"Line {number}.") for number in range(LOG_LINES + 7)))
    assert len(progress.log) == LOG_LINES
    assert progress.log[-1].endswith(f"  Line {LOG_LINES + 6}.")
    assert progress.log[-1][2] == ":"
