"""``tgcnet finetune``: what it prints, what it refuses, how it stops."""

import json
from pathlib import Path

import pytest
from tests.tgcnet.train.finetune.conftest import phantom_correction

from tgcnet.cli import main
from tgcnet.corrections import Ledger
from tgcnet.runs.events import STOP_FILE, Done, EventLog, Failed, Stopped, read_events
from tgcnet.weights.registry import find_model


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
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(command(ledger_folder, tiny_model_folder, out)) == 0
    printed = capsys.readouterr().out
    assert "3 new and 0 earlier slices" in printed
    assert "held-out Dice" in printed
    assert "Compare before you switch: tgcnet gate" in printed
    assert "Research use only" in printed
    events, _ = read_events(out)
    assert isinstance(events[-1], Done)
    assert find_model(str(out / "model" / events[-1].model)).is_dir()
    log = (out / "events.jsonl").read_text()
    assert "SECRET" not in log + printed
    assert "Pulmonary infection" not in log + printed
    assert str(tmp_path) not in log


def test_events_are_lines_of_json_where_asked(
    ledger_folder: Path, tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(ledger_folder, tiny_model_folder, tmp_path / "run", "--json")) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [line["event"] for line in lines]
    assert kinds[0] == "Begun"
    assert kinds[-1] == "Done"
    assert {"Scored", "Stepped"} <= set(kinds)


def test_a_stop_is_no_failure_and_can_be_resumed(
    ledger_folder: Path,
    tiny_model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "run"
    write = EventLog.__call__

    def stop_at_once(self: EventLog, event: object) -> None:
        write(self, event)
        if type(event).__name__ == "Scored":
            (out / STOP_FILE).touch()

    with monkeypatch.context() as patched:
        patched.setattr(EventLog, "__call__", stop_at_once)
        assert main(command(ledger_folder, tiny_model_folder, out)) == 130
    assert "goes on from here when resumed" in capsys.readouterr().out
    assert isinstance(read_events(out)[0][-1], Stopped)
    assert main(command(ledger_folder, tiny_model_folder, out)) == 2
    assert "holds a run already; go on with --resume" in capsys.readouterr().err
    assert main(command(ledger_folder, tiny_model_folder, out, "--resume")) == 0
    assert isinstance(read_events(out)[0][-1], Done)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--learning-rate", "0"], "learning_rate must be above 0"),
        (["--epochs", "0"], "must be at least 1, got 0"),
        (["--device", "cuda:7"], "cuda:7"),
        (["--corrections", "nowhere"], "nowhere is no ledger of corrections"),
    ],
)
def test_bad_input_is_a_sentence(
    ledger_folder: Path,
    tiny_model_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    assert main(command(ledger_folder, tiny_model_folder, tmp_path / "run", *options)) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not (tmp_path / "run" / "model").exists()


def test_a_failure_is_told_to_whoever_watches_the_run(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    lonely = Ledger.create(tmp_path / "lonely")
    lonely.save(phantom_correction(0, patient="only one"))
    assert main(command(tmp_path / "lonely", tiny_model_folder, tmp_path / "run")) == 2
    event = read_events(tmp_path / "run")[0][-1]
    assert isinstance(event, Failed)
    assert "expected at least two" in event.sentence
