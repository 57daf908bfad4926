"""A compared case off the disk: the person's from the ledger, both models' from the run."""

from __future__ import annotations

from pathlib import Path

from napari_tgcnet.finetune.ports import HeldOutCase
from tgcnet.corrections import Ledger
from tgcnet.finetune.compared_masks import read_compared


def load_held_out(*, run: Path, ledger: Path, case_id: str) -> HeldOutCase:
    """Read a case and its compared masks; for a worker thread.

    Raises
    ------
    LedgerError, InputError
        If the case or the masks are not there or cannot be read.
    """
    masks = read_compared(run, case_id)
    return HeldOutCase(case=Ledger.open(ledger).load(case_id), masks=masks)
