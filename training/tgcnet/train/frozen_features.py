"""Features of the frozen image tower, computed once and kept on disk.

A file for each image and view, named by what it depends on: the weights, the pixels, the view.
Kept as float16; training reads them from the file even when they were only just computed, so that
a run, a resumed run and a second run see the same numbers.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from tgcnet.config import ImageTowerConfig
from tgcnet.config.json_values import to_json
from tgcnet.data.row_decoding import Example
from tgcnet.errors import CheckpointError
from tgcnet.models import SegmentationModel
from tgcnet.train.data.fixed_views import VARIANTS, FeatureFiles, Variant, digest_of
from tgcnet.train.data.training_set import TrainingSet
from tgcnet.train.network_inputs import PixelScale

FEATURES_FOLDER = "features"
_LOG_EVERY = 500
logger = logging.getLogger(__name__)

_HALF_BYTES = 2


@runtime_checkable
class Keyed(Protocol):
    """An image with the digest of its pixels (``feature_files.digest_of``) as its key."""

    @property
    def example(self) -> Example:
        """The image."""

    @property
    def digest(self) -> str:
        """Of its pixels."""


class FeatureCache:
    """Keeps what ``SegmentationModel.frozen_features`` gives.

    Parameters
    ----------
    folder : made when the first features are kept
    weights_key : of the tower's weights and adapters; other weights never meet these features
    """

    def __init__(
        self, folder: Path, model: SegmentationModel, pixels: PixelScale, *, weights_key: str
    ) -> None:
        self.files = FeatureFiles(folder=folder / weights_key)
        self._model = model
        self._pixels = pixels

    def features(self, samples: Sequence[tuple[Keyed, Variant]]) -> tuple[Tensor, ...]:
        """Of a batch, one tensor a tap, (B, ...) float32."""
        kept = [self._read(sample, variant) for sample, variant in samples]
        return tuple(torch.stack(tap).float() for tap in zip(*kept, strict=True))

    def fill(self, samples: Iterable[tuple[Keyed, Variant]]) -> Iterable[None]:
        """Compute what is absent, yielding after each, so that the caller can count and stop."""
        for sample, variant in samples:
            if not self.files.path(sample.digest, variant).exists():
                self._compute(sample, variant)
            yield

    def _read(self, sample: Keyed, variant: Variant) -> tuple[Tensor, ...]:
        kept = self.files.read(sample.digest, variant)
        if kept is None:
            # Absent or damaged: either way it can be made again from the image.
            self._compute(sample, variant)
            kept = self.files.read(sample.digest, variant)
        if kept is None:
            raise CheckpointError(
                "Features that were just written cannot be read; check the disk of the folder "
                f"{self.files.folder.name!r}."
            )
        return kept

    @torch.inference_mode()
    def _compute(self, sample: Keyed, variant: Variant) -> None:
        # A copy: pixels mapped from a file cannot be written to, which torch would warn of.
        image = torch.from_numpy(np.array(sample.example.image))[None].float() / 255  # (1, S, S)
        device = next(self._model.parameters()).device
        batch = self._pixels(variant.of_image(image)[None].to(device))
        taps = [tap[0] for tap in self._model.frozen_features(batch)]
        self.files.write(sample.digest, variant, taps)


@torch.inference_mode()
def feature_bytes(model: SegmentationModel, *, side_px: int) -> int:
    """What one image in one variant takes on disk."""
    device = next(model.parameters()).device
    frozen = model.frozen_features(torch.zeros(1, 3, side_px, side_px, device=device))
    return sum(tap.numel() for tap in frozen) * _HALF_BYTES


def tower_key(model: SegmentationModel, tower: ImageTowerConfig, pixels: PixelScale) -> str:
    """A hash of everything but the image that its features depend on.

    Parameters
    ----------
    tower : its heads and its activation change the features and no parameter
    """
    digest = hashlib.sha256(json.dumps(to_json(tower), sort_keys=True).encode())
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    towers = {name: p for name, p in frozen.items() if name.startswith("image_tower.")}
    scale = {"mean": pixels.mean, "std": pixels.std}
    for name, tensor in sorted({**towers, **scale}.items()):
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return f"{digest.hexdigest()[:16]}-{int(model.has_adapters)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Image:
    """An image of the training set, known by its pixels."""

    example: Example
    digest: str


def with_kept_features(
    training_set: TrainingSet,
    model: SegmentationModel,
    tower: ImageTowerConfig,
    pixels: PixelScale,
    fabric: Fabric,
    cache: Path,
) -> TrainingSet:
    """The training set with kept features; each process computes its share of what is absent.

    Parameters
    ----------
    tower : of the model's image tower, for the features' key
    cache : the run's; the features of other weights lie beside these

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    model.eval()
    kept = FeatureCache(
        cache / FEATURES_FOLDER, model, pixels, weights_key=tower_key(model, tower, pixels)
    )
    examples = training_set.examples
    views = (
        (_Image(example=example, digest=digest), variant)
        for example in islice(iter(examples), fabric.global_rank, None, fabric.world_size)
        for digest in (digest_of(example.image),)
        for variant in VARIANTS
    )
    total = -(-len(examples) // fabric.world_size) * len(VARIANTS)
    size = feature_bytes(model, side_px=examples[0].image.shape[0]) * len(VARIANTS) * len(examples)
    logger.info("keeping features of %d images, %.1f GiB", len(examples), size / 2**30)
    for done, _ in enumerate(kept.fill(views), start=1):
        if done % _LOG_EVERY == 0:
            logger.info("features of %d of %d views", done, total)
    fabric.barrier()
    return training_set.with_features(kept.files)
