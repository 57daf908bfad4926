"""Everything one training run reads, and the samples drawn from it.

Sample ``i`` of epoch ``e`` depends on the seed, ``e`` and ``i`` alone: not on the batch it comes
in, the process or worker that draws it, or what was drawn before.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import torch
from torch.utils.data import Dataset

from tgcnet.data.pixel_cache import MappedRow, PixelCache, PixelFiles, all_files
from tgcnet.data.row_decoding import Example
from tgcnet.data.sources import SourceRows
from tgcnet.data.text_requests import RequestMix, draw_request
from tgcnet.errors import InputError
from tgcnet.train.data.augment import AugmentConfig, Augmenter
from tgcnet.train.data.batch import Sample, to_planes
from tgcnet.train.data.fixed_views import VARIANTS, FeatureFiles, Variant, digest_of


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleKey:
    """Which sample: the ``position`` in the epoch's own list, and the image that stands there."""

    epoch: int
    position: int
    index: int
    side_px: int


class CachedExamples(Sequence[Example]):
    """Examples whose pixels are mapped from a cache when they are first asked for.

    Workers get the files' names, not the pixels.

    Parameters
    ----------
    about : the report of each row, and whether its mask is taken as empty
    """

    def __init__(self, files: PixelFiles, about: Sequence[tuple[str, bool]]) -> None:
        self._files = files
        self._about = tuple(about)
        self._rows: list[MappedRow] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"_files": self._files, "_about": self._about, "_rows": None}

    def __len__(self) -> int:
        return len(self._about)

    def __getitem__(self, index: int) -> Example:  # type: ignore[override]  # no slices here
        if self._rows is None:
            self._rows = self._files.open()
        report, is_empty = self._about[index]
        row = self._rows[index]
        image, labels = row.planes
        example = Example(image=image, labels=labels, report=report, modality=row.modality)
        return example.emptied() if is_empty else example


class TrainingSet(Dataset[Sample]):
    """Decoded examples and seeded samples.

    Parameters
    ----------
    repeats : per example, how often it comes in one epoch
    num_classes : planes of a sample's masks
    """

    def __init__(
        self,
        examples: Sequence[Example],
        repeats: Sequence[int],
        *,
        seed: int,
        mix: RequestMix,
        augment: AugmentConfig,
        num_classes: int = 1,
    ) -> None:
        self.examples = examples
        self._order = [i for i, n in enumerate(repeats) for _ in range(n)]
        self._seed = seed
        self._mix = mix
        self._augment = Augmenter(augment)
        self._num_classes = num_classes
        self._features: FeatureFiles | None = None

    def __len__(self) -> int:
        return len(self._order)

    def with_features(self, files: FeatureFiles) -> "TrainingSet":
        """The same with kept features: images come in the fixed views they were kept of."""
        other = copy(self)
        other._features = files
        return other

    def order(self, epoch: int, side_px: int) -> list[SampleKey]:
        """The samples of an epoch, shuffled by the seed."""
        keys = [
            SampleKey(epoch=epoch, position=position, index=index, side_px=side_px)
            for position, index in enumerate(self._order)
        ]
        Random(f"{self._seed}/{epoch}").shuffle(keys)
        return keys

    def __getitem__(self, key: SampleKey) -> Sample:
        name = f"{self._seed}/{key.epoch}/{key.position}"
        random = Random(name)
        example = self.examples[key.index]
        request = draw_request(example.mask, example.report, example.modality, self._mix, random)
        asked = np.where(request.mask, example.labels, np.uint8(0))
        sample = Sample(
            image=torch.from_numpy(np.array(example.image))[None].float() / 255,
            masks=to_planes(asked, self._num_classes),
            text=request.text,
            key=name,
        )
        if self._features is None:
            return self._augment(sample, random, key.side_px)
        variant = random.choice(VARIANTS)
        kept = self._features.read(digest_of(example.image), variant)
        if kept is None:
            raise InputError(
                f"a file of kept features in {self._features.folder.name!r} is gone or damaged; "
                "go on with --resume, which makes it again"
            )
        return replace(_seen_as(variant, sample), frozen=kept)


def _seen_as(variant: Variant, sample: Sample) -> Sample:
    return replace(
        sample,
        image=variant.of_image(sample.image),
        masks=variant.of_mask(sample.masks),
        text=variant.of_text(sample.text),
    )


def load_examples(
    sources: Sequence[SourceRows], cache: PixelCache, *, max_rows: int | None = None
) -> CachedExamples:
    """Decode the rows of all sources, or find them decoded in the cache.

    Parameters
    ----------
    max_rows : of each source, its first ones

    Raises
    ------
    InputError, OutputError
        As of :meth:`PixelCache.decode`.
    """
    files: list[PixelFiles] = []
    about: list[tuple[str, bool]] = []
    for read in sources:
        source, rows = read.source, read.rows[:max_rows]
        files.append(cache.decode(rows, source.modality))
        about += [(row.report, source.is_empty(row)) for row in rows]
    return CachedExamples(all_files(files), about)
