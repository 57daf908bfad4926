"""Scores during training: report given, none, and one side asked for; pooled Dice of each."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from tgcnet.config import PreprocessConfig
from tgcnet.data.referring import one_sided_requests
from tgcnet.data.training_set import Example, load_examples
from tgcnet.domain import Modality, Side
from tgcnet.metrics import MetricAccumulator
from tgcnet.models import SegmentationModel
from tgcnet.train.config import ValidationSource
from tgcnet.train.pixels import PixelScale
from tgcnet.train.texts import TextEncoder

_BATCH = 16
Ask = tuple[np.ndarray, str, np.ndarray]
"""Image (S, S) uint8, text, reference (S, S) bool."""


class Validator:
    """Scores a network on the first rows of a folder, on the network's own square grid."""

    def __init__(self, data: Path, source: ValidationSource, preprocess: PreprocessConfig) -> None:
        examples = load_examples(
            data / source.folder,
            Modality.XRAY,
            preprocess,
            max_rows=source.max_rows,
            denied_means_empty=source.denied_means_empty,
        )
        self._sets = {
            "given": [(e.image, e.report, e.mask) for e in examples],
            "none": [(e.image, "", e.mask) for e in examples],
            "one_side": list(_one_sided(examples)),
        }
        self._pixels = PixelScale(preprocess)

    @torch.inference_mode()
    def score(self, model: SegmentationModel) -> dict[str, float]:
        """Pooled Dice by set, and the share of one-sided predictions on the other side."""
        model.eval()
        device = next(model.parameters()).device
        self._pixels.to(device)
        encode = TextEncoder(model)
        scores: dict[str, float] = {}
        for name, asks in self._sets.items():
            accumulator = MetricAccumulator()
            astray = predicted = 0
            for start in range(0, len(asks), _BATCH):
                images, texts, references = zip(*asks[start : start + _BATCH], strict=True)
                batch = torch.from_numpy(np.stack(images))[:, None].to(device).float() / 255
                output = model(self._pixels(batch), encode(texts))
                masks = (output.logits[:, 0] > 0).cpu().numpy()
                for mask, text, reference in zip(masks, texts, references, strict=True):
                    accumulator.add(mask, reference)
                    predicted += int(mask.sum())
                    astray += _pixels_astray(mask, text) if name == "one_side" else 0
            scores[f"dice_pooled_{name}"] = accumulator.result().dice_pooled
            if name == "one_side":
                scores["side_leak"] = astray / max(1, predicted)
        return scores


def _one_sided(examples: Iterable[Example]) -> Iterable[Ask]:
    for example in examples:
        for request in one_sided_requests(example.mask, example.report):
            yield example.image, request.text, request.mask


def _pixels_astray(mask: np.ndarray, text: str) -> int:
    """Predicted pixels in the half of the image that the one-sided text does not name."""
    middle = mask.shape[1] // 2
    other = mask[:, middle:] if Side.RIGHT in text else mask[:, :middle]
    return int(other.sum())
