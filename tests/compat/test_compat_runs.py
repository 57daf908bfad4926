"""Training, fine-tuning and cohorts that an earlier version began go on with the code of now."""

import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors
from tests.compat.conftest import Opened
from tests.compat.recipe import write_training_data

from napari_tgcnet.finetune.run_processes import RunProcesses
from tgcnet.cli import main
from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.journal import End, count_deaths, read_journal
from tgcnet.cohort.study_record import Status
from tgcnet.config import TgcNetConfig
from tgcnet.config.json_values import from_json
from tgcnet.data.pixel_cache import PixelFiles
from tgcnet.domain import GateReport, Modality
from tgcnet.finetune.compared_masks import read_compared
from tgcnet.finetune.events import (
    Begun,
    Compared,
    Done,
    Scored,
    Stepped,
    Stopped,
    read_events,
    read_timed,
)
from tgcnet.finetune.run_data import read_snapshot
from tgcnet.finetune.run_folder import RunStatus, list_runs, run_info
from tgcnet.gate.case_scores import read_scores
from tgcnet.gate.report_json import report_from_json
from tgcnet.models import SegmentationModel, build_model
from tgcnet.train.checkpoint import read_provenance
from tgcnet.train.data.fixed_views import VARIANTS, FeatureFiles
from tgcnet.train.validation import BestModel
from tgcnet.weights.load import load_model

RECIPE = Path(__file__).with_name("recipe.py")
STOPPED, FINISHED = "20260101-000000-aaaaaa", "20260102-000000-bbbbbb"
TUNED = "compat-ft-20261201-0039"
CASES = ("117033724ae0c343", "9a5ccd649d67f51f", "6a9e553d56058c66")
HELD_OUT = CASES[1]
PIXELS_SHA256 = "9a71a89e269634a6538034bad5af478ec4d9a10efbf398744d622cd5cbf59641"


@pytest.mark.parametrize(
    ("name", "function", "checkpoint", "kept_row"),
    [
        ("training", "", "pretrain-00000001", None),
        ("training", "", "train-00000001", ("pretrain", "2", "loss", "0.672216654")),
        ("training-tmca", ":tmca", "train-00000001", None),
    ],
)
def test_a_recipe_goes_on_from_a_checkpoint(
    opened: Opened,
    tmp_path: Path,
    name: str,
    function: str,
    checkpoint: str,
    kept_row: tuple[str, ...] | None,
) -> None:
    run, data = opened(name), write_training_data(tmp_path / "data")
    named = run / "checkpoints" / f"{checkpoint}.safetensors"
    before = read_provenance(named)
    assert (before["seed"], before["train_pixels_sha256"]) == ("0", PIXELS_SHA256)
    command = ["train", f"{RECIPE}{function}", "--data", str(data), "--out", str(run)]
    options = ["--accelerator", "cpu", "--workers", "0", "--no-tensorboard"]
    assert main([*command, *options, "--resume", str(named)]) == 0
    kept = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert kept == ["train-00000001.safetensors", "train-00000002.safetensors"]
    with (run / "log.csv").open(newline="", encoding="utf-8") as file:
        rows = [(r["stage"], r["step"], r["name"], r["value"]) for r in csv.DictReader(file)]
    assert kept_row is None or kept_row in rows
    assert [row[:3] for row in rows].count(("train", "2", "dice_pooled_given")) == 1
    model = load_model(str(run / "model"))
    assert model.manifest.name == ("compat" if name == "training" else "compat-tmca")
    # Which versions compute may change, and nothing else that a run is made with.
    made_with = model.manifest.provenance
    assert {k: v for k, v in made_with.items() if "version" not in k} == {
        k: v for k, v in before.items() if "version" not in k
    }


def test_the_best_model_is_known_by_its_score(opened: Opened) -> None:
    run = opened("training")
    file = run / "best.safetensors"
    before, best = file.read_bytes(), BestModel(file)
    model = network_of(run / "checkpoints" / "train-00000001.safetensors")
    best.restore(model)
    best.offer(model, step=3, score=0.0935)
    assert file.read_bytes() == before
    assert not best.go_back_to(2)
    best.offer(model, step=3, score=0.0936)
    assert file.read_bytes() != before
    assert best.go_back_to(2)


def network_of(checkpoint: Path) -> SegmentationModel:
    """The network that a checkpoint's configuration describes, with random weights."""
    with safetensors.safe_open(checkpoint, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
    return build_model(from_json(TgcNetConfig, config["model"]))


def test_decoded_pixels_are_read(opened: Opened) -> None:
    folder = opened("training") / "cache"
    files = (
        (folder / "a2f43a859177ed9580b3cfd0ed6f540afbe048b0.npy", 4),
        (folder / "2f2e9c05506e9bde6805b65c5bbebe2f09275195.npy", 1),
    )
    rows = PixelFiles(files=files).open()
    assert [row.modality for row in rows] == [Modality.XRAY] * 5
    assert rows[0].planes.shape == (2, 64, 64)
    assert sum(int(row.planes.sum(dtype=np.int64)) for row in rows) == 985440 + 223680


def test_runs_are_found_as_they_were_left(opened: Opened) -> None:
    runs = {info.folder.name: info.status for info in list_runs(opened("runs"))}
    assert runs == {STOPPED: RunStatus.STOPPED, FINISHED: RunStatus.DONE}


def test_a_stopped_run_told_what_it_did(opened: Opened) -> None:
    told = [timed.event for timed in read_timed(opened("runs") / STOPPED)[0]]
    assert len(told) == 9
    begun = told[0]
    assert isinstance(begun, Begun)
    assert (begun.parent, begun.num_new, begun.num_held_out) == ("compat", 2, 1)
    assert (begun.total_steps, begun.cache_bytes, begun.device) == (3, 8192, "cpu")
    steps = [event for event in told if isinstance(event, Stepped)]
    assert [(event.step, event.total, event.loss) for event in steps] == [
        (1, 3, 2.6752450466156006),
        (2, 3, 2.5419883728027344),
    ]
    scored = [event for event in told if isinstance(event, Scored)]
    assert [event.epoch for event in scored] == [0, 1, 2]
    assert scored[2].dice_pooled == scored[2].dice_mean == 0.17592346532022324
    sentence = "Fine-tuning was stopped; it goes on from here when resumed."
    assert told[-1] == Stopped(sentence=sentence)


def test_a_finished_run_told_what_came_of_it(opened: Opened) -> None:
    run = opened("runs") / FINISHED
    timed = read_timed(run)[0]
    assert len(timed) == 10
    assert timed[-1].time_s == 1796085560.73445
    assert timed[-1].event == Done(model=TUNED)
    [compared] = [t.event for t in timed if isinstance(t.event, Compared)]
    [entry] = compared.slices
    assert (entry.case_id, entry.z) == (HELD_OUT, 0)
    assert entry.dice_before == entry.dice_after == 0.17793594306049823
    report = compared.report
    assert (report.candidate.name, report.active.name) == (TUNED, "compat-tmca")
    assert [comparison.text for comparison in report.held_out] == ["given", "none"]
    assert report.held_out[0].dice_mean.low == -1.0
    assert (report.recommended, len(report.reasons), report.reference) == (False, 2, ())
    assert report_of(run / "gate.json") == report
    masks = read_compared(run, HELD_OUT)[0]
    assert masks.before.shape == masks.after.shape == (64, 64)
    assert (int(masks.before.sum()), int(masks.after.sum())) == (4096, 4096)
    held_out, reference = read_scores(run / "scores.json")
    assert (held_out.texts(), reference) == (("given", "none"), None)
    assert held_out.active[0].dice == 0.17793594306049823


def report_of(path: Path) -> GateReport:
    return report_from_json(json.loads(path.read_text(encoding="utf-8")))


def test_what_a_run_read_and_kept_is_read(opened: Opened) -> None:
    run = opened("runs") / STOPPED
    snapshot = read_snapshot(run)
    assert snapshot.revisions == tuple((case, 1) for case in CASES)
    assert snapshot.identifier == "2026-12-01T00:39:19.544+00:00 70c0672d75b1ac78 026664af5d7b4788"
    features = FeatureFiles(folder=run / "features" / "b83632def7136e87-0")
    [view] = [variant for variant in VARIANTS if variant.name == "cropped-mirrored"]
    taps = features.read("1e4a14746045b83a688512a97275f3a7" + "0" * 32, view)
    assert taps is not None
    assert len(taps) == 4
    assert sum(float(tap.double().sum()) for tap in taps) == pytest.approx(118.1640893816948)


def test_a_stopped_run_is_resumed_to_its_end(
    opened: Opened, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = opened("runs") / STOPPED
    options = json.loads((run / "order.json").read_text(encoding="utf-8"))["options"]
    ledger = str(opened("corrections"))
    command = ["finetune", "--corrections", ledger, "--out", str(run), *options, "--resume"]
    assert main(command) == 0
    assert "Done. Nothing was switched" in capsys.readouterr().out
    assert run_info(run).status is RunStatus.DONE
    told = read_events(run)
    assert [event.step for event in told if isinstance(event, Stepped)] == [1, 2, 3]
    # Named by the time at which the corrections were read; the finished run's has that name.
    assert told[-1] == Done(model=f"{TUNED}-2")
    lineage = load_model(f"{TUNED}-2").manifest.lineage
    assert lineage is not None
    assert (lineage.parent, lineage.ledger_snapshot) == ("compat", read_snapshot(run).identifier)


def test_the_window_resumes_a_run_by_its_own_options(opened: Opened, tmp_path: Path) -> None:
    written = tmp_path / "arguments.json"
    program = f"import json, sys; json.dump(sys.argv[1:], open({str(written)!r}, 'w'))"
    runs = RunProcesses((sys.executable, "-c", program), lambda: opened("runs"))
    found = runs.find_current()
    assert found is not None
    assert (found.run.name, found.status) == (FINISHED, RunStatus.DONE)
    run = opened("runs") / STOPPED
    runs.resume(run, Path("ledger"), None)
    while runs.is_alive(run):
        time.sleep(0.01)
    assert json.loads(written.read_text(encoding="utf-8")) == [
        "--corrections", "ledger", "--out", str(run), "--model", "compat", "--device", "cpu",
        "--epochs", "3", "--learns", "standard", "--batch-size", "2", "--seed", "7",
        "--cache-limit", "4", "--resume",
    ]  # fmt: skip


def test_a_cohort_has_its_records_and_its_journal(opened: Opened) -> None:
    finished = CohortFolder(opened("cohort") / "finished")
    ends = [(entry.study, entry.end) for entry in read_journal(finished.journal_folder)]
    assert ends == [(f"s{i}", end) for i in range(5) for end in (None, End.PUBLISHED)]
    half = CohortFolder(opened("cohort") / "half")
    assert count_deaths(read_journal(half.journal_folder)) == {"s3": 1}
    records = [finished.record(f"s{index}") for index in range(5)]
    assert [record and record.status for record in records] == [
        Status.DONE, Status.DONE, Status.FAILED, Status.SKIPPED, Status.DONE,
    ]  # fmt: skip
    _, stack, failed, _, _ = records
    assert stack is not None
    assert finished.is_whole(stack)
    assert (stack.slices, stack.voxels, stack.volume_ml) == ((1, 3), 84, 0.1176)
    assert (stack.voxels_by_class, stack.threshold) == ({"infection": 84}, 0.4)
    assert (stack.report_hash, stack.text) == ("5469f2f0957a88f2a23885f5c4e32fc2", "read")
    assert (stack.fingerprint, stack.row_hash) == (
        "1db2570278e02df537efa9f4827dc0c1", "8ffcfe895d359a04bcfdc4753d97b4d6",
    )  # fmt: skip
    assert failed is not None
    assert (failed.error_class, failed.mask) == ("InputError", None)


@pytest.mark.parametrize(("name", "num_now"), [("finished", 0), ("half", 2)])
def test_a_cohort_goes_on_where_it_was(
    opened: Opened,
    models: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    num_now: int,
) -> None:
    folder = opened("cohort")
    out = folder / name
    before = {path: path.read_bytes() for path in (out / "studies").rglob("*") if path.is_file()}
    command = ["segment-cohort", str(folder / "studies.csv"), "--out", str(out), "--device", "cpu"]
    assert main([*command, "--model", "compat", "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["num_now"], summary["num_done"], summary["num_skipped"]) == (num_now, 3, 1)
    assert [failure["id"] for failure in summary["failures"]] == ["s2"]
    for path, content in before.items():
        assert path.read_bytes() == content
    expected, table = (opened("cohort") / n / "cohort.csv" for n in ("finished", name))
    with expected.open(newline="") as one, table.open(newline="") as other:
        rows = list(zip(csv.DictReader(one), csv.DictReader(other), strict=True))
    for was, now in rows:
        assert {k: v for k, v in was.items() if k not in ("seconds", "mask_sha256")} == {
            k: v for k, v in now.items() if k not in ("seconds", "mask_sha256")
        }


def test_a_cohorts_terms_still_hold(
    opened: Opened, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = opened("cohort")
    command = ["segment-cohort", str(folder / "studies.csv"), "--out", str(folder / "half")]
    assert main([*command, "--model", "compat", "--threshold", "0.6", "--device", "cpu"]) == 2
    assert "at threshold 0.4 as .nii.gz" in capsys.readouterr().err
