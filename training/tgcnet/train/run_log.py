"""The log of a training run: numbers to ``log.csv``, to TensorBoard and to whoever watches."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from tgcnet.io import write_text_atomically
from tgcnet.train.checkpoint import Progress

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
