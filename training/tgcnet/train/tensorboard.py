"""TensorBoard events beside ``log.csv``; imported only where they are wanted."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tgcnet.errors import MissingExtraError
from tgcnet.train.checkpoint import Progress


class TensorBoardLog:
    """Writes the numbers as scalars, the stages as runs of their own below ``folder``.

    Parameters
    ----------
    resumed : where the run goes on; TensorBoard hides what was written of later steps

    Raises
    ------
    MissingExtraError
        If tensorboard is not installed.
    """

    def __init__(self, folder: Path, resumed: Progress | None = None) -> None:
        try:
            self._module: Any = importlib.import_module("torch.utils.tensorboard")
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "TensorBoard events need tensorboard, which is not installed; run: "
                "pip install 'napari-tgcnet[train]', or train with --no-tensorboard"
            ) from error
        self._folder, self._resumed = folder, resumed
        self._writers: dict[str, Any] = {}

    def stepped(self, progress: Progress, total: int) -> None:
        """Nothing: not every step is written."""

    def write(self, progress: Progress, values: Mapping[str, float]) -> None:
        writer = self._writer(progress.stage)
        for name, value in values.items():
            writer.add_scalar(name, value, progress.step)
        writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _writer(self, stage: str) -> Any:
        if stage not in self._writers:
            is_resumed = self._resumed is not None and self._resumed.stage == stage
            purge = self._resumed.step + 1 if self._resumed is not None and is_resumed else None
            self._writers[stage] = self._module.SummaryWriter(
                str(self._folder / stage), purge_step=purge
            )
        return self._writers[stage]
