"""Data sets in folders side by side, such as ``train/`` and ``val/``: the splits of one set."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tgcnet.data.layouts.dataset import DataSet, Gap
from tgcnet.data.rows import Row
from tgcnet.errors import InputError

NAME = "folders side by side"
MARKS = "two or more folders, such as train/ and val/, each one of these"
MIN_PARTS = 2


def join(folder: Path, parts: Sequence[DataSet], num_left_out: int = 0) -> DataSet:
    """One data set, whose splits are the folders.

    A part that is divided itself has its folder before its splits. A subject's identifier means
    the same patient in all of them.

    Parameters
    ----------
    parts : two or more
    num_left_out : folders beside them that hold no data set

    Raises
    ------
    InputError
        If two parts have other classes, or the same in another order.
    """
    first = parts[0]
    for part in parts[1:]:
        if _classes(part) != _classes(first):
            raise InputError(
                f"{first.name} of {folder.name} has the classes {', '.join(_classes(first))} and "
                f"{part.name} {', '.join(_classes(part))}, expected the same in the same order in "
                "folders that are splits of one data set; correct their classes.json, or name one "
                "of the folders"
            )
    rows = (row for part in parts for row in _rows(part))
    return DataSet(
        name=folder.name,
        layout=NAME,
        classes=first.classes,
        rows=tuple(replace(row, number=number) for number, row in enumerate(rows, start=1)),
        gaps=tuple(gap for part in parts for gap in _gaps(part)),
        notices=(
            f"The folders {', '.join(part.name for part in parts)} are read as splits of one set.",
            *((f"Folders that hold no data set: {num_left_out:,}.",) if num_left_out else ()),
            *(f"{part.name}: {notice}" for part in parts for notice in part.notices),
        ),
    )


def _classes(part: DataSet) -> list[str]:
    return [entry.name for entry in part.classes]


def _rows(part: DataSet) -> Iterator[Row]:
    for row in part.rows:
        is_divided = row.split not in ("", part.name)
        split = f"{part.name}/{row.split}" if is_divided else part.name
        yield replace(row, split=split, place=f"{row.where} of {part.name}")


def _gaps(part: DataSet) -> Iterator[Gap]:
    for gap in part.gaps:
        sentence = f"{part.name}: {gap.sentence}" if gap.sentence else ""
        yield replace(gap, place=f"{gap.place} of {part.name}", sentence=sentence)
