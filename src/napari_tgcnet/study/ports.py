"""What the controller of studies needs from the outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from napari_tgcnet.shared.store import T, Workers
from tgcnet.domain import Volume
from tgcnet.io.dicom.series import Listing, Series
from tgcnet.io.dicom.stack import LazyStack

N = TypeVar("N", int, float)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedSeries:
    """A series whose first slice to be shown is in memory, and the others on their way.

    Attributes
    ----------
    name : for the layer
    first_slice : index along Z of the slice to show first
    stack : of the slices as the files have them; the volume's array shows these
    """

    name: str = field(repr=False)
    volume: Volume
    first_slice: int
    stack: LazyStack


class Studies(Protocol):
    """Files of studies; every method is called in worker threads, and raises TgcnetError."""

    def list_series(self, path: Path, on_progress: Callable[[float], bool]) -> Listing:
        """``on_progress`` receives the finished fraction; returning False stops with Cancelled."""

    def open_series(self, series: Series) -> OpenedSeries: ...

    def load(self, opened: OpenedSeries, on_slice: Callable[[int], bool]) -> None:
        """``on_slice`` receives how many slices are there; returning False stops."""


class StudyLayers(Protocol):
    """The viewer's layers, as far as series are opened into them."""

    def add(self, opened: OpenedSeries) -> str: ...
    def has(self, image_id: str) -> bool: ...


class ReportingWorkers(Workers, Protocol):
    """Workers that tell how far they are; ``told`` is called back on the Qt thread, too."""

    def start_reporting(
        self,
        work: Callable[[Callable[[N], None]], T],
        told: Callable[[N], None],
        then: Callable[[T], None],
        failed: Callable[[str], None],
    ) -> None: ...
