"""Features of the frozen image tower, computed once and kept on disk.

A file for each image and variant, named by what it depends on: the weights, the pixels, the view.
Kept as float16; whoever trains reads them from the file even when they were only just computed, so
that a run, a resumed run and a second run see the same numbers.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from tgcnet.errors import OutputError
from tgcnet.io import write_bytes_atomically
from tgcnet.models import SegmentationModel
from tgcnet.train.finetune.memory import needs_memory
from tgcnet.train.finetune.samples import Sample
from tgcnet.train.finetune.variants import Variant
from tgcnet.train.pixels import PixelScale

_HALF_BYTES = 2


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
        self._folder = folder / weights_key
        self._model = model
        self._pixels = pixels

    def features(self, samples: Sequence[tuple[Sample, Variant]]) -> tuple[Tensor, ...]:
        """Of a batch, one tensor a tap, (B, ...) float32."""
        kept = [self._read(sample, variant) for sample, variant in samples]
        return tuple(torch.stack(tap).float() for tap in zip(*kept, strict=True))

    def fill(self, samples: Iterable[tuple[Sample, Variant]]) -> Iterable[None]:
        """Compute what is absent, yielding after each, so that somebody can count and stop."""
        for sample, variant in samples:
            if not self._file(sample, variant).exists():
                with needs_memory("the features of a single image"):
                    self._compute(sample, variant)
            yield

    def _read(self, sample: Sample, variant: Variant) -> list[Tensor]:
        file = self._file(sample, variant)
        try:
            state = safetensors.torch.load_file(file)
        except (OSError, safetensors.SafetensorError):
            # Absent or damaged: either way it can be made again from the image.
            self._compute(sample, variant)
            state = safetensors.torch.load_file(file)
        return [state[str(index)] for index in range(len(state))]

    @torch.inference_mode()
    def _compute(self, sample: Sample, variant: Variant) -> None:
        image = torch.from_numpy(sample.example.image)[None].float() / 255  # (1, S, S)
        device = next(self._model.parameters()).device
        batch = self._pixels(variant.of_image(image)[None].to(device))
        frozen = self._model.frozen_features(batch)
        state = {str(i): tap[0].half().cpu().contiguous() for i, tap in enumerate(frozen)}
        file = self._file(sample, variant)
        _make(file.parent)
        write_bytes_atomically(file, safetensors.torch.save(state))

    def _file(self, sample: Sample, variant: Variant) -> Path:
        return self._folder / f"{sample.digest[:32]}-{variant.name}.safetensors"


@torch.inference_mode()
def feature_bytes(model: SegmentationModel, *, side_px: int) -> int:
    """What one image in one variant takes on disk."""
    device = next(model.parameters()).device
    frozen = model.frozen_features(torch.zeros(1, 3, side_px, side_px, device=device))
    return sum(tap.numel() for tap in frozen) * _HALF_BYTES


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder.name!r} for features cannot be made ({error.strerror}); choose "
            "another place or free some space."
        ) from None
