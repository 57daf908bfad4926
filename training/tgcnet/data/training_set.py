"""Everything one training run reads, decoded once into memory, and the batches drawn from it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tgcnet.config import PreprocessConfig
from tgcnet.data.augment import AugmentConfig, augment
from tgcnet.data.folder import Row, at_row, read_folder, read_mask
from tgcnet.data.requests import RequestMix, draw_request
from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.io import load_volume
from tgcnet.preprocess import decide_window, prepare_plane
from tgcnet.report import swap_sides

_DENIED = "no pulmonary infection"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A data folder and how a run uses it.

    Attributes
    ----------
    folder : relative to the run's data folder
    repeats : how often each image comes in one epoch
    exclude : image names that are never read (held out, or twins of a test image)
    is_lesion_free : every mask is taken as empty
    denied_means_empty : the mask of a report that begins with "no pulmonary infection" is taken
        as empty: some masks of the pseudo-labelled CT set hold a few stray pixels there
    """

    folder: str
    modality: Modality
    repeats: int = 1
    exclude: tuple[str, ...] = ()
    is_lesion_free: bool = False
    denied_means_empty: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One decoded image: (S, S) uint8, its mask (S, S) bool, its report."""

    image: np.ndarray
    mask: np.ndarray
    report: str
    modality: Modality


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one step sees: images in [0, 1], binary masks, texts."""

    images: Float[Tensor, "B 1 S S"]
    masks: Float[Tensor, "B 1 S S"]
    texts: tuple[str, ...]


class TrainingSet:
    """Decoded examples and seeded batches.

    Sample ``i`` of epoch ``e`` depends on the seed, ``e`` and ``i`` alone.
    """

    def __init__(self, examples: list[Example], repeats: list[int], *, seed: int) -> None:
        self.examples = examples
        self._order = [i for i, n in enumerate(repeats) for _ in range(n)]
        self._seed = seed

    def __len__(self) -> int:
        return len(self._order)

    def epoch(
        self,
        epoch: int,
        *,
        batch_size: int,
        side_px: int,
        mix: RequestMix,
        config: AugmentConfig,
        first_batch: int = 0,
    ) -> Iterator[Batch]:
        """The full batches of one epoch from ``first_batch`` on, in a seeded order."""
        order = list(enumerate(self._order))
        Random(f"{self._seed}/{epoch}").shuffle(order)
        num_batches = len(order) // batch_size
        for start in range(first_batch * batch_size, num_batches * batch_size, batch_size):
            yield self._batch(order[start : start + batch_size], epoch, side_px, mix, config)

    def _batch(
        self,
        members: list[tuple[int, int]],
        epoch: int,
        side_px: int,
        mix: RequestMix,
        config: AugmentConfig,
    ) -> Batch:
        images, masks, texts, seeds = [], [], [], []
        for position, index in members:
            random = Random(f"{self._seed}/{epoch}/{position}")
            example = self.examples[index]
            request = draw_request(example.mask, example.report, example.modality, mix, random)
            image, mask, text = example.image, request.mask, request.text
            if random.random() < 0.5:
                image, mask, text = image[:, ::-1], mask[:, ::-1], swap_sides(text)
            images.append(torch.from_numpy(np.ascontiguousarray(image)))
            masks.append(torch.from_numpy(np.ascontiguousarray(mask)))
            texts.append(text)
            seeds.append(random.getrandbits(63))
        image_batch = torch.stack(images)[:, None].float() / 255
        mask_batch = torch.stack(masks)[:, None].float()
        image_batch, mask_batch = augment(image_batch, mask_batch, seeds, config, side_px)
        return Batch(images=image_batch, masks=mask_batch, texts=tuple(texts))


def load_training_set(
    data: Path, sources: tuple[Source, ...], preprocess: PreprocessConfig, *, seed: int
) -> TrainingSet:
    """Decode every source under ``data``; a missing folder is an InputError."""
    examples: list[Example] = []
    repeats: list[int] = []
    for source in sources:
        found = load_examples(
            data / source.folder,
            source.modality,
            preprocess,
            exclude=source.exclude,
            denied_means_empty=source.denied_means_empty,
        )
        if source.is_lesion_free:
            found = [_emptied(example) for example in found]
        examples += found
        repeats += [source.repeats] * len(found)
    return TrainingSet(examples, repeats, seed=seed)


def load_examples(
    folder: Path,
    modality: Modality,
    preprocess: PreprocessConfig,
    *,
    exclude: Collection[str] = (),
    max_rows: int | None = None,
    denied_means_empty: bool = False,
) -> list[Example]:
    """The rows of a three-column folder, decoded onto the network's square grid.

    ``denied_means_empty`` as of :class:`Source`.
    """
    rows = [row for row in read_folder(folder) if row.image.name not in exclude]
    examples = [decode_row(row, modality, preprocess) for row in rows[:max_rows]]
    if not denied_means_empty:
        return examples
    return [_emptied(e) if e.report.lower().startswith(_DENIED) else e for e in examples]


def _emptied(example: Example) -> Example:
    return replace(example, mask=np.zeros_like(example.mask))


def decode_row(row: Row, modality: Modality, preprocess: PreprocessConfig) -> Example:
    """A row of a three-column folder on the network's square grid.

    Raises
    ------
    InputError
        If its image or its mask cannot be read, or they do not fit each other; names the row.
    """
    with at_row(row):
        volume = load_volume(row.image, modality=modality)
        mask = read_mask(row.mask)
        if volume.array.shape != (1, *mask.shape):
            raise InputError(
                f"its image has shape {volume.array.shape} (z, y, x) and its mask {mask.shape} "
                "(y, x), expected one slice of the same size; remove the row, or make the mask on "
                "the image's own grid"
            )
        window = decide_window(volume, preprocess)
    plane, letterbox = prepare_plane(volume.array[0], window, preprocess)
    return Example(
        image=np.round(plane * 255).astype(np.uint8),
        mask=letterbox.apply(mask.astype(np.float32)) > 0.5,
        report=row.report,
        modality=modality,
    )
