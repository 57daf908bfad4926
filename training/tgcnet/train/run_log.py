"""The log of a training run: numbers to a CSV file, the same in words to the logger."""

import csv
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from tgcnet.train.checkpoint import Progress

logger = logging.getLogger(__name__)


class RunLog:
    """``log.csv`` of a run: one line every 20 steps and one a validation, and the same in words."""

    def __init__(self, path: Path, *, stage: str) -> None:
        self._path, self._stage = path, stage
        self._losses: list[float] = []
        self._since = time.perf_counter()

    def step(
        self,
        progress: Progress,
        loss: Tensor,
        total: int,
        watched: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Note a step's loss, and of each gate the mean, deviation and spatial variance."""
        self._losses.append(loss.item())
        if progress.step % 20:
            return
        seconds = (time.perf_counter() - self._since) / len(self._losses)
        values = {"loss": sum(self._losses) / len(self._losses), "seconds_per_step": seconds}
        for name, gate in (watched or {}).items():
            values[f"{name}_mean"] = gate.mean().item()
            values[f"{name}_std"] = gate.std().item()
            values[f"{name}_spatial_variance"] = gate.var(dim=(2, 3)).mean().item()
        self._write(progress, values)
        logger.info(
            "%s step %d of %d: loss %.4f, %.2f s a step", self._stage, progress.step, total,
            values["loss"], seconds,
        )  # fmt: skip
        self._losses, self._since = [], time.perf_counter()

    def validated(self, progress: Progress, scores: dict[str, float]) -> None:
        """Note a validation."""
        self._write(progress, scores)
        logger.info("validation at step %d: %s", progress.step, scores)
        self._since = time.perf_counter()

    def _write(self, progress: Progress, values: dict[str, float]) -> None:
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            for name, value in values.items():
                writer.writerow([self._stage, progress.epoch, progress.step, name, f"{value:.6g}"])
