"""What the controller of corrections needs from the outside, and what its view asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from napari_tgcnet.corrections.state import CorrectionsState, MoveResult, OpenedCase
from napari_tgcnet.segment.ports import View
from tgcnet.corrections import Listing


class CorrectionsView(View[CorrectionsState], Protocol):
    """Shows the state, and each thumbnail once it is drawn; decides nothing."""

    def show_thumbnail(self, case_id: str, revision: int, pixels: np.ndarray) -> None: ...


class CorrectionsActions(Protocol):
    """What the view asks of the controller."""

    def choose_ledger(self, folder: str) -> None: ...
    def show_bin(self, shows_bin: bool) -> None: ...
    def select(self, case_ids: Sequence[str]) -> None: ...
    def open_case(self, case_id: str) -> None: ...
    def delete(self) -> None: ...
    def restore(self) -> None: ...


class LedgerStore(Protocol):
    """Ledgers on a disk; every method is called in worker threads, and raises LedgerError."""

    def check(self, folder: Path) -> None: ...
    def list_cases(self, folder: Path, *, in_bin: bool) -> Listing | None: ...
    def open_case(self, folder: Path, case_id: str) -> OpenedCase: ...
    def thumbnail(self, folder: Path, case_id: str, *, in_bin: bool) -> np.ndarray | None: ...
    def move(self, folder: Path, case_ids: Sequence[str], *, to_bin: bool) -> MoveResult: ...


class CaseLayers(Protocol):
    """The viewer's layers, as far as cases are opened into them."""

    def select(self, ledger: Path, case_id: str) -> bool: ...
    def add(self, opened: OpenedCase) -> None: ...
