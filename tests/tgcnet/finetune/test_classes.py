"""Corrections of several classes teach a model of several classes, by their names."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tgcnet.finetune.conftest import Tune, phantom_correction

from tgcnet.corrections import Ledger
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError
from tgcnet.finetune.events import Event, Message, Stepped
from tgcnet.finetune.samples import in_model_classes
from tgcnet.models import build_model
from tgcnet.weights.load import load_model, save_model
from tgcnet.weights.manifest import read_manifest

GLASS = SegmentationClass(name="ground glass opacity", colour=(230, 80, 60))
SOLID = SegmentationClass(name="consolidation", colour=(70, 140, 230))
INFECTION = SegmentationClass(name="infection", colour=(230, 60, 60))
LABELS = np.array([[0, 1], [2, 0]], dtype=np.uint8)


@pytest.fixture
def two_classes(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """The tiny model with two maps."""
    tiny = read_manifest(tiny_model_folder)
    config = replace(tiny.model, num_classes=2)
    torch.manual_seed(0)
    manifest = replace(tiny, name="two", model=config, classes=(GLASS, SOLID))
    save_model(build_model(config), manifest, tmp_path / "two")
    return tmp_path / "two"


def test_classes_are_matched_by_name_whatever_their_order() -> None:
    np.testing.assert_array_equal(
        in_model_classes(LABELS, (SOLID, GLASS), (GLASS, SOLID)), [[0, 2], [1, 0]]
    )


def test_to_a_model_of_one_class_whatever_is_marked_belongs() -> None:
    np.testing.assert_array_equal(
        in_model_classes(LABELS, (SOLID, GLASS), (INFECTION,)), [[0, 1], [1, 0]]
    )


def test_a_class_that_the_model_lacks_is_refused_only_where_it_is_marked() -> None:
    with pytest.raises(InputError, match="It marks infection, and the model tells apart ground"):
        in_model_classes(LABELS, (GLASS, INFECTION), (GLASS, SOLID))
    glass = np.minimum(LABELS, 1)
    np.testing.assert_array_equal(
        in_model_classes(glass, (GLASS, INFECTION), (GLASS, SOLID)), glass
    )


def test_each_class_teaches_its_own_map(tune: Tune, two_classes: Path, tmp_path: Path) -> None:
    """Glass lies in one corner and consolidation in another, in every case."""
    ledger = Ledger.create(tmp_path / "two-class ledger")
    for index in range(8):
        correction = phantom_correction(index, patient=f"patient {index}")
        # Marked as the first of (consolidation, glass) below and the second above.
        labels = correction.labels * np.uint8(1 + index % 2)
        ledger.save(replace(correction, labels=labels, classes=(SOLID, GLASS)))
    folder, told = tune(
        job_changes={"model": str(two_classes), "ledger": tmp_path / "two-class ledger"},
        epochs=16,
        learning_rate=3e-3,
        distil_weight=0.0,
    )
    losses = [event.loss for event in told if isinstance(event, Stepped)]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    candidate = load_model(str(folder))
    assert candidate.manifest.classes == (GLASS, SOLID)
    with torch.inference_mode():
        read = candidate.model.read_text
        from tgcnet.report import read_report

        text = candidate.model.encode_text([read(read_report(""))])
        logits = candidate.model(torch.zeros(1, 3, 64, 64), text).logits[0]
    glass, solid = logits
    below, above = (slice(36, 56), slice(38, 58)), (slice(6, 26), slice(6, 26))
    assert solid[below].mean() - glass[below].mean() > solid[above].mean() - glass[above].mean()


def test_a_case_of_other_classes_is_left_out_and_named(
    tune: Tune, two_classes: Path, ledger_folder: Path
) -> None:
    told: list[Event] = []
    with pytest.raises(InputError, match="No corrected slice to train on"):
        tune(job_changes={"model": str(two_classes)}, on_event=told.append)
    sentences = [event.sentence for event in told if isinstance(event, Message)]
    assert len(sentences) == 8
    assert all("is left out: It marks infection" in sentence for sentence in sentences)
