"""The moving average: what it averages, what it shares, what a checkpoint keeps of it."""

import pytest
import torch
from tests.tgcnet.train.phantoms import MODEL

from tgcnet.models import SegmentationModel, build_model
from tgcnet.train.optimisation import MovingAverage


@pytest.fixture
def model() -> SegmentationModel:
    torch.manual_seed(0)
    model = build_model(MODEL)
    model.freeze_towers()
    return model


def fill(model: SegmentationModel, value: float) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.fill_(value)


def test_the_first_step_is_taken_as_it_is_and_later_ones_averaged(
    model: SegmentationModel,
) -> None:
    average = MovingAverage(model, decay=0.75)
    fill(model, 8.0)
    average.update(step=1)
    assert {float(v.flatten()[0]) for v in average.state().values()} == {8.0}
    fill(model, 4.0)
    average.update(step=2)
    assert {float(v.flatten()[0]) for v in average.state().values()} == {7.0}
    assert float(next(p for p in model.parameters() if p.requires_grad).flatten()[0]) == 4.0


def test_what_is_frozen_is_shared_and_not_kept(model: SegmentationModel) -> None:
    average = MovingAverage(model, decay=0.5)
    ours, theirs = dict(model.named_parameters()), dict(average.model.named_parameters())
    learning = {name for name, parameter in ours.items() if parameter.requires_grad}
    assert learning == average.state().keys()
    assert {name for name in ours if ours[name] is theirs[name]} == ours.keys() - learning


def test_a_loaded_average_is_the_one_that_was_kept(model: SegmentationModel) -> None:
    average = MovingAverage(model, decay=0.5)
    kept = {name: tensor.clone() + 1 for name, tensor in average.state().items()}
    average.load(kept)
    loaded = dict(average.model.named_parameters())
    assert all(torch.equal(loaded[name], tensor) for name, tensor in kept.items())


def test_without_decay_there_is_nothing_beside_the_model(model: SegmentationModel) -> None:
    average = MovingAverage(model, decay=0.0)
    average.update(step=2)
    assert average.model is model
    assert average.state() == {}
