"""Seeded samples: what a sample is depends on the seed, the epoch and its place alone."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from tests.tgcnet.data.conftest import data_set
from tests.tgcnet.train.phantoms import GIVEN, STILL

from tgcnet.config import PreprocessConfig
from tgcnet.data.pixel_cache import PixelCache
from tgcnet.data.row_decoding import Example, letterbox_labels
from tgcnet.data.sources import Source, common_classes, read_source
from tgcnet.data.text_requests import RequestMix
from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.preprocess import Letterbox
from tgcnet.train.batch_loader import Batches, BatchPlan, Share
from tgcnet.train.checkpoint import Progress
from tgcnet.train.config import Phase
from tgcnet.train.data.augment import AugmentConfig, Augmenter, mirrored
from tgcnet.train.data.batch import Batch, Sample, collate, harden, to_planes
from tgcnet.train.data.fixed_views import VARIANTS, FeatureFiles, digest_of
from tgcnet.train.data.training_set import TrainingSet, load_examples
from tgcnet.train.recipes.mini import recipe

REPORT = "Infection in the lower left lung."


def training_set(
    mask: np.ndarray,
    *,
    num: int = 9,
    seed: int = 0,
    mix: RequestMix | None = None,
    augment: AugmentConfig | None = None,
) -> TrainingSet:
    """The same mask under images of different brightness."""
    examples = [
        Example(
            image=np.where(mask, 200, 20 * i).astype(np.uint8),
            labels=mask.astype(np.uint8),
            report=REPORT,
            modality=Modality.XRAY,
        )
        for i in range(num)
    ]
    return TrainingSet(
        examples, [1] * num, seed=seed, mix=mix or RequestMix(), augment=augment or AugmentConfig()
    )


def batches_of(
    data: TrainingSet,
    *,
    batch_size: int,
    done: Progress | None = None,
    share: Share | None = None,
    num_workers: int = 0,
    epochs: int = 1,
) -> list[Batch]:
    phases = (Phase(epochs=epochs, side_px=64),)
    plan = BatchPlan(data, phases, batch_size, done or Progress(stage="train"), share or Share())
    return [b for b, _ in Batches(data, plan, num_workers=num_workers, pins_memory=False)]


def assert_same(one: list[Batch], other: list[Batch]) -> None:
    assert torch.equal(torch.cat([b.images for b in one]), torch.cat([b.images for b in other]))
    assert torch.equal(torch.cat([b.masks for b in one]), torch.cat([b.masks for b in other]))
    assert [t for b in one for t in b.texts] == [t for b in other for t in b.texts]


def test_samples_do_not_depend_on_the_batch_size(both_sides: np.ndarray) -> None:
    data = training_set(both_sides)
    assert_same(batches_of(data, batch_size=1), batches_of(data, batch_size=3))


def test_samples_do_not_depend_on_the_workers(both_sides: np.ndarray) -> None:
    data = training_set(both_sides, num=8)
    assert_same(
        batches_of(data, batch_size=2, epochs=2),
        batches_of(data, batch_size=2, epochs=2, num_workers=1),
    )


def test_processes_share_the_batches_of_one(both_sides: np.ndarray) -> None:
    data = training_set(both_sides)
    whole = batches_of(data, batch_size=4)
    parts = [
        batches_of(data, batch_size=4, share=Share(rank=rank, num_processes=2)) for rank in (0, 1)
    ]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert_same([batch], [first, second])


def test_a_run_can_start_in_the_middle_of_an_epoch(both_sides: np.ndarray) -> None:
    data = training_set(both_sides)
    whole = batches_of(data, batch_size=2, epochs=2)
    done = Progress(stage="train", epoch=0, batch=3)
    rest = batches_of(data, batch_size=2, epochs=2, done=done)
    assert (len(whole), len(rest)) == (8, 5)
    assert_same(whole[3:], rest)


def test_a_batch_says_where_the_run_stands_after_it(both_sides: np.ndarray) -> None:
    phases = (Phase(epochs=1, side_px=64), Phase(epochs=1, side_px=96))
    data = training_set(both_sides, num=4)
    plan = BatchPlan(data, phases, 2, Progress(stage="train"), Share())
    seen = [
        (b.images.shape[-1], place)
        for b, place in Batches(data, plan, num_workers=0, pins_memory=False)
    ]
    assert seen == [(64, (0, 1)), (64, (1, 0)), (96, (1, 1)), (96, (2, 0))]


def test_another_seed_gives_other_samples(both_sides: np.ndarray) -> None:
    one, two = (batches_of(training_set(both_sides, seed=s), batch_size=9)[0] for s in (0, 1))
    assert not torch.equal(one.images, two.images)


def test_a_mirrored_image_has_its_sides_swapped_in_the_text(both_sides: np.ndarray) -> None:
    data = training_set(both_sides, num=12, mix=GIVEN, augment=STILL)
    [batch] = batches_of(data, batch_size=12)
    original = torch.from_numpy(both_sides).float()
    reflection = original.flip(1)
    seen = set()
    for mask, text in zip(batch.masks[:, 0], batch.texts, strict=True):
        is_mirrored = torch.equal(mask, reflection)
        assert is_mirrored or torch.equal(mask, original)
        assert ("right lung" in text) == is_mirrored
        assert ("left lung" in text) != is_mirrored
        seen.add(is_mirrored)
    assert seen == {True, False}


def test_mirroring_twice_changes_nothing() -> None:
    before = Sample(image=torch.rand(1, 8, 8), masks=torch.eye(8)[None], text=REPORT)
    once = mirrored(before)
    assert once.text == "Infection in the lower right lung."
    assert torch.equal(once.image, before.image.flip(2))
    twice = mirrored(once)
    assert torch.equal(twice.image, before.image)
    assert torch.equal(twice.masks, before.masks)
    assert twice.text == before.text


def test_augmentation_keeps_image_and_masks_together() -> None:
    masks = torch.zeros(2, 64, 64)
    masks[0, 20:40, 10:30] = masks[1, 40:60, 30:50] = 1
    config = AugmentConfig(log_gamma=0.0, contrast=0.0, brightness=0.0, noise=0.0)
    augment = Augmenter(config)
    for seed in range(6):
        before = Sample(image=masks.sum(0, keepdim=True), masks=masks, text="")
        after = augment(before, Random(seed), 64)
        assert not torch.equal(after.masks, masks)
        assert set(after.masks.unique().tolist()) == {0.0, 1.0}
        assert after.masks.sum(0).max() == 1  # a pixel has one class
        assert ((after.image > 0.5).float() - after.masks.sum(0, keepdim=True)).abs().mean() < 1e-3


def test_a_view_depends_on_its_random_numbers_alone() -> None:
    augment = Augmenter(AugmentConfig())
    samples = [
        Sample(image=torch.rand(1, 32, 32), masks=torch.zeros(1, 32, 32), text="") for _ in range(2)
    ]
    first = augment(samples[0], Random(5), 48)
    augment(samples[1], Random(6), 64)
    again = augment(samples[0], Random(5), 48)
    assert torch.equal(first.image, again.image)


def test_augmented_images_stay_in_range() -> None:
    augment = Augmenter(AugmentConfig())
    for seed in range(8):
        sample = Sample(image=torch.rand(1, 32, 32), masks=torch.zeros(1, 32, 32), text="")
        image = augment(sample, Random(seed), 48).image
        assert image.shape == (1, 48, 48)
        assert type(image) is torch.Tensor
        assert 0 <= image.min() < image.max() <= 1


def test_no_augmentation_is_the_identity() -> None:
    still = AugmentConfig(
        rotation_deg=0.0, log_zoom=0.0, shift=0.0, log_gamma=0.0, contrast=0.0, brightness=0.0,
        noise=0.0, mirrored_share=0.0,
    )  # fmt: skip
    sample = Sample(image=torch.rand(1, 32, 32), masks=torch.zeros(1, 32, 32), text="")
    assert torch.equal(Augmenter(still)(sample, Random(0), 32).image, sample.image)


def test_a_share_of_two_classes_is_marked_where_both_are_more_than_half() -> None:
    shares = torch.tensor([[[0.4, 0.3], [0.0, 0.2]], [[0.2, 0.1], [0.45, 0.4]]])
    assert harden(shares).tolist() == [[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]]


def test_labels_are_laid_into_the_square_by_what_covers_most_of_a_pixel() -> None:
    labels = np.zeros((4, 4), dtype=np.uint8)
    labels[:2, :2] = [[1, 2], [2, 2]]
    labels[:2, 2:] = [[0, 3], [0, 0]]
    laid = letterbox_labels(Letterbox(height=4, width=4, side_px=2), labels)
    assert laid.tolist() == [[2, 0], [0, 0]]
    assert laid.dtype == np.uint8
    # One class is laid as a mask has always been.
    mask = np.random.default_rng(0).random((50, 37)) > 0.5
    box = Letterbox(height=50, width=37, side_px=32)
    same = letterbox_labels(box, mask.astype(np.uint8)) == (
        box.apply(mask.astype(np.float32)) > 0.5
    )
    assert same.all()


def test_a_request_cuts_every_class() -> None:
    labels = np.zeros((64, 64), dtype=np.uint8)
    labels[10:20, 8:20], labels[10:20, 44:50], labels[20:30, 44:50] = 1, 1, 2
    example = Example(image=labels, labels=labels, report=REPORT, modality=Modality.XRAY)
    one_side = RequestMix(
        no_text=0.0, reworded=0.0, one_side=1.0, some_zones=0.0, one_lesion=0.0, wrong_side=0.0,
        nothing=0.0,
    )  # fmt: skip
    data = TrainingSet([example], [20], seed=0, mix=one_side, augment=STILL, num_classes=2)
    whole = to_planes(labels, 2)
    kept = {
        tuple(s.masks.sum(dim=(1, 2)).int().tolist())
        for s in map(data.__getitem__, data.order(0, 64))
    }
    assert kept == {(120, 0), (60, 60)}
    assert whole.sum(dim=(1, 2)).tolist() == [180, 60]


def test_kept_features_come_with_the_view_they_were_kept_of(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    data = training_set(both_sides, num=2, mix=GIVEN)
    files = FeatureFiles(folder=tmp_path)
    for example in data.examples:
        for number, variant in enumerate(VARIANTS):
            files.write(digest_of(example.image), variant, [torch.full((3, 2), float(number))])
    kept = data.with_features(files)
    seen = set()
    for epoch in range(8):
        batch = collate([kept[key] for key in kept.order(epoch, 64)])
        assert batch.frozen is not None
        for row, text in enumerate(batch.texts):
            number = int(batch.frozen[0][row, 0, 0])
            assert VARIANTS[number].of_text(REPORT) in text
            seen.add(number)
    assert seen == {0, 1, 2, 3}
    assert data[data.order(0, 64)[0]].frozen is None
    files.path(digest_of(data.examples[0].image), VARIANTS[0]).unlink()
    with pytest.raises(InputError, match=r"kept features .* is gone or damaged; go on"):
        collate([kept[key] for epoch in range(8) for key in kept.order(epoch, 64)])


def test_a_report_that_denies_an_infection_empties_the_mask_only_where_a_source_says_so(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    data_set(tmp_path / "set", both_sides, ("No pulmonary infection.", "Infection."))
    cache = PixelCache(tmp_path / "cache", PreprocessConfig(side_px=64))
    for denied_means_empty in (False, True):
        source = Source(folder="set", modality=Modality.XRAY, denied_means_empty=denied_means_empty)
        examples = load_examples([read_source(tmp_path, source)], cache)
        found = [bool(example.mask.any()) for example in examples]
        assert found == [not denied_means_empty, True]


def test_workers_get_the_names_of_files_and_no_pixels(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    import pickle

    data_set(tmp_path / "set", both_sides, ("a", "b"))
    read = read_source(tmp_path, Source(folder="set", modality=Modality.XRAY))
    examples = load_examples([read], PixelCache(tmp_path / "cache", PreprocessConfig(side_px=64)))
    image = examples[1].image
    written = pickle.dumps(examples)
    assert len(written) < 2000
    assert np.array_equal(pickle.loads(written)[1].image, image)  # noqa: S301 - our own


def test_all_sources_of_a_run_have_the_same_classes(tmp_path: Path, both_sides: np.ndarray) -> None:
    two = '[{"name": "a", "colour": [1, 2, 3]}, {"name": "b", "colour": [4, 5, 6]}]'
    data_set(tmp_path / "two", both_sides, ("x",), two)
    data_set(tmp_path / "one", both_sides, ("x",))
    read = [read_source(tmp_path, Source(folder=f, modality=Modality.XRAY)) for f in ("two", "one")]
    with pytest.raises(InputError, match="two has the classes a, b and one lung opacity, expected"):
        common_classes(read)
    free = Source(folder="one", modality=Modality.XRAY, is_lesion_free=True)
    classes = common_classes([read[0], read_source(tmp_path, free)])
    assert [entry.name for entry in classes] == ["a", "b"]


def test_a_source_of_which_nothing_is_left_is_refused(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    data_set(tmp_path / "set", both_sides, ("x",))
    with pytest.raises(InputError, match="set has 1 rows and the recipe excludes all of them"):
        read_source(tmp_path, Source(folder="set", modality=Modality.XRAY, exclude=("0.png",)))


def test_the_recipe_of_mini_asks_for_it_everywhere() -> None:
    config = recipe()
    assert all(source.denied_means_empty or source.is_lesion_free for source in config.sources)
    assert config.validation.denied_means_empty
