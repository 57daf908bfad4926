"""``tgcnet finetune``: what it prints, what it refuses, how it stops."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.tgcnet.finetune.conftest import phantom_correction, switch_on

from tgcnet.cli import main
from tgcnet.cli.app import parse
from tgcnet.cli.finetune import FinetuneCommand
from tgcnet.corrections import Ledger
from tgcnet.finetune.config import CHECKPOINT_FILE, FinetuneConfig, Learns
from tgcnet.finetune.events import (
    EVENTS_FILE,
    STOP_FILE,
    Done,
    Event,
    EventLog,
    Failed,
    Stopped,
    read_events,
)
from tgcnet.finetune.prepare_folder import begin
from tgcnet.finetune.run_data import Snapshot, write_snapshot
from tgcnet.finetune.run_folder import RunStatus, run_info
from tgcnet.io.process_lock import running
from tgcnet.weights.registry import find_model


@pytest.fixture(autouse=True)
def models(tiny_model_folder: Path, no_user_models: Path) -> Path:
    """The user's models: the tiny one, switched on."""
    return switch_on(tiny_model_folder, no_user_models)


@pytest.fixture
def no_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing takes longer than training here."""
    monkeypatch.setattr("tgcnet.finetune.run_finetuning.compare_with_active", lambda *_, **__: None)


@pytest.fixture
def ledger_folder(tmp_path: Path) -> Path:
    """Four patients, of whom one is held out."""
    ledger = Ledger.create(tmp_path / "ledger")
    for index in range(4):
        ledger.save(phantom_correction(index, patient=f"SECRET^{index}"))
    return tmp_path / "ledger"


def command(ledger: Path, model: Path, out: Path, *options: str) -> list[str]:
    fixed = ["finetune", "--corrections", str(ledger), "--model", str(model), "--out", str(out)]
    return [*fixed, "--device", "cpu", "--epochs", "1", *options]


def test_it_leaves_a_candidate_and_says_how_to_go_on(
    ledger_folder: Path,
    tiny_model_folder: Path,
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    assert main(command(ledger_folder, tiny_model_folder, out)) == 0
    printed = capsys.readouterr().out
    assert "3 new and 0 earlier slices" in printed
    assert "held-out Dice" in printed
    events = read_events(out)
    assert isinstance(events[-1], Done)
    name = events[-1].model
    assert f"Candidate {name} is written; comparing it with the active model." in printed
    assert "The gate does not recommend the candidate. Only 1 patient held out" in printed
    assert f"Switch it on, if you want to: tgcnet models activate {name}" in printed
    assert "Research use only" in printed
    assert find_model(str(out / "model" / name)).is_dir()
    assert find_model(name) == models / name
    assert run_info(out).status is RunStatus.DONE
    log = (out / "events.jsonl").read_text()
    assert "SECRET" not in log + printed
    assert "Pulmonary infection" not in log + printed
    assert str(tmp_path) not in log


@pytest.mark.usefixtures("no_gate")
def test_events_are_lines_of_json_where_asked(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(ledger_folder, tiny_model_folder, tmp_path / "run", "--json")) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds[0] == "Begun"
    assert kinds[-1] == "Done"
    assert {"Scored", "Stepped"} <= set(kinds)


@pytest.mark.usefixtures("no_gate")
def test_a_stop_is_no_failure_and_can_be_resumed(
    ledger_folder: Path,
    tiny_model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"
    write = EventLog.__call__

    def stop_at_once(self: EventLog, event: Event) -> None:
        write(self, event)
        if type(event).__name__ == "Scored":
            (out / STOP_FILE).touch()

    with monkeypatch.context() as patched:
        patched.setattr(EventLog, "__call__", stop_at_once)
        assert main(command(ledger_folder, tiny_model_folder, out)) == 130
    assert "goes on from here when resumed" in capsys.readouterr().out
    assert isinstance(read_events(out)[-1], Stopped)
    assert main(command(ledger_folder, tiny_model_folder, out)) == 2
    assert "holds a run already; go on with --resume" in capsys.readouterr().err
    assert main(command(ledger_folder, tiny_model_folder, out, "--resume")) == 0
    assert isinstance(read_events(out)[-1], Done)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--learning-rate", "0"], "learning_rate must be above 0"),
        (["--epochs", "0"], "must be at least 1, got 0"),
        (["--replay-share", "1"], "replay_share must lie in [0, 1)"),
        (["--batch-size", "0"], "must be at least 1"),
        (["--cache-limit", "-1"], "cache_limit_bytes must be at least 0"),
        (["--cache-limit", "nan"], "--cache-limit must be a number of GiB, got nan"),
        (["--cache-limit", "1e308"], "--cache-limit must be a number of GiB, got 1e+308"),
        (["--seed", str(2**64)], "seed must lie in [0, 2**64)"),
        (["--learning-rate", "inf"], "learning_rate must be above 0 and finite"),
        (["--resume"], "There is no folder 'run' with a run to resume"),
        (["--out", "{ledger}"], "ledger is the ledger of corrections or lies in it"),
        (["--out", "{ledger}/run"], "run is the ledger of corrections or lies in it"),
        (["--out", "{models}"], "user-models is the folder of your models or lies in it"),
        (["--device", "cuda:7"], "cuda:7"),
        (["--corrections", "nowhere"], "nowhere is no ledger of corrections"),
    ],
)
def test_bad_input_is_a_sentence(
    ledger_folder: Path,
    tiny_model_folder: Path,
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    given = [option.format(ledger=ledger_folder, models=models) for option in options]
    assert main(command(ledger_folder, tiny_model_folder, tmp_path / "run", *given)) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not (tmp_path / "run" / "model").exists()


def test_a_failure_is_logged_in_the_run(tiny_model_folder: Path, tmp_path: Path) -> None:
    lonely = Ledger.create(tmp_path / "lonely")
    lonely.save(phantom_correction(0, patient="only one"))
    assert main(command(tmp_path / "lonely", tiny_model_folder, tmp_path / "run")) == 2
    event = read_events(tmp_path / "run")[-1]
    assert isinstance(event, Failed)
    assert "expected at least two" in event.sentence


def test_a_checkpoint_of_something_else_is_a_sentence(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    revisions = tuple((case.case_id, 1) for case in Ledger.open(ledger_folder).cases().cases)
    (tmp_path / "run").mkdir()
    write_snapshot(
        tmp_path / "run", Snapshot(revisions=revisions, taken_utc="2026-01-01", ledger="l")
    )
    save_file({"a": np.zeros(1)}, tmp_path / "run" / CHECKPOINT_FILE)
    assert main(command(ledger_folder, tiny_model_folder, tmp_path / "run", "--resume")) == 2
    assert "the checkpoint run.safetensors cannot be read (KeyError)" in capsys.readouterr().err


@pytest.mark.usefixtures("no_gate")
def test_a_reader_that_has_enough_does_not_end_the_run(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    discarded: list[bool] = []

    def first_line_only(text: str) -> None:
        if said and not discarded:
            raise BrokenPipeError
        said.append(text)

    monkeypatch.setattr("tgcnet.cli.output.say", first_line_only)
    monkeypatch.setattr("tgcnet.cli.output.discard_output", lambda: discarded.append(True))
    assert main(command(ledger_folder, tiny_model_folder, tmp_path / "run")) == 0
    assert discarded == [True]
    assert isinstance(read_events(tmp_path / "run")[-1], Done)


def test_only_what_a_run_left_half_written_is_swept_up(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path
) -> None:
    ours = [f"run/{place}.tgcnet-1.{end}" for place, end in (
        ("", "safetensors"), ("features/key/", "safetensors"), ("model/a/", "json"),
        ("compared/", "safetensors"),
    )]  # fmt: skip
    foreign = ["run/.tgcnet-1.png", "run/study/deep/.tgcnet-1.nii.gz", "run/study/.tgcnet-1.json"]
    for name in ours + foreign:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert not begin(tmp_path / "run", resume=False)
    assert [name for name in ours + foreign if (tmp_path / name).exists()] == foreign


def test_the_options_are_those_of_the_configuration() -> None:
    fixed = ["finetune", "--corrections", "ledger", "--out", "run"]
    assert config_of(fixed) == FinetuneConfig()
    given = "--epochs 3 --learns adapters --learning-rate 1e-3 --replay-share 0.25 --batch-size 6"
    more = "--cache-limit 0.5 --seed 7"
    assert config_of([*fixed, *given.split(), *more.split()]) == FinetuneConfig(
        epochs=3,
        learns=Learns.ADAPTERS,
        learning_rate=1e-3,
        replay_share=0.25,
        batch_size=6,
        cache_limit_bytes=2**29,
        seed=7,
    )


def config_of(arguments: list[str]) -> FinetuneConfig:
    command = parse(arguments)
    assert isinstance(command, FinetuneCommand)
    return command.config()


def test_a_run_that_is_under_way_is_left_alone(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / STOP_FILE).touch()  # somebody asked that run to stop
    with running(out):
        assert main(command(ledger_folder, tiny_model_folder, out, "--resume")) == 2
    assert "run is the folder of a run that is under way" in capsys.readouterr().err
    assert (out / STOP_FILE).exists()
    assert not (out / EVENTS_FILE).exists()


@pytest.mark.usefixtures("no_gate")
def test_a_folder_with_a_run_keeps_its_events(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert main(command(ledger_folder, tiny_model_folder, out)) == 0
    assert main(command(ledger_folder, tiny_model_folder, out)) == 2
    assert run_info(out).status is RunStatus.DONE


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        (ZeroDivisionError("SECRET"), Failed, "by a defect of this program (ZeroDivisionError)"),
        (MemoryError("SECRET"), Failed, "memory is used up"),
        (KeyboardInterrupt("SECRET"), Stopped, "goes on from its last checkpoint"),
    ],
)
def test_whatever_ends_a_run_is_logged(
    ledger_folder: Path,
    tiny_model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: BaseException,
    kind: type,
    sentence: str,
) -> None:
    def fail(*_: Any) -> None:
        raise fault

    out = tmp_path / "run"
    monkeypatch.setattr("tgcnet.finetune.run_finetuning.load_model", fail)
    try:
        status = main(command(ledger_folder, tiny_model_folder, out))
    except ZeroDivisionError:
        status = 1  # Python prints its traceback
    assert status == {ZeroDivisionError: 1, MemoryError: 2, KeyboardInterrupt: 130}[type(fault)]
    if isinstance(fault, MemoryError):
        assert "Traceback" in capsys.readouterr().err
    event = read_events(out)[-1]
    assert isinstance(event, kind)
    assert isinstance(event, Failed | Stopped)
    assert sentence in event.sentence
    assert "SECRET" not in event.sentence


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_is_a_sentence_and_no_traceback(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / EVENTS_FILE).symlink_to("/dev/full")
    assert main(command(ledger_folder, tiny_model_folder, out)) == 2
    error = capsys.readouterr().err
    assert "An event of the run was not written, the disk is full" in error
    assert "Traceback" not in error
