"""Lists, opens, draws and moves the cases of ledgers on a disk, for worker threads. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_tgcnet.corrections.state import MoveResult, OpenedCase
from napari_tgcnet.corrections.thumbnail import thumbnail_of
from napari_tgcnet.segment.ports import ModelMask
from tgcnet.corrections import Ledger, Listing, check_ledger_folder, may_become_ledger
from tgcnet.corrections.cases import load_case
from tgcnet.corrections.ledger_folders import BIN, CASES, Places
from tgcnet.domain import Case
from tgcnet.errors import LedgerError, TgcnetError


class DiskLedgerStore:
    """The :class:`napari_tgcnet.corrections.ports.LedgerStore` of a real disk."""

    def check(self, folder: Path) -> None:
        """Refuse a folder that is no ledger and cannot become one.

        Raises
        ------
        LedgerError
            If it holds something else, or cannot be read.
        """
        check_ledger_folder(folder)

    def list_cases(self, folder: Path, *, in_bin: bool) -> Listing | None:
        """List all cases from their JSON files alone; None if there is no ledger yet.

        Raises
        ------
        LedgerError
            If the folder is no ledger, or cannot be read.
        """
        if may_become_ledger(folder):
            return None
        ledger = Ledger.open(folder)
        return ledger.deleted() if in_bin else ledger.cases()

    def open_case(self, folder: Path, case_id: str) -> OpenedCase:
        """Load a case's latest revision, its checksums verified.

        Raises
        ------
        LedgerError
            If it does not exist any more, is damaged, or cannot be read.
        """
        case = Ledger.open(folder).load(case_id)
        return OpenedCase(ledger=folder, case=case, model_mask=_model_mask(case))

    def thumbnail(self, folder: Path, case_id: str, *, in_bin: bool) -> np.ndarray | None:
        """Draw a case, (side, side, 3) uint8; None if it has been moved out of that list.

        Raises
        ------
        LedgerError
            If the case is damaged, or cannot be read.
        """
        places, place = Places(folder), BIN if in_bin else CASES
        try:
            # Ledger.load refuses deleted cases, whose thumbnails the bin shows as well.
            return thumbnail_of(load_case(places.case_folder(case_id, place), None))
        except LedgerError:
            if places.has_case(case_id, place):
                raise
            return None

    def move(self, folder: Path, case_ids: Sequence[str], *, to_bin: bool) -> MoveResult:
        """Move cases into or out of the bin; one that cannot be moved does not stop the rest."""
        ledger = Ledger.open(folder)
        problems = []
        for case_id in case_ids:
            try:
                if to_bin:
                    ledger.delete(case_id)
                else:
                    ledger.restore(case_id)
            except TgcnetError as error:
                problems.append(str(error))
        return MoveResult(num_moved=len(case_ids) - len(problems), problems=tuple(problems))


def _model_mask(case: Case) -> ModelMask | None:
    if case.model_labels is None:
        return None
    slices = case.record.model_slices
    return ModelMask(
        labels=case.model_labels.copy(),
        slices=tuple(range(len(case.model_labels))) if slices is None else slices,
        provenance=case.record.provenance,
        since_s=None,
    )
