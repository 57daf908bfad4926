"""Processes that fine-tune until they are killed; run by the tests.

``each FOLDER MODEL``: one process for each write, fsync, rename and so on of what a run writes,
killed at that one; prints what was found wrong afterwards, and how many were killed.
``saving FOLDER MODEL COUNT``: one checkpoint after the other, killed at random instants.
``random FOLDER MODEL COUNT``: whole runs, each killed at a random instant and then resumed.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from tests.tgcnet.finetune.conftest import SHORT, phantom_correction, switch_on
from tests.tgcnet.kills import MOST_CALLS, fork, killed_at
from torch import nn

from tgcnet.cli import main as run_command
from tgcnet.corrections import Ledger
from tgcnet.errors import CheckpointError
from tgcnet.finetune.candidate import export_candidate
from tgcnet.finetune.run_data import Snapshot, read_snapshot, write_snapshot
from tgcnet.finetune.samples import samples_of_case
from tgcnet.models import SegmentationModel
from tgcnet.train.checkpoint import Progress, read_progress, restore_checkpoint, save_checkpoint
from tgcnet.train.data.fixed_views import VARIANTS
from tgcnet.train.frozen_features import FeatureCache
from tgcnet.train.network_inputs import PixelScale
from tgcnet.weights import install
from tgcnet.weights.install import STAGING_FOLDER, install_model
from tgcnet.weights.load import LoadedModel, load_model
from tgcnet.weights.manifest import WEIGHTS_FILE, read_manifest
from tgcnet.weights.registry import list_models


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What is killed, in a folder with an older state in it, and what has to hold afterwards.

    ``wrong`` gets the folder and whether the operation had ended, and says what is not as it
    has to be.
    """

    prepare: Callable[[Path], object]
    operate: Callable[[Path], object]
    wrong: Callable[[Path, bool], list[str]]


def checkpoints() -> Operation:
    """Step 2 over step 1; each state's numbers are its step."""

    def state(step: float) -> tuple[nn.Module, torch.optim.Optimizer]:
        model = nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
        for parameter in model.parameters():
            parameter.data.fill_(step)
            optimizer.state[parameter] = {
                "step": torch.tensor(step),
                "exp_avg": torch.full_like(parameter, step),
                "exp_avg_sq": torch.full_like(parameter, step),
            }
        return model, optimizer

    def save(folder: Path, step: int) -> None:
        model, optimizer = state(float(step))
        save_checkpoint(
            folder / "run.safetensors", model=model, optimizer=optimizer,
            progress=Progress(stage="finetune", step=step), config={"seed": 0},
        )  # fmt: skip

    def wrong(folder: Path, is_done: bool) -> list[str]:
        path = folder / "run.safetensors"
        step = read_progress(path, {"seed": 0}).step
        model, optimizer = state(0.0)
        restore_checkpoint(path, model=model, optimizer=optimizer)
        tensors = [*model.parameters()]
        tensors += [tensor for values in optimizer.state.values() for tensor in values.values()]
        found = [] if all(bool((tensor == step).all()) for tensor in tensors) else ["mixed"]
        return found + (["lost"] if is_done and step != 2 else [])

    return Operation(
        prepare=lambda folder: save(folder, 1), operate=lambda folder: save(folder, 2), wrong=wrong
    )


def snapshots() -> Operation:
    old = Snapshot(revisions=(("a", 1),), taken_utc="2026-01-01", ledger="l")
    new = Snapshot(revisions=(("a", 2), ("b", 1)), taken_utc="2026-01-02", ledger="l")

    def wrong(folder: Path, is_done: bool) -> list[str]:
        return [] if read_snapshot(folder) in ([new] if is_done else [old, new]) else ["torn"]

    return Operation(
        prepare=lambda folder: write_snapshot(folder, old),
        operate=lambda folder: write_snapshot(folder, new),
        wrong=wrong,
    )


def features(parent: LoadedModel, ledger: Ledger) -> Operation:
    """Kept for the first time; nothing is there before."""
    preprocess = parent.manifest.preprocess
    case = next(iter(ledger.load_reviewed(lambda problem: None)))
    [sample] = samples_of_case(case, preprocess, case.record.classes)
    views = [(sample, VARIANTS[0])]

    def cache(folder: Path) -> FeatureCache:
        return FeatureCache(folder, parent.model, PixelScale(preprocess), weights_key="key")

    with torch.inference_mode():
        image = torch.from_numpy(sample.example.image)[None, None].float() / 255
        frozen = parent.model.frozen_features(PixelScale(preprocess)(image))
        expected = [tap.half().float() for tap in frozen]

    def wrong(folder: Path, is_done: bool) -> list[str]:
        found = cache(folder).features(views)
        same = all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
        return [] if same else ["other features"]

    return Operation(
        prepare=lambda folder: None,
        operate=lambda folder: list(cache(folder).fill(views)),
        wrong=wrong,
    )


def candidates(parent: LoadedModel, child: SegmentationModel) -> Operation:
    """A candidate over another one of the same name: loaded whole, or refused and made again."""
    snapshot = Snapshot(revisions=(), taken_utc="2026-01-01T00:00:00", ledger="l")
    config = parent.manifest.model

    def export(folder: Path, model: SegmentationModel) -> Path:
        return export_candidate(model, parent, snapshot, folder, config)

    def wrong(folder: Path, is_done: bool) -> list[str]:
        [made] = [*(folder / "model").iterdir()]
        if is_whole(made):
            weights = safetensors.torch.load_file(made / WEIGHTS_FILE)
            allowed = [child] if is_done else [parent.model, child]
            found = [] if any(has_weights(model, weights) for model in allowed) else ["torn"]
        else:
            found = ["lost"] if is_done else []  # refused, and made again by a resumed run
        return found + ([] if is_whole(export(folder, child)) else ["cannot be made again"])

    return Operation(
        prepare=lambda folder: export(folder, parent.model),
        operate=lambda folder: export(folder, child),
        wrong=wrong,
    )


def installations(model: Path) -> Operation:
    def operate(folder: Path) -> None:
        os.environ["TGCNET_MODELS"] = str(folder / "models")
        install_model(model)

    def wrong(folder: Path, is_done: bool) -> list[str]:
        os.environ["TGCNET_MODELS"] = str(folder / "models")
        names = [manifest.name for manifest in list_models() if manifest.name != "mini"]
        if names and not is_whole(folder / "models" / "tiny"):
            return ["torn"]
        found = [] if names == ["tiny"] or (not names and not is_done) else [f"listed: {names}"]
        again = install_model(model)
        found += [] if again == "tiny" else [f"installed anew as {again}"]
        left = [*(folder / "models" / STAGING_FOLDER).iterdir()]
        return found + [f"left: {path.name}" for path in left]

    return Operation(prepare=lambda folder: None, operate=operate, wrong=wrong)


def is_whole(folder: Path) -> bool:
    """Whether the weights are those of the manifest; what is not is never loaded."""
    try:
        manifest = read_manifest(folder)
    except CheckpointError:
        return False
    return hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest() == manifest.sha256


def has_weights(model: SegmentationModel, weights: dict[str, torch.Tensor]) -> bool:
    """Whether these are the model's weights, as a file keeps them."""
    return all(
        torch.equal(tensor.half() if tensor.is_floating_point() else tensor, weights[key])
        for key, tensor in model.state_dict().items()
    )


def kill_each(folder: Path, model: Path) -> None:
    parent = load_model(str(model))
    child = load_model(str(model)).model
    for parameter in child.parameters():
        parameter.data.add_(0.125)
    ledger = Ledger.create(folder / "ledger")
    ledger.save(phantom_correction(0, patient="one"))
    vars(install)["verify"] = lambda folder: None  # takes long, and writes nothing
    operations = {
        "checkpoint": checkpoints(),
        "snapshot": snapshots(),
        "features": features(parent, ledger),
        "candidate": candidates(parent, child),
        "install": installations(model),
    }
    wrong: list[str] = []
    num_killed: dict[str, int] = {}
    for name, operation in operations.items():
        for number in range(1, MOST_CALLS):
            made = folder / name / str(number)
            made.mkdir(parents=True)
            operation.prepare(made)
            code, said = fork(lambda: kill_at(number, operation, made))  # noqa: B023 - runs at once
            wrong += [f"{name} {number}: {w}" for w in operation.wrong(made, "done" in said)]
            shutil.rmtree(made)
            if code == 0:
                break
            if code != -signal.SIGKILL:
                wrong.append(f"{name} {number}: ended with {code}")
            num_killed[name] = number
    sys.stdout.write(json.dumps({"wrong": wrong, "killed": num_killed}))


def kill_at(number: int, operation: Operation, made: Path) -> None:
    killed_at(number, lambda: operation.operate(made))


def kill_random(folder: Path, model: Path, count: str) -> None:
    """Weights are compared as files: float16 of what training left, to the bit."""
    ledger = Ledger.create(folder / "ledger")
    for index in range(8):
        ledger.save(phantom_correction(index, patient=f"patient {index}"))

    def tune(out: Path) -> None:
        fixed = ["finetune", "--corrections", str(folder / "ledger"), "--out", str(out)]
        options = ["--epochs", str(SHORT.epochs), "--batch-size", "4", "--device", "cpu"]
        status = run_command([*fixed, "--model", "tiny", *options, "--resume"])
        if status:
            raise AssertionError(status)

    def place(name: str) -> Path:
        """A folder for a run, with models of its own that the run adds to."""
        made = folder / name
        os.environ["TGCNET_MODELS"] = str(made / "models")
        switch_on(model, made / "models")
        (made / "run").mkdir()
        return made / "run"

    def weights(run: Path) -> list[bytes]:
        found = [*run.with_name("models").glob("tiny-ft-*")]
        return [(one / WEIGHTS_FILE).read_bytes() for one in found]

    whole = place("whole")
    began = time.perf_counter()
    assert fork(lambda: tune(whole))[0] == 0
    seconds = time.perf_counter() - began
    [expected] = weights(whole)
    draw, wrong, num_killed = random.Random(0), [], 0
    for number in range(int(count)):
        run = place(f"killed {number}")
        num_killed += is_killed(lambda: tune(run), draw.uniform(0, 0.95 * seconds))  # noqa: B023 - at once
        code, _ = fork(lambda: tune(run))  # noqa: B023 - runs at once
        if code:
            wrong.append(f"{number}: could not be resumed ({code})")
        elif weights(run) != [expected]:
            wrong.append(f"{number}: other weights, or not one candidate")
    sys.stdout.write(json.dumps({"wrong": wrong, "killed": num_killed, "seconds": seconds}))


def kill_saving(folder: Path, model: Path, count: str) -> None:
    operation = checkpoints()
    operation.prepare(folder)

    def save_on_and_on() -> None:
        while True:
            operation.operate(folder)
            operation.prepare(folder)

    draw, wrong, num_killed = random.Random(0), [], 0
    for number in range(int(count)):
        num_killed += is_killed(save_on_and_on, draw.uniform(0, 0.05))
        wrong += [f"{number}: {what}" for what in operation.wrong(folder, False)]
    sys.stdout.write(json.dumps({"wrong": wrong, "killed": num_killed}))


def is_killed(work: Callable[[], object], seconds: float) -> bool:
    """Kill a process that works after a while; False where it had ended by then."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def main(command: str, folder: str, model: str, *count: str) -> None:
    torch.set_num_threads(1)
    commands: dict[str, Callable[..., object]] = {
        "each": kill_each,
        "saving": kill_saving,
        "random": kill_random,
    }
    commands[command](Path(folder), Path(model), *count)


if __name__ == "__main__":
    main(*sys.argv[1:])
