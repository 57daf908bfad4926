"""What the controller of corrections needs from the outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from napari_tgcnet.corrections.state import CorrectionsState
from napari_tgcnet.shared.case import ModelMask
from napari_tgcnet.shared.store import View
from tgcnet.corrections import Listing
from tgcnet.domain import Case


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedCase:
    """A case of a ledger; nobody else holds its arrays.

    ``model_mask`` is the model's part as a mask layer carries it, an array of its own: what is
    painted into a layer of ``case.model_labels`` does not change it. None where no model was run.
    """

    ledger: Path
    case: Case
    model_mask: ModelMask | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """What became of cases that were to be moved: how many were, and why the others were not."""

    num_moved: int
    problems: tuple[str, ...] = ()


class CorrectionsView(View[CorrectionsState], Protocol):
    """Shows the state, and a thumbnail when it is drawn; decides nothing."""

    def show_thumbnail(self, case_id: str, revision: int, pixels: np.ndarray) -> None: ...


class Shelf(Protocol):
    """Ledgers on a disk; every method is called in worker threads, and raises LedgerError."""

    def check(self, folder: Path) -> None: ...
    def list_cases(self, folder: Path, *, in_bin: bool) -> Listing | None: ...
    def open_case(self, folder: Path, case_id: str) -> OpenedCase: ...
    def thumbnail(self, folder: Path, case_id: str, *, in_bin: bool) -> np.ndarray | None: ...
    def move(self, folder: Path, case_ids: Sequence[str], *, to_bin: bool) -> Moved: ...


class CaseLayers(Protocol):
    """The viewer's layers, as far as cases are opened into them."""

    def select(self, ledger: Path, case_id: str) -> bool: ...
    def add(self, opened: OpenedCase) -> None: ...
