"""Kept features of frozen towers: a file for each image and view, float16."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
from torch import Tensor

from tgcnet.errors import OutputError
from tgcnet.io import write_bytes_atomically
from tgcnet.train.data.variants import Variant


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
