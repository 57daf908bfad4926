"""A data set as its layout was read: rows, and what cannot be one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tgcnet.data.rows import Row
from tgcnet.domain import SegmentationClass

_USUAL_SPLITS = ("train", "val", "test")


class Part(StrEnum):
    """What a row is made of."""

    IMAGE = "image"
    MASK = "mask"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Something that is no row because a part of it is not there, or cannot be read.

    Attributes
    ----------
    lacks : the first part that is missing
    is_named : a table names it, so that it was meant to be a row; else it is a file that nothing
        names, and is left out
    place : what sentences call it
    path : a file of it, for readers who may see names
    sentence : why it cannot be read, where it is there
    """

    lacks: Part
    is_named: bool
    place: str
    path: Path | None = field(default=None, repr=False)
    sentence: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """Rows of one layout.

    Attributes
    ----------
    name : the folder's
    layout : what the layout is called
    gaps : of a data set to be read, only files that nothing names
    notices : sentences about what was assumed or left out
    """

    name: str
    layout: str
    classes: tuple[SegmentationClass, ...]
    rows: tuple[Row, ...]
    gaps: tuple[Gap, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def splits(self) -> tuple[str, ...]:
        """What the rows are divided into; empty where they are not."""
        return splits_of(self.rows)


def splits_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The splits of rows: train, val and test, then others in order of appearance."""
    found = dict.fromkeys(row.split for row in rows if row.split)
    usual = [name for name in _USUAL_SPLITS if name in found]
    return (*usual, *(name for name in found if name not in usual))
