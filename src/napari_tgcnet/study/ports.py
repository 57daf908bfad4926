"""What the controller of studies needs from the outside, and what its view asks of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from napari_tgcnet.segment.ports import T, Workers
from napari_tgcnet.study.state import OpenedSeries
from tgcnet.io.dicom.series import Listing, Series

N = TypeVar("N", int, float)


class Studies(Protocol):
    """Files of studies; every method is called in worker threads, and raises TgcnetError."""

    def list_series(self, path: Path, on_progress: Callable[[float], bool]) -> Listing:
        """``on_progress`` receives the finished fraction; returning False stops with Cancelled."""

    def open_series(self, series: Series) -> OpenedSeries: ...

    def load(self, opened: OpenedSeries, on_slice: Callable[[int], bool]) -> None:
        """``on_slice`` receives the number of slices in memory; returning False stops."""


class StudyLayers(Protocol):
    """The viewer's layers, as far as series are opened into them."""

    def add(self, opened: OpenedSeries) -> str: ...
    def has(self, image_id: str) -> bool: ...


class ReportingWorkers(Workers, Protocol):
    """Workers whose work can report progress; all callbacks run on the Qt thread."""

    def start_reporting(
        self,
        work: Callable[[Callable[[N], None]], T],
        on_progress: Callable[[N], None],
        then: Callable[[T], None],
        failed: Callable[[str], None],
        /,
    ) -> None: ...


class StudyActions(Protocol):
    """What the view asks of the controller."""

    def list_path(self, path: str) -> None: ...
    def select(self, key: int | None) -> None: ...
    def open_series(self, key: int) -> None: ...
    def cancel(self) -> None: ...
    def show_skipped(self, is_wanted: bool) -> None: ...
