"""Tables of studies, and a run that needs no network."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.cohort.stub import FakePredictor

from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.cohort_summary import CohortSummary
from tgcnet.cohort.manifest import read_cohort
from tgcnet.cohort.segment_cohort import CohortJob, segment_cohort
from tgcnet.cohort.study_record import Terms
from tgcnet.cohort.task import StudyTask, make_task
from tgcnet.weights.manifest import read_manifest
from tgcnet.weights.registry import find_model

REPORT = "Bilateral pulmonary infection, lower left lung."

Rows = Sequence[Mapping[str, str]]
MakeTable = Callable[[Rows], Path]


def write_image(path: Path, seed: int = 0) -> Path:
    """A small noisy radiograph."""
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 10)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_table(path: Path, rows: Rows) -> Path:
    """A table with the columns of all its rows."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def cohort(tmp_path: Path) -> MakeTable:
    """Writes a table; images that its rows name, but for those called absent, are there."""

    def make(rows: Rows) -> Path:
        folder = tmp_path / "cohort"
        folder.mkdir(exist_ok=True)
        for seed, row in enumerate(rows):
            name = row.get("image", "")
            if name.endswith(".png") and "absent" not in name and not (folder / name).exists():
                write_image(folder / name, seed)
        return write_table(folder / "studies.csv", rows)

    return make


def rows(number: int) -> list[dict[str, str]]:
    """So many studies, called s0, s1 and so on."""
    return [
        {"image": f"Miller{index}.png", "id": f"s{index}", "report": REPORT}
        for index in range(number)
    ]


TERMS = Terms(
    model="mini",
    sha256=read_manifest(find_model("mini")).sha256,
    threshold=0.5,
    ending=".nii.gz",
)


def task_of(table: Path, out: Path, number: int = 0) -> StudyTask:
    """What a run into ``out`` would ask for of a study, as it is now."""
    study = read_cohort(table).studies[number]
    return make_task(study, CohortFolder(out).hasher(), TERMS)


class Run:
    """Runs cohorts with a stub in place of the model."""

    def __init__(self, out: Path, predictor: FakePredictor) -> None:
        self.out, self.predictor = out, predictor

    def __call__(self, table: Path, **options: Any) -> CohortSummary:
        self.predictor.seen.clear()
        job = CohortJob(table=table, out=self.out, model="mini", **options)
        return segment_cohort(job)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_user_models: Path) -> Run:
    """A run into the folder ``out``, and the predictor it uses."""
    predictor = FakePredictor()
    load = partial(lambda predictor, *_: predictor, predictor)
    monkeypatch.setattr("tgcnet.cohort.segment_cohort.load_checked", load)
    return Run(tmp_path / "out", predictor)


def record_of(run: Run, study: str) -> dict[str, Any]:
    return json.loads((run.out / "studies" / study / "record.json").read_text(encoding="utf-8"))


def table_of(run: Run) -> list[dict[str, str]]:
    with (run.out / "cohort.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
