"""Processes that train until they are killed; run by the tests.

``writes FOLDER STEP``: a run killed at every STEP-th of its writes, fsyncs, renames and so on.
``random FOLDER COUNT``: runs killed at random instants. Each is resumed, and killed again if its
turn comes; prints what differs from a run that was left alone, and how many were killed.
"""

import csv
import json
import random
import shutil
import signal
import sys
import time
from itertools import count
from pathlib import Path

import torch
from tests.tgcnet.finetune.kill_child import is_killed
from tests.tgcnet.kills import fork, killed_at
from tests.tgcnet.train.conftest import write_data

from tgcnet.train.options import Accelerator, RunOptions
from tgcnet.train.recipe_runner import train_recipe

RECIPE = Path(__file__).with_name("tiny_recipe.py")
_OF_THE_CLOCK = ("seconds_per_step", "wait_share")


def train(data: Path, out: Path) -> None:
    """A whole run, or what is left of it."""
    options = RunOptions(
        accelerator=Accelerator.CPU, num_workers=0, has_tensorboard=False, log_every=1
    )
    train_recipe(str(RECIPE), data=data, out=out, resume=True, options=options)


def result(out: Path) -> tuple[bytes, list[list[str]]]:
    """The weights as a file, and the log but for its times."""
    with (out / "log.csv").open(newline="") as file:
        rows = [row for row in csv.reader(file) if row[3] not in _OF_THE_CLOCK]
    return (out / "model" / "weights.safetensors").read_bytes(), rows


def kill_writes(folder: Path, step: int) -> None:
    data, whole = write_data(folder / "data"), folder / "whole"
    assert fork(lambda: train(data, whole))[0] == 0
    wrong, num_killed = [], 0
    for number in count(1, step):
        out = folder / f"killed {number}"
        code, _ = fork(lambda: killed_at(number, lambda: train(data, out)))  # noqa: B023 - at once
        if code == 0:
            break
        if code != -signal.SIGKILL:
            wrong.append(f"{number}: ended with {code}")
        num_killed += 1
        wrong += compare(data, out, whole)
    sys.stdout.write(json.dumps({"wrong": wrong, "killed": num_killed}))


def kill_random(folder: Path, number: int) -> None:
    data, whole = write_data(folder / "data"), folder / "whole"
    began = time.perf_counter()
    assert fork(lambda: train(data, whole))[0] == 0
    seconds = time.perf_counter() - began
    draw, wrong, num_killed = random.Random(0), [], 0
    for index in range(number):
        out = folder / f"killed {index}"
        for _ in range(2):  # a resumed run may die as well
            instant = draw.uniform(0, 0.9 * seconds)
            num_killed += is_killed(lambda: train(data, out), instant)  # noqa: B023 - runs at once
        wrong += compare(data, out, whole)
    sys.stdout.write(json.dumps({"wrong": wrong, "killed": num_killed}))


def compare(data: Path, out: Path, whole: Path) -> list[str]:
    """Resume a run and say what is not as in the whole one."""
    code, _ = fork(lambda: train(data, out))
    if code:
        return [f"{out.name}: could not be resumed ({code})"]
    weights, log = result(out)
    expected_weights, expected_log = result(whole)
    wrong = [] if weights == expected_weights else [f"{out.name}: other weights"]
    wrong += [] if log == expected_log else [f"{out.name}: another log"]
    shutil.rmtree(out)
    return wrong


def main(command: str, folder: str, number: str) -> None:
    torch.set_num_threads(1)
    {"writes": kill_writes, "random": kill_random}[command](Path(folder), int(number))


if __name__ == "__main__":
    main(*sys.argv[1:])
