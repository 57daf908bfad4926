"""A reference set in a run: a part is replayed, the other one measured and never trained on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.train.finetune.conftest import REPORTS, Tune, phantom_correction

from tgcnet.data.folder import read_folder
from tgcnet.data.reference import measured_slices, part_reference
from tgcnet.data.slices import SliceToScore
from tgcnet.errors import InputError
from tgcnet.runs.events import Begun, Compared, Event, Told
from tgcnet.train.finetune import comparison
from tgcnet.train.finetune.samples import BatchPlan, Sample


def reference_folder(folder: Path, *, num_images: int) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = ["image,mask,report"]
    for index in range(num_images):
        correction = phantom_correction(index, patient="")
        name = f"{index}.png"
        Image.fromarray(correction.volume.array[0]).save(folder / "images" / name)
        Image.fromarray(correction.labels[0] * 255).save(folder / "masks" / name)
        rows.append(f'{name},{name},"{REPORTS[index % 2]}"')
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


def begun(told: list[Event]) -> Begun:
    return next(event for event in told if isinstance(event, Begun))


def sentences(told: list[Event]) -> list[str]:
    return [event.sentence for event in told if isinstance(event, Told)]


def test_what_is_measured_is_never_trained_on(
    tune_and_compare: Tune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=124)
    seen: list[Sample] = []
    batch = BatchPlan.batch

    def spy(self: BatchPlan, epoch: int, index: int) -> object:
        chosen = batch(self, epoch, index)
        seen.extend(sample for sample, _ in chosen)
        return chosen

    scored: list[SliceToScore] = []

    def first_three(folder: Path) -> tuple[SliceToScore, ...]:
        scored.extend(measured_slices(folder))
        return tuple(scored[:3])

    monkeypatch.setattr(BatchPlan, "batch", spy)
    monkeypatch.setattr(comparison, "measured_slices", first_three)
    _, told = tune_and_compare(epochs=4, job_changes={"reference": folder})
    assert (begun(told).num_reference, begun(told).num_measured) == (24, 100)
    assert not sentences(told)
    parts = part_reference(read_folder(folder))
    pixels = {
        kind: {np.asarray(Image.open(row.image)).tobytes() for row in rows}
        for kind, rows in (("measured", parts.measured), ("replayed", parts.replayed))
    }
    trained_on = {s.example.image.tobytes() for s in seen if not s.case_id}
    assert trained_on
    assert trained_on <= pixels["replayed"]
    assert not trained_on & pixels["measured"]
    compared = next(event for event in told if isinstance(event, Compared))
    assert [entry.num_cases for entry in compared.report.reference] == [3, 3]
    assert {entry.read()[0].array.tobytes() for entry in scored} == pixels["measured"]


def test_where_nothing_is_left_to_replay_the_parent_is_held_on_to(
    tune: Tune, tmp_path: Path
) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=100)
    _, told = tune(epochs=1, job_changes={"reference": folder})
    assert (begun(told).num_reference, begun(told).num_measured) == (0, 100)
    [sentence] = sentences(told)
    assert sentence.startswith("All 100 reference images are kept to measure forgetting")
    assert "the parent's own masks are held on to" in sentence


def test_a_small_reference_set_is_refused(tune: Tune, tmp_path: Path) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=99)
    with pytest.raises(InputError, match=r"holds 99 images, expected at least 100.*leave the ref"):
        tune(job_changes={"reference": folder})
