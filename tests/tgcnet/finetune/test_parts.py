"""The parts of fine-tuning, one by one."""

from typing import Any

import numpy as np
import pytest
import torch

from tgcnet.data.row_decoding import Example
from tgcnet.domain import Modality
from tgcnet.errors import ConfigError, InputError
from tgcnet.finetune.config import FinetuneConfig
from tgcnet.finetune.safeguards import is_fine, with_latest
from tgcnet.finetune.samples import BatchPlan, Sample, SampleSets
from tgcnet.train.data.fixed_views import VARIANTS


def sample(name: str) -> Sample:
    example = Example(
        image=np.zeros((32, 32), dtype=np.uint8),
        labels=np.zeros((32, 32), dtype=np.uint8),
        report="",
        modality=Modality.XRAY,
    )
    return Sample(example=example, digest=name, group=name)


def names(plan: BatchPlan, epoch: int) -> list[list[str]]:
    batches = (plan.batch(epoch, index) for index in range(plan.batches_per_epoch))
    return [[chosen.digest for chosen, _ in batch] for batch in batches]


def test_an_epoch_shows_each_correction_once_and_replays_a_share() -> None:
    sets = SampleSets(
        new=tuple(sample(f"new {i}") for i in range(10)),
        earlier=tuple(sample(f"old {i}") for i in range(3)),
        reference=tuple(sample(f"reference {i}") for i in range(20)),
    )
    plan = BatchPlan(sets, batch_size=8, replay_share=0.5, seed=0)
    batches = names(plan, epoch=0)
    new = [name for batch in batches for name in batch if name.startswith("new")]
    assert sorted(new) == sorted(one.digest for one in sets.new)
    assert [len(batch) for batch in batches] == [8, 8, 6]
    assert all(len(set(batch)) == len(batch) for batch in batches)
    assert names(plan, epoch=0) == batches
    assert names(plan, epoch=1) != batches


def test_without_anything_new_the_earlier_cases_are_trained_on() -> None:
    sets = SampleSets(new=(), earlier=tuple(sample(f"old {i}") for i in range(4)))
    plan = BatchPlan(sets, batch_size=4, replay_share=0.5, seed=0)
    assert [len(batch) for batch in names(plan, 0)] == [4]


def test_what_is_to_be_replayed_is_replayed_in_small_batches_too() -> None:
    sets = SampleSets(new=(sample("new"),), reference=tuple(sample(f"r{i}") for i in range(9)))
    assert BatchPlan(sets, batch_size=2, replay_share=0.1, seed=0).num_replayed == 1
    assert BatchPlan(sets, batch_size=1, replay_share=0.0, seed=0).num_replayed == 0
    with pytest.raises(InputError, match=r"A batch of one image has no room .*--batch-size 2"):
        BatchPlan(sets, batch_size=1, replay_share=0.5, seed=0)


def test_a_mirrored_view_mirrors_the_text_too() -> None:
    plain, mirrored, cropped, both = VARIANTS
    image = torch.rand(1, 32, 32)
    mask = torch.zeros(1, 32, 32)
    mask[:, 10:20, 2:12] = 1
    assert torch.equal(plain.of_image(image), image)
    assert torch.equal(mirrored.of_image(image), image.flip(2))
    assert mirrored.of_text("Opacity in the left lung.") == "Opacity in the right lung."
    assert plain.of_text("Opacity in the left lung.") == "Opacity in the left lung."
    torch.testing.assert_close(both.of_image(image), cropped.of_image(image).flip(2))
    assert set(cropped.of_mask(mask).unique().tolist()) == {0.0, 1.0}
    assert cropped.of_image(image).shape == image.shape


def test_the_guard_lets_noise_pass_and_stops_explosions() -> None:
    recent: tuple[float, ...] = ()
    for loss in (1.2, 0.8, 1.9, 0.5, 2.5):
        assert is_fine(loss, recent)
        recent = with_latest(loss, recent)
    assert not is_fine(float("nan"), recent)
    assert not is_fine(float("inf"), recent)
    assert not is_fine(50.0, recent)
    assert is_fine(1.0, recent)


def test_corrections_far_from_what_the_parent_draws_are_no_explosion() -> None:
    assert is_fine(7.0, ())
    assert is_fine(9.0, (7.0,))
    assert not is_fine(40.0, (7.0, 9.0))
    assert not is_fine(float("nan"), ())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"epochs": 0}, "must be at least 1"),
        ({"num_variants": 5}, "num_variants must be 1 to 4, got 5"),
        ({"replay_share": 1.0}, "replay_share must lie in"),
        ({"cache_limit_bytes": -1}, "cache_limit_bytes must be at least 0, got -1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": float("inf")}, "learning_rate must be above 0 and finite, got inf"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0 and finite, got nan"),
        ({"seed": -1}, r"seed must lie in \[0, 2\*\*64\), got -1"),
        ({"seed": 2**64}, r"seed must lie in \[0, 2\*\*64\)"),
    ],
)
def test_a_configuration_out_of_bounds_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        FinetuneConfig(**changes)
