"""Corrections as a three-column folder, which ``tgcnet evaluate`` reads."""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.config import PreprocessConfig
from tgcnet.corrections.cases import Problem
from tgcnet.corrections.ledger import Ledger
from tgcnet.domain import Case
from tgcnet.errors import InputError, ModalityUnknownError, OutputError
from tgcnet.io import RESEARCH_NOTICE
from tgcnet.io.publish import publish_folder, sweep_leftovers
from tgcnet.preprocess import IntensityWindow, decide_window, scale_to_unit

NOTICE_FILE = "NOTICE.txt"

_COLUMNS = ("image", "mask", "report", "subject", "held_out")
_WHITE = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """What left the ledger, and what could not."""

    num_cases: int
    num_slices: int
    problems: tuple[Problem, ...]


def export_folder(ledger: Ledger, out: Path, *, with_reports: bool = False) -> Exported:
    """Write a picture and a mask of every reviewed slice, and ``captions.csv``.

    The picture is 8-bit, windowed by its modality as for a model; the mask is 255 wherever the
    person left any class. ``held_out`` is true or false. Case ids are in the names of the files.

    Parameters
    ----------
    out : a folder that is not there yet
    with_reports : write the reports, and the patients' keys in place of running numbers

    Raises
    ------
    InputError
        If no slice was reviewed, or the modality of a case is not known.
    OutputError
        If ``out`` is there or cannot be written; nothing is left behind.
    """
    return export(ledger, out, lambda cases, made: _fill(cases, made, with_reports=with_reports))


def export(
    ledger: Ledger, out: Path, fill: Callable[[Iterable[Case], Path], tuple[int, int]]
) -> Exported:
    """Let ``fill`` write the ledger's cases into a temporary folder, then rename it to ``out``.

    Parameters
    ----------
    fill : receives every case with a reviewed slice and an empty folder; returns the number of
        cases and of slices that it wrote

    Raises
    ------
    InputError
        If there was nothing to write.
    OutputError
        If ``out`` is there or cannot be written; nothing is left behind.
    """
    counts, problems = (0, 0), list[Problem]()

    def fill_whole(made: Path) -> None:
        nonlocal counts
        counts = fill(ledger.load_reviewed(problems.append), made)
        if not counts[0]:
            raise InputError(
                f"No case of {ledger.folder.name} has a reviewed slice that can be read, expected "
                "at least one; mark the slices you reviewed and save the correction again."
            )
        (made / NOTICE_FILE).write_text(f"{RESEARCH_NOTICE}\n", encoding="utf-8")

    if out.exists():
        raise _is_there(out)
    sweep_leftovers(out.parent)
    try:
        publish_folder([out], fill_whole, staging=out.parent, called=out.name)
    except FileExistsError:
        raise _is_there(out) from None
    return Exported(num_cases=counts[0], num_slices=counts[1], problems=tuple(problems))


class Subjects:
    """What a patient is called outside the ledger: a running number, or their key if asked for."""

    def __init__(self, *, with_keys: bool) -> None:
        self._with_keys = with_keys
        self._numbers: dict[str, int] = {}

    def name_of(self, case: Case) -> str:
        """The same for all cases of a patient."""
        number = self._numbers.setdefault(case.patient_key, len(self._numbers) + 1)
        return case.patient_key if self._with_keys else str(number)


def write_table(path: Path, rows: Iterable[Mapping[str, str]], columns: Iterable[str]) -> None:
    """Write CSV with the columns named."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _fill(cases: Iterable[Case], made: Path, *, with_reports: bool) -> tuple[int, int]:
    subjects = Subjects(with_keys=with_reports)
    rows: list[dict[str, str]] = []
    num_cases = 0
    for part in ("images", "masks"):
        (made / part).mkdir()
    for case in cases:
        window = _window_of(case)
        num_cases += 1
        for z in case.reviewed_slices:
            name = f"{case.id}-{z:04d}.png"
            grey = np.rint(scale_to_unit(case.volume.array[z], window) * _WHITE).astype(np.uint8)
            mask = (case.labels[z] > 0).astype(np.uint8) * np.uint8(_WHITE)
            Image.fromarray(grey).save(made / "images" / name)
            Image.fromarray(mask).save(made / "masks" / name)
            rows.append({
                "image": name,
                "mask": name,
                "report": case.report if with_reports else "",
                "subject": subjects.name_of(case),
                "held_out": str(case.is_held_out).lower(),
            })  # fmt: skip
    write_table(made / "captions.csv", rows, _COLUMNS)
    return num_cases, len(rows)


def _window_of(case: Case) -> IntensityWindow:
    try:
        return decide_window(case.volume, PreprocessConfig())
    except ModalityUnknownError:
        raise InputError(
            f"Nothing says whether the image of case {case.id} is a CT or a radiograph, expected "
            "one of them; open the case, state the modality and save it again, or delete it."
        ) from None
    except InputError as error:
        raise InputError(f"Case {case.id} has no picture to export. {error}") from None


def _is_there(out: Path) -> OutputError:
    return OutputError(
        f"{out.name} is there already, expected a folder that is not; choose another name."
    )
