"""The fixed views of an image, and the files of features kept of each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tgcnet.errors import OutputError
from tgcnet.io import write_bytes_atomically
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


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureFiles:
    """The files below a folder; other weights have another folder."""

    folder: Path

    def path(self, digest: str, variant: Variant) -> Path:
        """Where the features of an image's view lie."""
        return self.folder / f"{digest[:32]}-{variant.name}.safetensors"

    def read(self, digest: str, variant: Variant) -> tuple[Tensor, ...] | None:
        """One tensor a tap, float16; None where the file is absent or damaged."""
        try:
            state = safetensors.torch.load_file(self.path(digest, variant))
        except (OSError, safetensors.SafetensorError):
            return None
        return tuple(state[str(index)] for index in range(len(state)))

    def write(self, digest: str, variant: Variant, taps: Sequence[Tensor]) -> None:
        """Keep what the towers gave of one image, no batch axis.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {self.folder.name!r} for features cannot be made ({error.strerror}); "
                "choose another place or free some space."
            ) from None
        state = {str(i): tap.half().cpu().contiguous() for i, tap in enumerate(taps)}
        write_bytes_atomically(self.path(digest, variant), safetensors.torch.save(state))


def digest_of(image: np.ndarray) -> str:
    """SHA-256 of an image's pixels on the network's grid: what its features are known by."""
    return hashlib.sha256(image.tobytes()).hexdigest()
