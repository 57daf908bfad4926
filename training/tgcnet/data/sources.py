"""The data sets a run reads, as its recipe names them: rows and classes, no pixels yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tgcnet.config.checks import check_types, check_whole
from tgcnet.data.classes import LUNG_OPACITY
from tgcnet.data.layouts.detect import read_dataset
from tgcnet.data.rows import Row, is_held_out
from tgcnet.domain import Modality, SegmentationClass
from tgcnet.errors import InputError

_DENIED = "no pulmonary infection"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A data set and how a run uses it.

    Attributes
    ----------
    folder : relative to the run's data folder; of any layout that ``tgcnet data`` knows
    modality : UNKNOWN leaves it to the layout and the files
    split : the rows of this split alone; "" means all
    repeats : how often each image comes in one epoch, at least once
    exclude : image names that are never read (held out, or twins of a test image)
    is_lesion_free : every mask is taken as empty
    denied_means_empty : the mask of a report that begins with "no pulmonary infection" is taken
        as empty: some masks of the pseudo-labelled CT set hold a few stray pixels there
    """

    folder: str
    modality: Modality
    split: str = ""
    repeats: int = 1
    exclude: tuple[str, ...] = ()
    is_lesion_free: bool = False
    denied_means_empty: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "repeats")

    @property
    def label(self) -> str:
        """What sentences call it."""
        return f"{self.folder} ({self.split})" if self.split else self.folder

    def is_empty(self, row: Row) -> bool:
        """Whether the mask of a row is taken as empty, whatever its file says."""
        is_denied = row.report.lower().startswith(_DENIED)
        return self.is_lesion_free or (self.denied_means_empty and is_denied)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRows:
    """A source, read.

    Attributes
    ----------
    rows : those that are used
    classes : what the masks distinguish
    num_held_out : rows that are left out because they are marked so
    """

    source: Source
    rows: tuple[Row, ...]
    classes: tuple[SegmentationClass, ...]
    num_held_out: int = 0


def read_source(data: Path, source: Source, *, is_trained_on: bool = True) -> SourceRows:
    """The rows of a source that are neither excluded nor, where it is trained on, held out.

    Parameters
    ----------
    is_trained_on : False of a validation, for which held-out rows are there

    Raises
    ------
    InputError
        As of :func:`tgcnet.data.layouts.detect.read_dataset`, if nothing is left, or if a row says
        neither that it is held out nor that it is not.
    """
    dataset = read_dataset(data / source.folder, source.split or None)
    excluded = set(source.exclude)
    asked = tuple(row for row in dataset.rows if row.name not in excluded)
    rows = asked
    if is_trained_on:
        rows = tuple(row for row in asked if not is_held_out(row, source.label))
    if not rows:
        why = "all others are marked held_out" if asked else "the recipe excludes all of them"
        raise InputError(
            f"{source.label} has {len(dataset.rows)} rows and {why}, expected at least one to use; "
            "correct the recipe"
        )
    num_held_out = len(asked) - len(rows)
    return SourceRows(source=source, rows=rows, classes=dataset.classes, num_held_out=num_held_out)


def common_classes(read: Iterable[SourceRows]) -> tuple[SegmentationClass, ...]:
    """The classes that all sources share; one that is free of lesions does not count.

    Raises
    ------
    InputError
        If two sources name other classes, or the same in another order.
    """
    asked: Sequence[SourceRows] = [entry for entry in read if not entry.source.is_lesion_free]
    if not asked:
        return (LUNG_OPACITY,)
    first = asked[0]
    for entry in asked[1:]:
        if _names(entry) != _names(first):
            raise InputError(
                f"{first.source.label} has the classes {', '.join(_names(first))} and "
                f"{entry.source.label} {', '.join(_names(entry))}, expected the same in the same "
                "order in every source of a run; correct their classes.json, or leave one out"
            )
    return first.classes


def _names(read: SourceRows) -> tuple[str, ...]:
    return tuple(entry.name for entry in read.classes)
