"""Selection: of all validated models of a run the one that scored best is the run's result."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch

from tgcnet.errors import CheckpointError
from tgcnet.io import write_bytes_atomically
from tgcnet.models import SegmentationModel


class BestModel:
    """The best model so far, in a file; its score travels in the checkpoints' progress."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, model: SegmentationModel) -> None:
        """Write the model in the place of the one before.

        Raises
        ------
        OutputError
            If it cannot be written; the one before is whole.
        """
        state = {k: v.detach().contiguous() for k, v in model.state_dict().items()}
        write_bytes_atomically(self._path, safetensors.torch.save(state))

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


def headline(scores: Mapping[str, float]) -> float:
    """What models are chosen by: the mean of the pooled Dice of all requests, classes united."""
    dice = [value for name, value in scores.items() if name.startswith("dice_pooled_")]
    return sum(dice) / len(dice) if dice else 0.0
