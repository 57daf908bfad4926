"""What ships to try the tool on: one openly licensed radiograph and a generated phantom stack.

Where the radiograph comes from and under which licence stands in ATTRIBUTION.md beside it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.samples.phantom import PHANTOM_REPORT, phantom_stack

__all__ = ["PHANTOM_REPORT", "Sample", "list_samples", "phantom_stack", "sample_path"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A shipped picture with its text.

    Attributes
    ----------
    report : written for this project from the picture; no patient's report
    source_url : page that names the author and the licence
    """

    name: str
    title: str
    file_name: str
    modality: Modality
    report: str
    licence: str
    source_url: str


def list_samples() -> tuple[Sample, ...]:
    """All shipped pictures, the one to demonstrate with first."""
    entries = json.loads((_FOLDER / "samples.json").read_text(encoding="utf-8"))
    return tuple(Sample(**{**entry, "modality": Modality(entry["modality"])}) for entry in entries)


def sample_path(name: str) -> Path:
    """Where the picture called ``name`` lies.

    Raises
    ------
    InputError
        If no sample has that name.
    """
    by_name = {sample.name: sample for sample in list_samples()}
    if name not in by_name:
        raise InputError(
            f"There is no sample called {name!r}; the samples are: {', '.join(by_name)}. "
            "Give one of these names."
        )
    return _FOLDER / by_name[name].file_name
