"""Scores during training, and the model that scored best, which is the run's result."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch

from tgcnet.config import PreprocessConfig
from tgcnet.data.referring_set import one_sided_requests
from tgcnet.data.row_decoding import Example
from tgcnet.domain import SegmentationClass, Side
from tgcnet.errors import CheckpointError
from tgcnet.io import write_bytes_atomically
from tgcnet.metrics import MetricAccumulator
from tgcnet.models import SegmentationModel
from tgcnet.train.network_inputs import PixelScale, TextEncoder

logger = logging.getLogger(__name__)

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

        Classes are scored together and, where there are several, each by itself too.
        """
        model.eval()
        self._pixels.to(next(model.parameters()).device)
        encode = TextEncoder(model)
        scores: dict[str, float] = {}
        for name, asks in self._sets.items():
            if not asks:
                continue  # no row that is scored has a one-sided request
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """Which step's model the file holds, and its score."""

    step: int
    score: float


class BestModel:
    """The best model so far, in one file; its step and its score stand in the file's metadata."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def go_back_to(self, step: int) -> bool:
        """Delete the model if it came after a step that the run now resumes from.

        Returns
        -------
        bool
            Whether there was one to drop.
        """
        kept = self._kept()
        is_later = self._path.exists() and (kept is None or kept.step > step)
        if is_later:
            self._path.unlink()
            logger.info(
                "the best model came after step %d, which the run goes on from: it is dropped, and "
                "the best is sought anew from there",
                step,
            )
        return is_later

    def offer(self, model: SegmentationModel, *, step: int, score: float) -> None:
        """Replace the best model by this one, unless it scored worse.

        Raises
        ------
        OutputError
            If it cannot be written; the one before is whole.
        """
        kept = self._kept()
        if kept is not None and not score >= kept.score:  # NaN is no better either
            return
        state = {k: v.detach().contiguous() for k, v in model.state_dict().items()}
        metadata = {"step": str(step), "score": repr(score)}
        write_bytes_atomically(self._path, safetensors.torch.save(state, metadata))

    def restore(self, model: SegmentationModel) -> SegmentationModel:
        """The best model, in the place of the one given.

        Raises
        ------
        CheckpointError
            If the file is gone or damaged.
        """
        try:
            model.load_state_dict(safetensors.torch.load_file(self._path))
        except (OSError, safetensors.SafetensorError, RuntimeError) as error:
            raise CheckpointError(
                f"{self._path.name}, the best model of the run, cannot be read "
                f"({type(error).__name__}); resume from an earlier checkpoint, --resume FILE"
            ) from error
        return model

    def _kept(self) -> _Kept | None:
        """None where there is no model, or one whose metadata are missing."""
        try:
            with safetensors.safe_open(self._path, framework="pt") as file:
                metadata = file.metadata() or {}
            return _Kept(step=int(metadata["step"]), score=float(metadata["score"]))
        except (OSError, safetensors.SafetensorError, KeyError, ValueError):
            return None


def headline(scores: Mapping[str, float]) -> float:
    """The score that selects models: the mean pooled Dice of all requests, classes together."""
    dice = [value for name, value in scores.items() if name.startswith("dice_pooled_")]
    return sum(dice) / len(dice) if dice else 0.0
