"""The ledger of corrections: a store that loses nothing."""

from tgcnet.corrections.cases import CaseSummary, Listing, Problem
from tgcnet.corrections.correction import Correction
from tgcnet.corrections.ledger import (
    Ledger,
    Saved,
    check_ledger_folder,
    may_become_ledger,
    user_ledger_folder,
)
from tgcnet.corrections.save import OpenedFrom, SavedCorrection, save_correction

__all__ = [
    "CaseSummary",
    "Correction",
    "Ledger",
    "Listing",
    "OpenedFrom",
    "Problem",
    "Saved",
    "SavedCorrection",
    "check_ledger_folder",
    "may_become_ledger",
    "save_correction",
    "user_ledger_folder",
]
