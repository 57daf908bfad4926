"""A slice to score, wherever it lies: a row of a data folder, a reviewed slice of a ledger."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from tgcnet.corrections import Ledger, Problem
from tgcnet.data.layouts import read_dataset
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.row_decoding import read_pair
from tgcnet.data.rows import Row, is_held_out
from tgcnet.domain import Case, Modality, Volume
from tgcnet.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceToScore:
    """An image, its reference, and the report that the model is given.

    Attributes
    ----------
    name : unique within a set
    place : what messages call it, naming no file; "" means by its name, which names no patient
    group : the patient, by any identifier, or what else belongs together; "" where it stands alone
    read : gives the slice and its reference when their turn comes, since a set may be larger than
        memory: (Y, X) uint8, 0 or a class's place counted from 1; where classes are not
        scored one by one, 1 for whatever is marked
    """

    name: str
    group: str
    report: str
    read: Callable[[], tuple[Volume, np.ndarray]]
    place: str = ""


def folder_slices(folder: Path, modality: Modality | None = None) -> tuple[SliceToScore, ...]:
    """The rows of a data set in any layout, as :func:`row_slices` gives them.

    Parameters
    ----------
    modality : of all images; None means what their files say

    Raises
    ------
    InputError
        If the folder lacks something, or has none of the layouts known.
    """
    return row_slices(read_dataset(folder).rows, modality)


def row_slices(rows: Sequence[Row], modality: Modality | None = None) -> tuple[SliceToScore, ...]:
    """Rows of a data set under their own names; their references distinguish its classes.

    Parameters
    ----------
    modality : as of :func:`folder_slices`
    """
    return tuple(
        _slice_of(row, row.name, group, modality)
        for row, group in zip(rows, _groups(rows), strict=True)
    )


def _groups(rows: Sequence[Row]) -> Iterator[str]:
    """The patient of each row; where none is known, its volume, or an image that rows share."""
    units = ["" if row.subject else row.unit for row in rows]
    counts = Counter(units)
    numbers = {unit: number for number, unit in enumerate(counts, start=1)}
    for row, unit in zip(rows, units, strict=True):
        is_shared = not row.subject and counts[unit] > 1
        yield f"patient of volume or image {numbers[unit]}" if is_shared else row.subject


def nameless_slices(
    rows: Sequence[Row], set_name: str, modality: Modality | None = None
) -> tuple[SliceToScore, ...]:
    """Rows of a data folder under numbers, for what is kept of them: their names name patients.

    A slice is called by its set and its row, a patient by a running number. A volume or an image
    whose patient is not known is one of its own.

    Parameters
    ----------
    modality : as of :func:`folder_slices`
    """
    numbers: dict[tuple[str, Hashable], int] = {}
    slices = []
    for row in rows:
        patient = (row.subject, None if row.subject else row.unit)
        number = numbers.setdefault(patient, len(numbers) + 1)
        slices.append(_slice_of(row, f"{set_name}/{row.number}", str(number), modality))
    return tuple(slices)


def held_out_rows(folder: Path) -> tuple[Row, ...]:
    """The rows of a data folder that no model was trained on.

    All, unless the table has a column ``held_out``, as the export of a ledger has: then those that
    it calls true.

    Raises
    ------
    InputError
        If the folder lacks something, there is no such row, or the column says something else
        than true or false.
    """
    rows = read_folder(folder)
    name = folder.absolute().name
    held_out = tuple(row for row in rows if is_held_out(row, name) or row.held_out is None)
    if not held_out:
        raise InputError(
            f"By its column held_out no row of captions.csv of {folder.absolute().name} is held "
            "out, expected at least one; a model may have been trained on all of them, so name "
            "another folder"
        )
    return held_out


def held_out_slices(
    ledger: Ledger, on_problem: Callable[[Problem], object]
) -> tuple[SliceToScore, ...]:
    """The reviewed slices of a ledger's held-out cases, in memory.

    Parameters
    ----------
    on_problem : receives what is left out

    Raises
    ------
    InputError
        If there is none.
    """
    cases = (case for case in ledger.load_reviewed(on_problem) if case.is_held_out)
    slices = tuple(entry for case in cases for entry in _slices_of(case))
    if not slices:
        raise InputError(
            f"The ledger {ledger.folder.name} holds no reviewed slice of a held-out patient, "
            "expected at least one; save corrections of two patients or more."
        )
    return slices


def held_out_place(entry: SliceToScore) -> tuple[str, int]:
    """Case and index along Z of a slice that :func:`held_out_slices` gave."""
    case_id, _, z = entry.name.rpartition("/")
    return case_id, int(z)


def _slices_of(case: Case) -> Iterator[SliceToScore]:
    for z in case.reviewed_slices:
        # Copies: a slice that is kept must not keep its whole stack.
        volume = replace(case.volume, array=case.volume.array[z : z + 1].copy())
        yield SliceToScore(
            name=f"{case.id}/{z}",
            group=case.patient_key,
            report=case.report,
            read=partial(_give, volume, case.labels[z].copy()),
        )


def _give(volume: Volume, reference: np.ndarray) -> tuple[Volume, np.ndarray]:
    return volume, reference


def _slice_of(row: Row, name: str, group: str, modality: Modality | None) -> SliceToScore:
    read = partial(read_pair, row, modality)
    return SliceToScore(name=name, group=group, report=row.report, read=read, place=row.where)
