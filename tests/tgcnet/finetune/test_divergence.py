"""A run that diverges, or has too little memory: what it goes back to, and what it says."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from tests.tgcnet.finetune.conftest import Tune

from tgcnet.errors import Cancelled, DeviceError, InputError
from tgcnet.finetune import finetuner as loop
from tgcnet.finetune.config import CHECKPOINT_FILE, STOPPED_FILE, FinetuneJob
from tgcnet.finetune.events import STOP_FILE, Event, Message, Stepped
from tgcnet.finetune.training import Training
from tgcnet.train.frozen_features import FeatureCache
from tgcnet.weights.manifest import WEIGHTS_FILE

NO_ROOM = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


def steps(told: list[Event]) -> list[int]:
    return [event.step for event in told if isinstance(event, Stepped)]


def roll_backs(told: list[Event]) -> list[str]:
    said = [event.sentence for event in told if isinstance(event, Message)]
    return [sentence for sentence in said if "The loss exploded" in sentence]


@pytest.mark.parametrize(
    # With one step in all the rate is the schedule's last one.
    "changes",
    [{"batch_size": 4}, {"batch_size": 16, "final_rate": 1e6}],
)
def test_weights_that_the_last_step_ruined_make_no_candidate(
    tune: Tune, job: FinetuneJob, models: Path, changes: dict[str, float]
) -> None:
    told: list[Event] = []
    with pytest.raises(InputError, match="diverged again after the learning rate was halved 3"):
        tune(epochs=1, learning_rate=1e6, on_event=told.append, **changes)
    assert len(roll_backs(told)) == 3
    assert all("back to step 0" in sentence for sentence in roll_backs(told))
    assert not (job.out / "model").exists()
    assert [path.name for path in models.iterdir() if path.is_dir()] == ["tiny"]


@pytest.fixture
def explodes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss after the sixth step seems to explode, unless the rate was halved since."""
    halved = {"times": 0}

    def once_at_six(loss: float, recent: Sequence[float]) -> bool:
        return halved["times"] > 0 or len(recent) != 5

    roll_back = loop.Finetuner._roll_back

    def halve(self: loop.Finetuner, progress: Any) -> Any:
        halved["times"] += 1
        return roll_back(self, progress)

    begin = loop.Finetuner._begin

    def count(self: loop.Finetuner, *, resume: bool) -> object:
        progress = begin(self, resume=resume)
        halved["times"] = progress.halvings
        return progress

    monkeypatch.setattr(loop, "is_fine", once_at_six)
    monkeypatch.setattr(loop.Finetuner, "_roll_back", halve)
    monkeypatch.setattr(loop.Finetuner, "_begin", count)


@pytest.mark.usefixtures("explodes_once")
def test_a_resumed_run_equals_an_uninterrupted_one_around_an_explosion_too(
    tune: Tune, job: FinetuneJob
) -> None:
    kept = {"epochs": 4, "checkpoint_every": 4}
    whole, told = tune(**kept)
    assert roll_backs(told) == [
        "The loss exploded at step 6: back to step 4, going on with half the learning rate."
    ]
    out = job.out.with_name("other")

    def stop(event: Event) -> None:
        if (
            isinstance(event, Stepped) and event.step == 5
        ):  # not kept yet, and the next loss explodes
            (out / STOP_FILE).touch()

    with pytest.raises(Cancelled):
        tune(job_changes={"out": out}, on_event=stop, **kept)
    assert (out / STOPPED_FILE).exists()
    resumed, after = tune(job_changes={"out": out}, resume=True, **kept)
    assert roll_backs(after) == roll_backs(told)
    assert steps(after) == steps(told)[5:]
    expected, found = (
        safetensors.torch.load_file(folder / WEIGHTS_FILE) for folder in (whole, resumed)
    )
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert not (out / STOPPED_FILE).exists()


def test_a_last_step_that_nobody_tried_yet_is_tried_when_the_run_is_resumed(
    tune: Tune, job: FinetuneJob, models: Path
) -> None:
    ruinous = {"epochs": 1, "batch_size": 16, "learning_rate": 1e6, "final_rate": 1e6}

    def stop(event: Event) -> None:
        if isinstance(event, Stepped):
            (job.out / STOP_FILE).touch()

    with pytest.raises(Cancelled):
        tune(on_event=stop, **ruinous)
    told: list[Event] = []
    with pytest.raises(InputError, match="diverged again"):
        tune(on_event=told.append, resume=True, **ruinous)
    assert len(roll_backs(told)) == 3
    assert not (job.out / "model").exists()


def test_a_state_is_kept_once_the_next_loss_is_known(
    tune: Tune, job: FinetuneJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    keep, accumulate = loop.Finetuner._keep, loop.Finetuner._accumulate

    def spy_keep(self: loop.Finetuner, progress: Any) -> None:
        seen.append(f"kept {progress.step} after {len(progress.recent)} losses")
        keep(self, progress)

    def spy_loss(self: loop.Finetuner, *arguments: Any) -> float:
        seen.append("loss")
        return accumulate(self, *arguments)

    monkeypatch.setattr(loop.Finetuner, "_keep", spy_keep)
    monkeypatch.setattr(loop.Finetuner, "_accumulate", spy_loss)
    tune(epochs=1, batch_size=3)
    assert seen == [
        "kept 0 after 0 losses", "loss", "loss", "loss", "kept 2 after 2 losses"
    ]  # fmt: skip


def lack_in_scoring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "_masks", raise_no_room)


def lack_in_stepping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.optim.AdamW, "step", raise_no_room)


def lack_in_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FeatureCache, "_compute", raise_no_room)


def raise_no_room(*_: Any, **__: Any) -> None:
    raise NO_ROOM


@pytest.mark.parametrize(
    ("lack", "what"),
    [
        (lack_in_scoring, "a single image at once"),
        (lack_in_stepping, "what the optimiser keeps"),
        (lack_in_features, "the features of a single image"),
    ],
)
def test_too_little_memory_is_a_sentence_and_the_run_can_be_resumed(
    tune: Tune,
    monkeypatch: pytest.MonkeyPatch,
    lack: Callable[[pytest.MonkeyPatch], None],
    what: str,
) -> None:
    with monkeypatch.context() as patched:
        lack(patched)
        with pytest.raises(DeviceError, match=rf"too small for {what}.*--device cpu.*--batch-size"):
            tune(epochs=1)
    folder, _ = tune(epochs=1, resume=True)
    assert folder.is_dir()


def test_held_out_slices_are_scored_in_halves_where_memory_is_scarce(
    tune: Tune, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks, sizes = Training._masks, []

    def scarce(self: Training, examples: Sequence[Any], encode: Any) -> object:
        sizes.append(len(examples))
        if len(examples) > 1:
            raise NO_ROOM
        return masks(self, examples, encode)

    monkeypatch.setattr(Training, "_masks", scarce)
    tune(epochs=1)
    assert sizes == [2, 1, 1, 1, 1]


def test_a_finished_run_keeps_nothing_made_of_images(tune: Tune, job: FinetuneJob) -> None:
    tune(epochs=1)
    left = {path.name for path in job.out.iterdir()}
    assert left == {CHECKPOINT_FILE, "run.json", "model"}
    with safetensors.safe_open(job.out / CHECKPOINT_FILE, framework="pt") as file:
        said = file.metadata()["config"]
    assert '"reference": "' in said
    tune(epochs=1, resume=True)
