"""Commands that need no torch, and what the command line says of itself."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from tgcnet.cli import main
from tgcnet.cli.app import parse
from tgcnet.cli.evaluate import TextName
from tgcnet.cli.segment import SegmentCommand
from tgcnet.cli.train import TrainCommand

Refused = Callable[[list[str]], str]
REPORT = "Bilateral pulmonary infection, lower left lung."
NOTICE = "Research use only. Not a medical device."


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["segment", "--help"], ["gate", "--help"], ["report", "-"], ["models", "list"]],
)
def test_light_commands_import_no_torch(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from tgcnet.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "sys.exit(9 if 'torch' in sys.modules else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input="No pneumothorax.",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_help_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["segment", "-h"], ["models", "show", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
        assert NOTICE in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Größe 肺.png", "Größe 肺.png"),
        ("\x1b[31m.png", r"\x1b[31m.png"),
        ("a\r\ntgcnet: done\t.png", r"a\r\ntgcnet: done\t.png"),
        ("\x9b2J\x7f\u202e\udcff.png", r"\x9b2J\x7f\u202e\udcff.png"),
    ],
)
def test_a_name_in_an_error_cannot_move_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, shown: str
) -> None:
    assert main(["report", str(tmp_path / name)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tgcnet: The report {shown} cannot be read")
    with pytest.raises(SystemExit):
        main(["report", "-", f"--{name}"])
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_every_command_of_this_version_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for command in ("segment", "evaluate", "train", "gate", "models", "data", "report", "demo"):
        assert command in text


def test_the_notice_is_that_of_the_files() -> None:
    from tgcnet.cli.output import RESEARCH_NOTICE as SAID
    from tgcnet.io import RESEARCH_NOTICE as WRITTEN

    assert SAID == WRITTEN == NOTICE


def test_text_modes_are_those_of_the_evaluation() -> None:
    from tgcnet.evaluation.text_modes import TextMode

    assert (*(str(mode) for mode in TextMode), "all") == get_args(TextName)


def test_the_report_command_names_findings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "report.txt"
    file.write_text("Consolidation in the left lower lobe. No pneumothorax.", encoding="utf-8")
    assert main(["report", str(file), "--json"]) == 0
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["consolidation"]["presence"] == "present"
    assert findings["consolidation"]["side"] == "left"
    assert findings["pneumothorax"]["presence"] == "absent"
    assert findings["pneumothorax"]["side"] is None
    assert main(["report", str(file)]) == 0
    assert "consolidation: present (left" in capsys.readouterr().out


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_what_is_piped_in_is_decoded_as_a_file_is(
    capsys: pytest.CaptureFixture[str], refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, "Größer: consolidation in the left lower lobe.".encode("cp1252"))
    assert main(["report", "-"]) == 0
    assert "consolidation: present (left" in capsys.readouterr().out
    pipe(monkeypatch, b"PK\x03\x04\x14 no text")
    assert "The report on standard input is no plain text" in refused(["report", "-"])


def test_the_report_command_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, b"Nothing at all.")
    assert main(["report", "-"]) == 0
    assert "No finding that the knowledge base knows" in capsys.readouterr().out


def test_the_report_command_shows_what_a_model_reads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    pipe(monkeypatch, (REPORT + " Pleural effusion.").encode())
    assert main(["report", "-", "--model", model, "--json"]) == 0
    read = json.loads(capsys.readouterr().out)["model"]
    assert read["segmentable"] == ["pulmonary infection"]
    assert read["not_segmentable"] == ["pleural effusion"]
    assert read["sentences_left_out"] == ["Pleural effusion."]
    assert read["sentences_past_end"] == read["words_past_end"] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a broken pipe is another error there")
def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    command = [sys.executable, "-m", "tgcnet.cli", "models", "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        words = process.stderr.read()
    assert (process.returncode, words) == (141, b"")


def test_a_value_may_begin_with_a_minus() -> None:
    given = ["segment", "a.nii", "--out", "m.nii", "--slices", "-1:2", "--window", "-600/1500"]
    command = parse(given)
    assert isinstance(command, SegmentCommand)
    assert (command.slices, command.window) == (slice(-1, 2), (-600.0, 1500.0))


def test_an_option_is_no_value_of_another(refused: Refused) -> None:
    for given in (["--slices", "--json"], ["--slices"]):
        assert "argument --slices: expected one argument; see tgcnet segment --help" in refused(
            ["segment", "a.nii", "--out", "m.nii", *given]
        )
    assert "'--json' does not take a value" in refused(["models", "list", "--json=3"])


@pytest.mark.parametrize(
    ("given", "resume"),
    [
        ([], None),
        (["--resume"], ""),
        (["--resume", "--no-tensorboard"], ""),
        (["--resume", "run.safetensors"], "run.safetensors"),
    ],
)
def test_the_checkpoint_to_resume_from_may_be_left_out(
    given: list[str], resume: str | None
) -> None:
    command = parse(["train", "mini", "--data", "d", "--out", "o", *given])
    assert isinstance(command, TrainCommand)
    assert command.resume == resume


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            ["sogment"],
            "tgcnet: argument COMMAND: invalid choice: 'sogment' (choose from 'segment', 'segment-",
        ),
        (["models"], "tgcnet models: the following arguments are required: list|show|import|"),
        (
            ["models", "tidy"],
            "tgcnet models: argument list|show|import|verify|activate|rollback|remove: invalid ",
        ),
        (["segment"], "tgcnet segment: the following arguments are required: IMAGE, --out; see"),
        (["models", "list", "all"], "tgcnet models list: unrecognized arguments: all; see"),
        (["models", "list", "--al"], "tgcnet models list: No such option: --al"),
    ],
)
def test_a_wrong_command_or_option_is_one_sentence(
    refused: Refused, given: list[str], sentence: str
) -> None:
    assert refused(given).startswith(sentence)


def test_help_loads_no_library_of_images() -> None:
    program = (
        "import sys\nfrom tgcnet.cli.app import build_app\nbuild_app()\n"
        "print(sorted({'nibabel', 'pydicom', 'scipy', 'skimage', 'torch'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


def test_a_pasted_report_may_begin_with_dashes() -> None:
    given = parse(["segment", "a.png", "--report", "--- opacity", "--out", "m.png"])
    assert isinstance(given, SegmentCommand)
    assert given.report == "--- opacity"
