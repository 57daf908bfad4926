"""What a person sees of a run: a line with a bar in a terminal, lines of a log elsewhere."""

import logging
from collections.abc import Mapping

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tgcnet.train.checkpoint import Progress

logger = logging.getLogger(__name__)


class LineLog:
    """A line for every few steps and one for a validation, to the logger."""

    def __init__(self) -> None:
        self._total = 0

    def stepped(self, progress: Progress, total: int) -> None:
        self._total = total

    def write(self, progress: Progress, values: Mapping[str, float]) -> None:
        if "loss" in values:
            logger.info(
                "%s epoch %d, step %d of %d: loss %.4f, %.2f s a step, %.1f %% of it waiting",
                progress.stage, progress.epoch, progress.step, self._total, values["loss"],
                values["seconds_per_step"], 100 * values["wait_share"],
            )  # fmt: skip
        else:
            logger.info("validation after step %d: %s", progress.step, in_words(values))

    def close(self) -> None:
        """Nothing is open."""


class TerminalLog:
    """One line that moves: epoch, step, loss, seconds a step, share of waiting, time left.

    Log lines go above it while it is there.
    """

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"), BarColumn(),
            TextColumn("{task.completed}/{task.total}"), TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
        )  # fmt: skip
        self._bar = Bar(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._handler = RichHandler(console=console, show_path=False)
        self._root = logging.getLogger()
        self._before = self._root.handlers[:]
        self._root.handlers[:] = [self._handler]
        self._bar.start()

    def stepped(self, progress: Progress, total: int) -> None:
        stage = progress.stage
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(
                stage, total=total, completed=progress.step - 1, numbers=""
            )
        description = f"{stage} epoch {progress.epoch}"
        self._bar.update(self._tasks[stage], completed=progress.step, description=description)

    def write(self, progress: Progress, values: Mapping[str, float]) -> None:
        if "loss" not in values:
            self._bar.console.log(f"validation after step {progress.step}: {in_words(values)}")
        elif progress.stage in self._tasks:
            numbers = (
                f"loss {values['loss']:.4f}, {values['seconds_per_step']:.2f} s a step, "
                f"{100 * values['wait_share']:.1f} % waiting"
            )
            self._bar.update(self._tasks[progress.stage], numbers=numbers)

    def close(self) -> None:
        self._bar.stop()
        self._root.handlers[:] = self._before


def in_words(values: Mapping[str, float]) -> str:
    """Names with their numbers."""
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())
