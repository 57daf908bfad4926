"""Selection: of all validated models of a run the one that scored best is the run's result."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch

from tgcnet.io import write_bytes_atomically
from tgcnet.models import SegmentationModel


class BestModel:
    """Keeps the best model so far in a file, so that a resumed run still knows it.

    The score is the mean of the validation's Dice values; of equal ones the later counts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def offer(self, model: SegmentationModel, scores: Mapping[str, float]) -> None:
        """Keep this model if none before it scored better."""
        dice = [value for name, value in scores.items() if name.startswith("dice")]
        score = sum(dice) / len(dice) if dice else 0.0
        if score < self._score():
            return
        state = {k: v.detach().contiguous() for k, v in model.state_dict().items()}
        write_bytes_atomically(self._path, safetensors.torch.save(state, {"score": str(score)}))

    def restore(self, model: SegmentationModel) -> SegmentationModel:
        """The best model, in the place of the one given."""
        model.load_state_dict(safetensors.torch.load_file(self._path))
        return model

    def _score(self) -> float:
        if not self._path.exists():
            return float("-inf")
        with safetensors.safe_open(self._path, framework="pt") as file:
            return float(file.metadata()["score"])
