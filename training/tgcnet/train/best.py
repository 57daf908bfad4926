"""Selection: of all validated models of a run the one that scored best is the run's result."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch

from tgcnet.errors import CheckpointError
from tgcnet.io import write_bytes_atomically
from tgcnet.models import SegmentationModel

logger = logging.getLogger(__name__)


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
        """Drop the model if it came after a step: it is of a future that the run has left.

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
        """Write the model in the place of the one before, unless that scored better.

        Raises
        ------
        OutputError
            If it cannot be written; the one before is whole.
        """
        kept = self._kept()
        if kept is not None and not score >= kept.score:  # no number is no better either
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
        """None where there is no model, or none that tells where it comes from."""
        try:
            with safetensors.safe_open(self._path, framework="pt") as file:
                metadata = file.metadata() or {}
            return _Kept(step=int(metadata["step"]), score=float(metadata["score"]))
        except (OSError, safetensors.SafetensorError, KeyError, ValueError):
            return None


def headline(scores: Mapping[str, float]) -> float:
    """What models are chosen by: the mean of the pooled Dice of all requests, classes united."""
    dice = [value for name, value in scores.items() if name.startswith("dice_pooled_")]
    return sum(dice) / len(dice) if dice else 0.0
