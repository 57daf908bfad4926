"""A compared case off the disk: the person's from the ledger, both models' from the run."""

from __future__ import annotations

from pathlib import Path

from napari_tgcnet.finetune.ports import ComparedCase
from tgcnet.corrections import Ledger
from tgcnet.finetune.compared import read_compared


def load_compared_case(*, run: Path, ledger: Path, case_id: str) -> ComparedCase:
    """Read a case and its compared masks; for a worker thread.

    Raises
    ------
    LedgerError, InputError
        If the case or the masks are not there or cannot be read.
    """
    masks = read_compared(run, case_id)
    return ComparedCase(case=Ledger.open(ledger).load(case_id), masks=masks)
