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

__all__ = [
    "CaseSummary",
    "Correction",
    "Ledger",
    "Listing",
    "Problem",
    "Saved",
    "check_ledger_folder",
    "may_become_ledger",
    "user_ledger_folder",
]
