"""The log of a training run: numbers to ``log.csv``, to TensorBoard and to a person."""

import csv
import importlib
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tgcnet.errors import MissingExtraError
from tgcnet.io import write_text_atomically
from tgcnet.train.checkpoint import Progress

logger = logging.getLogger(__name__)

_COLUMNS = ("stage", "epoch", "step", "name", "value")


@runtime_checkable
class Sink(Protocol):
    """Where numbers go."""

    def stepped(self, progress: Progress, total: int) -> None:
        """A step of ``total`` is done."""

    def write(self, progress: Progress, values: Mapping[str, float]) -> None:
        """Numbers of the steps since the last ones, or of a validation."""

    def close(self) -> None:
        """The run is over."""


class RunLog:
    """Passes everything on to its sinks; a process that only computes has none."""

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = tuple(sinks)

    def stepped(self, progress: Progress, total: int) -> None:
        for sink in self._sinks:
            sink.stepped(progress, total)

    def write(self, progress: Progress, values: Mapping[str, float]) -> None:
        for sink in self._sinks:
            sink.write(progress, values)

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


class CsvLog:
    """``log.csv``, a row a number: stage, epoch, step, name, value.

    Parameters
    ----------
    resumed : where the run goes on; rows of later steps, which it computes again, are taken out
    """

    def __init__(self, path: Path, resumed: Progress | None = None) -> None:
        self._path = path
        rows = [] if resumed is None else _rows_until(path, resumed)
        written = io.StringIO(newline="")
        csv.writer(written).writerows([_COLUMNS, *rows])
        write_text_atomically(path, written.getvalue())

    def stepped(self, progress: Progress, total: int) -> None:
        """Nothing: not every step is written."""

    def write(self, progress: Progress, values: Mapping[str, float]) -> None:
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [progress.stage, progress.epoch, progress.step, name, f"{value:.9g}"]
                for name, value in values.items()
            )

    def close(self) -> None:
        """Nothing is open."""


def _rows_until(path: Path, progress: Progress) -> list[list[str]]:
    """The whole rows up to a step; a kill may have left half of one."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(_COLUMNS)]
    # "pretrain" sorts before "train", as it runs.
    until = (progress.stage, progress.step)
    return [row for row in rows if row[2].isdecimal() and (row[0], int(row[2])) <= until]


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
