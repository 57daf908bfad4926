"""Before training on frozen towers: their features of every image, in every view, on disk."""

import logging
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lightning_fabric import Fabric

from tgcnet.config import ImageTowerConfig
from tgcnet.data.examples import Example
from tgcnet.models import SegmentationModel
from tgcnet.train.data.feature_files import digest_of
from tgcnet.train.data.training_set import TrainingSet
from tgcnet.train.data.variants import VARIANTS
from tgcnet.train.features import FeatureCache, feature_bytes, tower_key
from tgcnet.train.pixels import PixelScale

FEATURES_FOLDER = "features"
_TOLD_EVERY = 500

logger = logging.getLogger(__name__)


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
        if done % _TOLD_EVERY == 0:
            logger.info("features of %d of %d views", done, total)
    fabric.barrier()
    return training_set.with_features(kept.files)
