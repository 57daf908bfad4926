"""The shipped model, as it is shipped: whole, small, reproducible, and listening to the words."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tgcnet import load_predictor, load_volume, read_report
from tgcnet.config.json_values import to_json
from tgcnet.domain import Volume
from tgcnet.inference.predictor import Predictor
from tgcnet.models import named_configs
from tgcnet.samples import list_samples, phantom_stack, sample_path
from tgcnet.weights.load import verify
from tgcnet.weights.registry import find_model

HERE = Path(__file__).parent
MIB = 2**20


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    torch.set_num_threads(1)
    return load_predictor("mini", "cpu")


@pytest.fixture(scope="module")
def radiograph() -> Volume:
    sample = list_samples()[0]
    return load_volume(sample_path(sample.name), modality=sample.modality)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * np.count_nonzero(one & other) / (one.sum() + other.sum()))


def share_in_left_half(mask: np.ndarray) -> float:
    return float(mask[..., : mask.shape[-1] // 2].sum() / mask.sum())


def test_the_shipped_weights_are_whole_and_within_their_budget() -> None:
    folder = find_model("mini")
    verify(folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 40 * MIB
    assert "not commercial" in (folder / "LICENSE").read_text()


def test_the_shipped_weights_are_of_the_named_configuration(predictor: Predictor) -> None:
    shipped, named = to_json(predictor.manifest.model), to_json(named_configs()["mini"])
    assert 300 < len(shipped["towers"]["text"].pop("words")) < 1000
    assert named["towers"]["text"].pop("words") == ()
    assert shipped == named


@pytest.mark.parametrize("kind", ["report", "no-report"])
def test_the_sample_gets_its_golden_mask(
    predictor: Predictor, radiograph: Volume, kind: str
) -> None:
    report = list_samples()[0].report if kind == "report" else None
    labels = predictor.segment(radiograph, report).labels[0]
    golden = np.asarray(Image.open(HERE / f"radiograph-{kind}.png"))
    assert golden.any()
    # Processors differ in the last bits of a float32; a pixel at the threshold may fall either way.
    assert dice(labels > 0, golden > 0) > 0.999


def test_the_side_asked_for_is_the_side_painted(predictor: Predictor, radiograph: Volume) -> None:
    """The patient's right is on the image's left."""
    right, left = (
        predictor.segment(radiograph, f"Opacity in the {side} lung.").labels[0] > 0
        for side in ("right", "left")
    )
    assert right.mean() > 0.05
    assert left.mean() > 0.05
    assert share_in_left_half(right) > 0.97
    assert share_in_left_half(left) < 0.03


def test_an_unseen_word_equals_its_deletion(predictor: Predictor) -> None:
    model = predictor.loaded.model
    image = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        plain, odd = (
            model(image, model.encode_text([model.read_text(read_report(text))])).logits.sigmoid()
            for text in (
                "Consolidation in the left lower zone.",
                "Consolidation in the xylophone left lower zone.",
            )
        )
    assert (plain - odd).abs().max() < 1e-3


def test_a_stack_runs_slice_by_slice(predictor: Predictor) -> None:
    volume = phantom_stack()
    middle = len(volume.array) // 2
    window = slice(middle - 2, middle + 2)
    together = predictor.segment(volume, None, slices=window)
    alone = predictor.segment(volume, None, slices=slice(middle, middle + 1))
    assert together.probability is not None
    assert alone.probability is not None
    difference = together.probability[:, middle] - alone.probability[:, middle]
    assert np.abs(difference).max() < 2e-3
    assert not together.labels[: middle - 2].any()
