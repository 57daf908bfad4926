"""Scores during training: report given, none, and one side asked for; pooled Dice of each."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from tgcnet.config import PreprocessConfig
from tgcnet.data.examples import Example
from tgcnet.data.referring_set import one_sided_requests
from tgcnet.domain import SegmentationClass, Side
from tgcnet.metrics import MetricAccumulator
from tgcnet.models import SegmentationModel
from tgcnet.train.pixels import PixelScale
from tgcnet.train.texts import TextEncoder

_BATCH = 16
Ask = tuple[np.ndarray, str, np.ndarray]
"""Image (S, S) uint8, text, reference labels (S, S) uint8."""


class Validator:
    """Scores a network on examples, on the network's own square grid."""

    def __init__(
        self,
        examples: Sequence[Example],
        preprocess: PreprocessConfig,
        classes: Sequence[SegmentationClass],
    ) -> None:
        self._sets: dict[str, list[Ask]] = {
            "given": [(e.image, e.report, e.labels) for e in examples],
            "none": [(e.image, "", e.labels) for e in examples],
            "one_side": list(_one_sided(examples)),
        }
        self._classes = tuple(classes)
        self._pixels = PixelScale(preprocess)

    @torch.inference_mode()
    def score(self, model: SegmentationModel) -> dict[str, float]:
        """Of each set the pooled Dice, and the share of one-sided predictions on the other side.

        Classes are taken together, and where there are several each by itself, too.
        """
        model.eval()
        self._pixels.to(next(model.parameters()).device)
        encode = TextEncoder(model)
        scores: dict[str, float] = {}
        for name, asks in self._sets.items():
            if not asks:
                continue  # nothing one-sided is told apart in the rows that are scored
            united = MetricAccumulator()
            apart = [MetricAccumulator() for _ in self._classes]
            astray = predicted = 0
            for start in range(0, len(asks), _BATCH):
                part = asks[start : start + _BATCH]
                for labels, (_, text, reference) in zip(
                    self._labels(model, part, encode), part, strict=True
                ):
                    united.add(labels > 0, reference > 0)
                    for value, accumulator in enumerate(apart, start=1):
                        accumulator.add(labels == value, reference == value)
                    predicted += int(np.count_nonzero(labels))
                    astray += _pixels_astray(labels > 0, text) if name == "one_side" else 0
            scores[f"dice_pooled_{name}"] = united.result().dice_pooled
            if len(apart) > 1:
                scores |= {
                    f"{entry.name}: dice_pooled_{name}": accumulator.result().dice_pooled
                    for entry, accumulator in zip(self._classes, apart, strict=True)
                }
            if name == "one_side":
                scores["side_leak"] = astray / max(1, predicted)
        return scores

    def _labels(
        self, model: SegmentationModel, asks: Sequence[Ask], encode: TextEncoder
    ) -> np.ndarray:
        """What the model draws, (B, S, S) uint8; where classes overlap the likelier one wins."""
        images = torch.from_numpy(np.stack([image for image, _, _ in asks]))[:, None]
        images = images.to(self._pixels.mean.device).float() / 255
        logits = model(self._pixels(images), encode(tuple(text for _, text, _ in asks))).logits
        best = logits.max(dim=1)
        labels: np.ndarray = torch.where(best.values > 0, best.indices + 1, 0).byte().cpu().numpy()
        return labels


def _one_sided(examples: Iterable[Example]) -> Iterable[Ask]:
    for example in examples:
        for request in one_sided_requests(example.mask, example.report):
            labels = np.where(request.mask, example.labels, np.uint8(0))
            yield example.image, request.text, labels


def _pixels_astray(mask: np.ndarray, text: str) -> int:
    """Predicted pixels in the half of the image that the one-sided text does not name."""
    middle = mask.shape[1] // 2
    other = mask[:, middle:] if Side.RIGHT in text else mask[:, :middle]
    return int(other.sum())
