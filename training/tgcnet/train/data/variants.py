"""The fixed list of views of an image that training draws from, so that features can be kept."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tgcnet.report import swap_sides
from tgcnet.train.data.batch import harden

_CROPPED_SHARE = 0.86


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One view: mirrored or not, whole or its central part."""

    name: str
    is_mirrored: bool
    is_cropped: bool

    def of_image(self, image: Float[Tensor, "C S S"]) -> Float[Tensor, "C S S"]:
        """The view of an image or of a map, values within their range."""
        if self.is_cropped:
            image = _central_part(image)
        return image.flip(2) if self.is_mirrored else image

    def of_mask(self, mask: Float[Tensor, "C S S"]) -> Float[Tensor, "C S S"]:
        """The view of a binary mask, binary again."""
        return harden(self.of_image(mask))

    def of_text(self, text: str) -> str:
        """A mirrored image has its report's sides swapped."""
        return swap_sides(text) if self.is_mirrored else text


VARIANTS = (
    Variant(name="plain", is_mirrored=False, is_cropped=False),
    Variant(name="mirrored", is_mirrored=True, is_cropped=False),
    Variant(name="cropped", is_mirrored=False, is_cropped=True),
    Variant(name="cropped-mirrored", is_mirrored=True, is_cropped=True),
)


def _central_part(image: Float[Tensor, "C S S"]) -> Float[Tensor, "C S S"]:
    """The centre, enlarged to the whole; both ends of an axis are cut alike."""
    side = image.shape[2]
    cut = round(side * (1 - _CROPPED_SHARE) / 2)
    part = image[None, :, cut : side - cut, cut : side - cut]
    size = [side, side]
    enlarged = F.interpolate(part, size=size, mode="bilinear", align_corners=False)
    assert isinstance(enlarged, torch.Tensor)  # noqa: S101 - for the type checker
    return enlarged[0]
