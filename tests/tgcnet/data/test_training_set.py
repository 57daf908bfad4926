"""Seeded batches: what a sample is depends on the seed, the epoch and its place alone."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tgcnet.config import PreprocessConfig
from tgcnet.data.augment import AugmentConfig, augment
from tgcnet.data.requests import RequestMix
from tgcnet.data.training_set import Batch, Example, Source, TrainingSet, load_training_set
from tgcnet.domain import Modality
from tgcnet.train.recipes.mini import recipe

STILL = AugmentConfig(
    rotation_deg=0.0,
    log_zoom=0.0,
    shift=0.0,
    log_gamma=0.0,
    contrast=0.0,
    brightness=0.0,
    noise=0.0,
)
GIVEN = RequestMix(
    no_text=0.0, reworded=0.0, one_side=0.0, some_zones=0.0, one_lesion=0.0, wrong_side=0.0,
    nothing=0.0,
)  # fmt: skip


def training_set(mask: np.ndarray, *, num: int = 9, seed: int = 0) -> TrainingSet:
    """The same mask under images of different brightness."""
    examples = [
        Example(
            image=np.where(mask, 200, 20 * i).astype(np.uint8),
            mask=mask,
            report="Infection in the lower left lung.",
            modality=Modality.XRAY,
        )
        for i in range(num)
    ]
    return TrainingSet(examples, [1] * num, seed=seed)


def epoch(data: TrainingSet, *, batch_size: int, first_batch: int = 0) -> list[Batch]:
    return list(
        data.epoch(
            2, batch_size=batch_size, side_px=64, mix=RequestMix(), config=AugmentConfig(),
            first_batch=first_batch,
        )
    )  # fmt: skip


def test_samples_do_not_depend_on_the_batch_size(both_sides: np.ndarray) -> None:
    single, triple = (epoch(training_set(both_sides), batch_size=n) for n in (1, 3))
    assert torch.equal(torch.cat([b.images for b in single]), torch.cat([b.images for b in triple]))
    assert torch.equal(torch.cat([b.masks for b in single]), torch.cat([b.masks for b in triple]))
    assert [t for b in single for t in b.texts] == [t for b in triple for t in b.texts]


def test_an_epoch_can_start_in_its_middle(both_sides: np.ndarray) -> None:
    whole = epoch(training_set(both_sides), batch_size=2)
    rest = epoch(training_set(both_sides), batch_size=2, first_batch=3)
    assert len(whole) == 4
    assert len(rest) == 1
    assert torch.equal(whole[3].images, rest[0].images)


def test_another_seed_gives_other_samples(both_sides: np.ndarray) -> None:
    one, two = (epoch(training_set(both_sides, seed=s), batch_size=9)[0] for s in (0, 1))
    assert not torch.equal(one.images, two.images)


def test_a_mirrored_image_has_its_sides_swapped_in_the_text(both_sides: np.ndarray) -> None:
    data = training_set(both_sides, num=12)
    batch = next(data.epoch(0, batch_size=12, side_px=64, mix=GIVEN, config=STILL))
    original = torch.from_numpy(both_sides).float()
    mirrored = original.flip(1)
    seen = set()
    for mask, text in zip(batch.masks[:, 0], batch.texts, strict=True):
        is_mirrored = torch.equal(mask, mirrored)
        assert is_mirrored or torch.equal(mask, original)
        assert ("right lung" in text) == is_mirrored
        assert ("left lung" in text) != is_mirrored
        seen.add(is_mirrored)
    assert seen == {True, False}


def test_augmentation_keeps_image_and_mask_together() -> None:
    masks = torch.zeros(6, 1, 64, 64)
    masks[:, :, 20:40, 10:30] = 1
    config = AugmentConfig(log_gamma=0.0, contrast=0.0, brightness=0.0, noise=0.0)
    images, moved = augment(masks.clone(), masks, list(range(6)), config, 64)
    assert not torch.equal(moved, masks)
    assert ((images > 0.5).float() - moved).abs().mean() < 0.001
    assert set(moved.unique().tolist()) == {0.0, 1.0}


def test_augmented_images_stay_in_range() -> None:
    images, _ = augment(
        torch.rand(8, 1, 32, 32), torch.zeros(8, 1, 32, 32), list(range(8)), AugmentConfig(), 48
    )
    assert images.shape == (8, 1, 48, 48)
    assert images.min() >= 0
    assert images.max() <= 1


def test_no_augmentation_is_the_identity() -> None:
    images = torch.rand(2, 1, 32, 32)
    same, _ = augment(images, torch.zeros_like(images), [0, 1], STILL, 32)
    torch.testing.assert_close(same, images, rtol=0, atol=1e-6)


def test_a_report_that_denies_an_infection_empties_the_mask_only_where_a_source_says_so(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    for part, pixels in (("images", both_sides * 200), ("masks", both_sides * 255)):
        (tmp_path / "set" / part).mkdir(parents=True)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "set" / part / "a.png")
    table = "image,mask,report\na.png,a.png,No pulmonary infection.\na.png,a.png,Infection.\n"
    (tmp_path / "set" / "captions.csv").write_text(table)
    for denied_means_empty in (False, True):
        source = Source(folder="set", modality=Modality.XRAY, denied_means_empty=denied_means_empty)
        examples = load_training_set(tmp_path, (source,), PreprocessConfig(), seed=0).examples
        found = [bool(example.mask.any()) for example in examples]
        assert found == [not denied_means_empty, True]


def test_the_recipe_of_mini_asks_for_it_everywhere() -> None:
    config = recipe()
    assert all(source.denied_means_empty or source.is_lesion_free for source in config.sources)
    assert config.validation.denied_means_empty
