"""A reference set in a run: a part is replayed, the other one measured and never trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.finetune.conftest import REPORTS, Tune, phantom_correction
from tests.tgcnet.finetune.test_parts import sample

from tgcnet.corrections import Ledger
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.reference_split import split_reference
from tgcnet.data.rows import Row
from tgcnet.data.slices_to_score import SliceToScore, nameless_slices
from tgcnet.errors import InputError
from tgcnet.finetune import compare_with_active as comparison
from tgcnet.finetune.config import FinetuneJob
from tgcnet.finetune.events import Begun, Compared, Event, Message
from tgcnet.finetune.reference_set import MeasuredRow, keep_apart, load_reference
from tgcnet.finetune.run_data import read_samples
from tgcnet.finetune.samples import BatchPlan, Sample, SampleSets
from tgcnet.weights.load import load_model
from tgcnet.weights.manifest import read_manifest


def reference_folder(folder: Path, *, num_images: int) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = ["image,mask,report"]
    for index in range(num_images):
        correction = phantom_correction(1000 + index, patient="")  # none of the ledger's
        name = f"{index}.png"
        Image.fromarray(correction.volume.array[0]).save(folder / "images" / name)
        Image.fromarray(correction.labels[0] * 255).save(folder / "masks" / name)
        rows.append(f'{name},{name},"{REPORTS[index % 2]}"')
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


def begun(told: list[Event]) -> Begun:
    return next(event for event in told if isinstance(event, Begun))


def sentences(told: list[Event]) -> list[str]:
    return [event.sentence for event in told if isinstance(event, Message)]


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

    def first_three(rows: tuple[Row, ...], set_name: str) -> tuple[SliceToScore, ...]:
        scored.extend(nameless_slices(rows, set_name))
        return tuple(scored[:3])

    monkeypatch.setattr(BatchPlan, "batch", spy)
    monkeypatch.setattr(comparison, "nameless_slices", first_three)
    _, told = tune_and_compare(epochs=4, job_changes={"reference": folder})
    assert (begun(told).num_reference, begun(told).num_measured) == (24, 100)
    assert not sentences(told)
    parts = split_reference(read_folder(folder))
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


def measured(*digests: str) -> tuple[MeasuredRow, ...]:
    rows = [
        Row(number=n, image=Path(f"{n}.png"), mask=Path("m.png"), report="")
        for n in range(len(digests))
    ]
    return tuple(MeasuredRow(row=r, digest=d) for r, d in zip(rows, digests, strict=True))


def test_nothing_is_both_trained_on_and_measured() -> None:
    sets = SampleSets(
        new=(sample("new"), sample("held out")),
        earlier=(sample("earlier"), sample("held out")),
        reference=(sample("replayed"), sample("held out"), sample("5"), sample("new")),
        held_out=(sample("held out"),),
    )
    hundred = [str(number) for number in range(100)]
    apart, told = keep_apart(sets, measured(*hundred, "new", "earlier"), Path("set"))
    assert [s.digest for s in apart.new + apart.earlier] == ["new", "earlier"]
    assert [s.digest for s in apart.reference] == ["replayed", "new"]
    assert apart.held_out == sets.held_out
    assert [row.number for row in apart.measured] == list(range(100))
    assert [sentence.split(",")[0] + sentence[-4:] for sentence in told] == [
        "Corrected slices that are not trained on: 2.",
        "Reference images that are not replayed: 2.",
        "Reference images that are not measured: 2.",
    ]


@pytest.mark.parametrize("last", ["new", "98"])
def test_fewer_than_a_hundred_different_images_left_to_measure_are_refused(last: str) -> None:
    digests = [str(number) for number in range(99)]
    with pytest.raises(InputError, match=r"'set' holds 99 different images .*, expected at least"):
        keep_apart(SampleSets(new=(sample("new"),)), measured(*digests, last), Path("set"))


def test_twins_of_held_out_patients_in_ledger_and_reference_are_found_by_their_pixels(
    job: FinetuneJob, tiny_model_folder: Path, tmp_path: Path
) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=124)
    parts = split_reference(read_folder(folder))
    ledger = Ledger.open(job.ledger)
    held_out = next(case for case in ledger.load_reviewed(print) if case.is_held_out)
    replayed = Image.fromarray(held_out.volume.array[0])
    replayed.save(parts.replayed[0].image)
    twin = phantom_correction(0, patient="another name")
    for name in ("another name", "a third name"):  # of two new patients, one is held out at most
        volume = replace(held_out.volume, patient_id=name)
        saved = ledger.save(replace(twin, volume=volume), as_new=True)
        if not ledger.load(saved.case_id).is_held_out:
            break
    told: list[Event] = []
    job.out.mkdir()
    sets, _ = read_samples(
        ledger,
        replace(job, reference=folder),
        load_model(str(tiny_model_folder)),
        is_resumed=False,
        on_event=told.append,
        on_problem=lambda problem: pytest.fail(problem.sentence),
    )
    pixels = {sample.digest for sample in sets.held_out}
    assert not pixels & {sample.digest for sample in sets.new + sets.replay}
    assert (len(sets.new), len(sets.reference), len(sets.measured)) == (6, 23, 100)
    assert [sentence[-4:] for sentence in sentences(told)] == [": 1.", ": 1."]


def test_a_reference_that_cannot_be_read_is_refused_before_training_by_its_row(
    tune: Tune, tmp_path: Path
) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=124)
    row = split_reference(read_folder(folder)).measured[-1]
    secret = row.image.with_name("DOE.png")
    row.image.write_bytes(b"no picture")
    row.image.rename(secret)
    table = folder / "captions.csv"
    table.write_text(table.read_text().replace(f"{row.image.name},", "DOE.png,", 1))
    told: list[Event] = []
    with pytest.raises(
        InputError, match=rf"row {row.number} of captions\.csv: its image is d"
    ) as e:
        tune(job_changes={"reference": folder}, on_event=told.append)
    assert "DOE" not in str(e.value)
    assert not told


def test_an_image_of_another_size_than_its_mask_is_refused_by_its_row(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=100)
    Image.new("L", (9, 9)).save(folder / "masks" / "17.png")
    with pytest.raises(InputError, match=r"row 19 of captions\.csv: .* its mask \(1, 9, 9\)"):
        load_reference(folder, read_manifest(tiny_model_folder))


def test_an_image_that_is_named_twice_is_refused_with_its_rows(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=101)
    table = folder / "captions.csv"
    table.write_text(table.read_text().replace("50.png,50.png", "7.png,50.png"))
    with pytest.raises(InputError, match=r"names one image twice, in row 9 and row 52 of captions"):
        load_reference(folder, read_manifest(tiny_model_folder))


def test_a_report_that_denies_an_infection_leaves_the_users_mask_as_it_is(
    tmp_path: Path, tiny_model_folder: Path
) -> None:
    folder = reference_folder(tmp_path / "reference", num_images=124)
    table = folder / "captions.csv"
    table.write_text(table.read_text().replace("Pulmonary infection", "No pulmonary infection"))
    replayed, _ = load_reference(folder, read_manifest(tiny_model_folder))
    assert all(sample.example.mask.any() for sample in replayed)
