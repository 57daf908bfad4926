"""Processes that save into a ledger, together or until they are killed; run by the tests.

``save LEDGER COUNT SEED``: many saves, as fast as they go; prints where they went.
``kill-each FOLDER``: one process for each write, fsync, rename and so on of an operation, killed at
that one; prints what was found wrong afterwards, and how many were killed.
``kill-random FOLDER COUNT``: the same at random instants of a process that saves all the time.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.tgcnet.kills import MOST_CALLS, fork, killed_at

from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Geometry, Modality, SegmentationClass, Volume


def correction(seed: int, value: int = 1) -> Correction:
    array = np.random.default_rng(seed).integers(-1000, 400, (2, 5, 6)).astype(np.int16)
    labels = np.zeros(array.shape, dtype=np.uint8)
    labels[0, :value] = 1
    return Correction(
        volume=Volume(
            array=array,
            geometry=Geometry(affine_lps=np.eye(4)),
            modality=Modality.CT,
            patient_id=f"patient {seed}",
        ),
        labels=labels,
        classes=(SegmentationClass(name="infection", colour=(230, 60, 60)),),
        reviewed_slices=(0,),
        report=f"report {seed} {value}",
        model_labels=np.zeros_like(labels),
    )


def save(folder: Path, count: int, seed: int) -> None:
    ledger = Ledger.open(folder)
    (folder.parent / f"ready-{seed}").touch()
    while not (folder.parent / "go").exists():
        time.sleep(0.001)
    went = []
    for index in range(count):
        went.append(ledger.save(correction(0, index % 5)))
        if index % 7 == 0:
            ledger.save(correction(seed + index))
            Ledger.open(folder)  # sweeps while the other one builds
    sys.stdout.write(json.dumps([[saved.case_id, saved.revision] for saved in went]))


def wrong_with(folder: Path, *, had_case: bool) -> list[str]:
    """What is not as it has to be after a kill; the first case was there before."""
    ledger = Ledger.create(folder)
    wrong = [f"left: {p.name}" for p in folder.rglob("*") if p.name.startswith(".tgcnet")]
    wrong += [problem.sentence for problem in ledger.check().problems]
    before = ledger.cases().cases + ledger.deleted().cases
    for summary in ledger.cases().cases:
        for number in range(1, summary.num_revisions + 1):
            case = ledger.load(summary.case_id, number)
            seed, value = (int(word) for word in case.report.split()[1:])
            expected = correction(seed, value)
            if not np.array_equal(case.labels, expected.labels):
                wrong.append("torn masks")
            if not np.array_equal(case.volume.array, expected.volume.array):
                wrong.append("torn image")
    if had_case and not before:
        wrong.append("lost")
    again = ledger.save(correction(9))
    if ledger.load(again.case_id).report != "report 9 1":
        wrong.append("cannot go on")
    return wrong


def kill_each(folder: Path) -> None:
    template = folder / "template"
    first = Ledger.create(template).save(correction(1)).case_id
    operations: dict[str, tuple[bool, Callable[[Path], object], Callable[[Path], bool]]] = {
        "create": (False, Ledger.create, lambda made: True),
        "case": (
            True,
            lambda made: Ledger.open(made).save(correction(2)),
            lambda made: len(Ledger.open(made).cases().cases) == 2,
        ),
        "revision": (
            True,
            lambda made: Ledger.open(made).save(correction(1, 2), first),
            lambda made: Ledger.open(made).load(first).revision == 2,
        ),
        "delete": (
            True,
            lambda made: Ledger.open(made).delete(first),
            lambda made: len(Ledger.open(made).deleted().cases) == 1,
        ),
    }
    wrong: list[str] = []
    num_killed: dict[str, int] = {}
    for name, (has_case, operate, is_kept) in operations.items():
        for number in range(1, MOST_CALLS):
            made = folder / "made"
            shutil.rmtree(made, ignore_errors=True)
            if has_case:
                shutil.copytree(template, made)
            code, said = fork(lambda: killed_at(number, lambda: operate(made)))  # noqa: B023 - runs at once
            if "done" in said and not is_kept(made):
                wrong.append(f"{name} {number}: what was committed is lost")
            wrong += [f"{name} {number}: {what}" for what in wrong_with(made, had_case=has_case)]
            if code == 0:
                break
            if code != -signal.SIGKILL:
                wrong.append(f"{name} {number}: ended with {code}")
            num_killed[name] = number
    sys.stdout.write(json.dumps({"wrong": wrong, "killed": num_killed}))


def kill_random(folder: Path, count: int) -> None:
    made = folder / "ledger"
    first = Ledger.create(made).save(correction(1)).case_id
    wrong: list[str] = []
    num_committed = 1
    draw = random.Random(0)
    for number in range(count):
        said = kill_a_saver(made, first, draw.uniform(0.0, 0.06))
        ledger = Ledger.open(made)
        committed = [int(word) for word in said.split()]
        num_committed += len(committed)
        wrong += [problem.sentence for problem in ledger.check().problems]
        [case] = [c for c in ledger.cases().cases if c.case_id == first]
        if case.num_revisions < max(committed, default=0):
            wrong.append(f"{number}: a revision is lost")
        if any(path.name.startswith(".tgcnet") for path in made.rglob("*")):
            wrong.append(f"{number}: a leftover stayed")
    [case] = [c for c in Ledger.open(made).cases().cases if c.case_id == first]
    # One more for each kill at most: renamed, but not yet said.
    if not num_committed <= case.num_revisions <= num_committed + count:
        wrong.append(f"{case.num_revisions} revisions of {num_committed}")
    sys.stdout.write(json.dumps({"wrong": wrong, "committed": num_committed}))


def kill_a_saver(made: Path, case_id: str, seconds: float) -> str:
    """Let a process save until it is killed; the revisions it said to be kept."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        ledger = Ledger.open(made)
        while True:
            saved = ledger.save(correction(1, 3), case_id)
            os.write(writer, f"{saved.revision} ".encode())
    os.close(writer)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader) as said:
        return said.read()


def main(command: str, folder: str, *numbers: str) -> None:
    counts = [int(number) for number in numbers]
    commands: dict[str, Callable[..., object]] = {
        "save": save,
        "kill-each": kill_each,
        "kill-random": kill_random,
    }
    commands[command](Path(folder), *counts)


if __name__ == "__main__":
    main(*sys.argv[1:])
