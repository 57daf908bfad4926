"""Augmentation of a sample by MONAI: image, masks and text together.

Every random number of a sample comes from its own seeds, so it looks the same in whatever batch,
worker or process it is drawn. Whatever mirrors an image also swaps the sides in its text.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

import torch
import torch.nn.functional as F
from monai.data import get_track_meta, set_track_meta
from monai.transforms import (
    RandAdjustContrast,
    RandAffine,
    RandGaussianNoise,
    RandomizableTransform,
    RandScaleIntensityFixedMean,
    RandShiftIntensity,
)
from torch import Tensor

from tgcnet.config.checks import check_in, check_types
from tgcnet.report import swap_sides
from tgcnet.train.data.batch import Sample, harden

_SEED_BITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentConfig:
    """Ranges; a value is drawn uniformly in [-range, range] unless stated otherwise.

    Degrees from 0 to 180, logarithms from 0 to 3 (a factor of 20), all others from 0 to 1.
    """

    rotation_deg: float = 12.0
    log_zoom: float = 0.18
    """The zoom is drawn uniformly between the exponentials of both ends, per axis."""
    shift: float = 0.07
    """As a share of the side."""
    log_gamma: float = 0.35
    """The exponent is drawn uniformly between the exponentials of both ends."""
    contrast: float = 0.2
    """About the image's own mean."""
    brightness: float = 0.12
    noise: float = 0.03
    """Upper end of the standard deviation, drawn from 0."""
    mirrored_share: float = 0.5

    def __post_init__(self) -> None:
        check_types(self)
        check_in(self, "[0, 180]", "rotation_deg")
        check_in(self, "[0, 3]", "log_zoom", "log_gamma")
        check_in(self, "[0, 1]", "shift", "contrast", "brightness", "noise", "mirrored_share")


class Augmenter:
    """Mirrors, rotates, zooms, shifts and changes intensities."""

    def __init__(self, config: AugmentConfig) -> None:
        self._config = config
        self._intensities = _intensities(config)

    def __call__(self, sample: Sample, random: Random, side_px: int) -> Sample:
        """A view of the sample with ``side_px`` pixels a side; masks stay binary."""
        if random.random() < self._config.mirrored_share:
            sample = mirrored(sample)
        planes = _resized(torch.cat([sample.image, sample.masks]), side_px)
        with _without_metadata():
            move = _affine(self._config, side_px)
            if move is not None:
                # One call for all planes: they cannot come apart, and it takes half the time.
                move.set_random_state(seed=random.getrandbits(_SEED_BITS))
                planes = move(planes)
            image = planes[:1].clamp(0, 1)
            for change in self._intensities:
                change.set_random_state(seed=random.getrandbits(_SEED_BITS))
                image = change(image)
        return replace(sample, image=image.clamp(0, 1), masks=harden(planes[1:]))


def mirrored(sample: Sample) -> Sample:
    """The mirrored image with left and right swapped in its text; twice is the sample itself."""
    return replace(
        sample,
        image=sample.image.flip(2),
        masks=sample.masks.flip(2),
        text=swap_sides(sample.text),
    )


def _resized(planes: Tensor, side_px: int) -> Tensor:
    if planes.shape[-1] == side_px:
        return planes
    size = [side_px, side_px]
    return F.interpolate(planes[None], size=size, mode="bilinear", antialias=True)[0]


@lru_cache(maxsize=8)
def _affine(config: AugmentConfig, side_px: int) -> RandAffine | None:
    """None where nothing moves; MONAI wants radians, pixels and factors less one."""
    if not (config.rotation_deg or config.log_zoom or config.shift):
        return None
    zoom = (math.exp(-config.log_zoom) - 1, math.exp(config.log_zoom) - 1)
    return RandAffine(
        prob=1.0,
        rotate_range=math.radians(config.rotation_deg),
        translate_range=[config.shift * side_px] * 2,
        scale_range=[zoom, zoom],
        mode="bilinear",
        padding_mode="zeros",
    )


def _intensities(config: AugmentConfig) -> list[RandomizableTransform]:
    """What changes intensities; nothing for a range of 0, which would still round."""
    found: list[RandomizableTransform] = []
    if config.log_gamma:
        ends = (math.exp(-config.log_gamma), math.exp(config.log_gamma))
        found.append(RandAdjustContrast(prob=1.0, gamma=ends))
    if config.contrast:
        found.append(RandScaleIntensityFixedMean(prob=1.0, factors=config.contrast))
    if config.brightness:
        found.append(RandShiftIntensity(prob=1.0, offsets=config.brightness))
    if config.noise:
        found.append(RandGaussianNoise(prob=1.0, std=config.noise))
    return found


@contextmanager
def _without_metadata() -> Iterator[None]:
    """MONAI's tensors that remember their transforms cost a third of the time (measured)."""
    before = get_track_meta()
    set_track_meta(False)
    try:
        yield
    finally:
        set_track_meta(before)
