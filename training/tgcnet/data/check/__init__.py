"""The linter of data sets: what would stop or spoil a training run, found before it."""

from tgcnet.data.check.check_dataset import check_folder
from tgcnet.data.check.findings import CheckReport, Finding, Severity
from tgcnet.data.check.sides import Convention, SideCount

__all__ = [
    "CheckReport",
    "Convention",
    "Finding",
    "Severity",
    "SideCount",
    "check_folder",
]
