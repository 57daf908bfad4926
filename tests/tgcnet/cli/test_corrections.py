"""``tgcnet corrections``: a ledger listed, checked, exported and filled."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.cli import main

Refused = Callable[[list[str]], str]
REPORT = "Consolidation in the left lower lobe."


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    folder, random = tmp_path / "set", np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    rows = [["image", "mask", "report", "subject"]]
    for index in range(3):
        name = f"{index}.png"
        pixels = random.integers(0, 255, (64, 48)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / name)
        Image.fromarray((pixels > 200).astype(np.uint8)).save(folder / "masks" / name)
        rows.append([name, name, REPORT, f"subject {index}"])
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def ledger(data_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "ledger"
    assert main(["corrections", "import", str(data_set), "--to", str(folder)]) == 0
    assert f"{folder}: 3 rows in 3 cases." in capsys.readouterr().out
    return folder


def listed(ledger: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main(["corrections", "list", str(ledger), "--json"]) == 0
    cases: list[dict[str, object]] = json.loads(capsys.readouterr().out)["cases"]
    return cases


def test_a_list_prints_no_report(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corrections", "list", str(ledger)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all("1 revision, 1 of 1 slices reviewed" in line for line in lines)
    assert [line.endswith(", held out") for line in lines] == [False, True, False]
    cases = listed(ledger, capsys)
    assert [case["is_held_out"] for case in cases] == [False, True, False]
    assert "Consolidation" not in json.dumps(cases) + "".join(lines)


def test_an_empty_ledger_and_none_at_all(
    refused: Refused, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tgcnet.corrections import Ledger

    Ledger.create(tmp_path / "empty")
    assert main(["corrections", "list", str(tmp_path / "empty")]) == 0
    assert "has no case yet" in capsys.readouterr().out
    for action in ("list", "check"):
        sentence = refused(["corrections", action, str(tmp_path / "absent")])
        assert "absent is no ledger of corrections, expected a folder with" in sentence


def test_check_sets_damage_aside_and_says_so(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corrections", "check", str(ledger)]) == 0
    assert "3 cases are whole, 0 damaged" in capsys.readouterr().out
    ids = [str(case["case_id"]) for case in listed(ledger, capsys)]
    (ledger / "cases" / ids[0] / "image.nii.gz").write_bytes(b"short")
    (ledger / "cases" / ids[1] / "case.json").write_bytes(b"{")
    assert main(["corrections", "list", str(ledger)]) == 0
    assert f"case.json of case {ids[1]} is damaged" in capsys.readouterr().err
    assert main(["corrections", "check", str(ledger)]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 2
    assert f"image.nii.gz of case {ids[0]} is damaged: it has SHA-256" in said.err
    assert "1 cases are whole, 2 damaged and set aside, 0 could not be read." in said.out
    (ledger / "cases" / ids[2] / "revisions" / "0001" / "report.txt").unlink()
    assert main(["corrections", "check", str(ledger), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["num_whole"], len(found["set_aside"]), found["not_read"]) == (0, 1, [])


def test_an_export_is_what_evaluate_reads(
    refused: Refused, ledger: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["corrections", "export", str(ledger), "--out", str(out)]
    assert main(command) == 0
    assert f"{out}: 3 slices of 3 cases." in capsys.readouterr().out
    assert REPORT not in (out / "captions.csv").read_text(encoding="utf-8")
    assert "out is there already" in refused(command)
    assert main(["evaluate", str(out), "--model", model, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_images"] == 3
    for format_, table in (("folder", "captions.csv"), ("nnunet", "subjects.csv")):
        made = tmp_path / format_
        command = ["corrections", "export", str(ledger), "--out", str(made), "--format", format_]
        assert main([*command, "--with-reports"]) == 0
        assert (made / table).is_file()
    assert REPORT in (tmp_path / "folder" / "captions.csv").read_text(encoding="utf-8")


def test_an_export_names_what_it_leaves_out(
    ledger: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = str(listed(ledger, capsys)[0]["case_id"])
    (ledger / "cases" / first / "image.nii.gz").unlink()
    assert main(["corrections", "export", str(ledger), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "2 slices of 2 cases" in said.out
    assert f"Left out: image.nii.gz of case {first} is damaged" in said.err


def test_an_import_may_run_a_model(
    data_set: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "with-model"
    command = ["corrections", "import", str(data_set), "--to", str(ledger), "--with-model", model]
    assert main([*command, "--device", "cpu"]) == 0
    capsys.readouterr()
    cases = listed(ledger, capsys)
    assert {case["model"] for case in cases} == {"tiny"}
    assert all(isinstance(case["dice_pooled"], float) for case in cases)
    assert main(["corrections", "list", str(ledger)]) == 0
    assert "Dice of tiny 0." in capsys.readouterr().out


def test_an_import_of_nothing_makes_no_ledger(refused: Refused, tmp_path: Path) -> None:
    command = ["corrections", "import", str(tmp_path), "--to", str(tmp_path / "ledger")]
    assert "has no captions.csv" in refused(command)
    assert not (tmp_path / "ledger").exists()


@pytest.mark.parametrize("command", [["list"], ["check"], ["export", "--out"]])
def test_a_ledger_needs_no_torch(ledger: Path, tmp_path: Path, command: list[str]) -> None:
    arguments = [command[0], str(ledger), *command[1:], *([str(tmp_path / "o")] * len(command[1:]))]
    code = (
        "import sys\nfrom tgcnet.cli import main\n"
        "status = main(['corrections', *sys.argv[1:]])\n"
        "sys.exit(9 if 'torch' in sys.modules else status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
