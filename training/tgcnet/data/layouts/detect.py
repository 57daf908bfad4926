"""Which layout a folder has, and its rows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tgcnet.corrections.ledger import LEDGER_FILE
from tgcnet.data.layouts import ledger, nnunet, pictures, side_by_side, three_columns
from tgcnet.data.layouts.dataset import DataSet
from tgcnet.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A layout that is known.

    Attributes
    ----------
    marks : what a folder of this layout holds, in words
    """

    name: str
    marks: str
    is_here: Callable[[Path], bool]
    scan: Callable[[Path], DataSet]


def _is_three_columns(folder: Path) -> bool:
    # nnU-Net's folder may have a captions.csv of its own.
    return (folder / "captions.csv").is_file() and not _is_nnunet(folder)


def _is_nnunet(folder: Path) -> bool:
    return (folder / "imagesTr").is_dir() or (folder / "dataset.json").is_file()


LAYOUTS = (
    Layout(
        name=three_columns.NAME,
        marks="images/, masks/ and captions.csv",
        is_here=_is_three_columns,
        scan=three_columns.scan,
    ),
    Layout(
        name=pictures.QATA,
        marks="Train Set/ and Test Set/ with Images/ and Ground-truths/",
        is_here=lambda folder: pictures.qata_root(folder) is not None,
        scan=pictures.scan_qata,
    ),
    Layout(
        name=pictures.LVIT,
        marks="Train_Folder/, Val_Folder/, Test_Folder/ with img/ and labelcol/",
        is_here=lambda folder: any((folder / name).is_dir() for name in pictures.LVIT_SETS),
        scan=pictures.scan_lvit,
    ),
    Layout(
        name=pictures.MOSMED,
        marks="frames/, masks/ and Train_text….xlsx",
        is_here=lambda folder: (folder / "frames").is_dir() and pictures.has_tables(folder),
        scan=pictures.scan_mosmed,
    ),
    Layout(
        name=nnunet.NAME,
        marks="imagesTr/, labelsTr/ and dataset.json",
        is_here=_is_nnunet,
        scan=nnunet.scan,
    ),
    Layout(
        name=ledger.NAME,
        marks=LEDGER_FILE,
        is_here=lambda folder: (folder / LEDGER_FILE).is_file(),
        scan=ledger.scan,
    ),
)


def scan_dataset(folder: Path) -> DataSet:
    """The rows of a data set in any layout, and everything that is none.

    Two or more data sets in folders of this one are read as the splits of one.

    Raises
    ------
    InputError
        If there is no folder, its layout is none or several of those known, or a table cannot be
        read.
    MissingExtraError
        If a spreadsheet is to be read and openpyxl is not installed.
    LedgerError
        If it is a ledger that cannot be opened.
    """
    folder = folder.absolute()  # "." has no name that a sentence could say
    try:
        dataset = _scan(folder)
    except OSError as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
        raise InputError(
            f"The data folder {folder.name} cannot be read ({error.strerror or 'refused'}), "
            "expected one whose files may be read; check the permissions and the disk"
        ) from None
    num_classes = len(dataset.classes)
    return replace(
        dataset, rows=tuple(replace(row, num_classes=num_classes) for row in dataset.rows)
    )


def read_dataset(folder: Path, split: str | None = None) -> DataSet:
    """The rows of a data set in any layout, whole.

    Files that nothing names are left out, and a notice counts them.

    Parameters
    ----------
    split : only its rows; None means all

    Raises
    ------
    InputError
        As of :func:`scan_dataset`; also if a part of a row is missing, there is no row, or no
        row of that split.
    MissingExtraError, LedgerError
        As of :func:`scan_dataset`.
    """
    dataset = scan_dataset(folder)
    missing = [gap for gap in dataset.gaps if gap.is_named]
    if missing:
        first = missing[0]
        raise InputError(
            f"{dataset.name} is not whole: {first.sentence or _lack(first.place, first.lacks)}"
            f"{f', and {len(missing) - 1} more are like it' if len(missing) > 1 else ''}; "
            "`tgcnet data check` lists them all"
        )
    if not dataset.rows:
        raise InputError(f"{dataset.name} ({dataset.layout}) has no rows; nothing to read")
    if dataset.gaps:
        left_out = f"{len(dataset.gaps):,} files that no text names are left out."
        dataset = replace(dataset, notices=(*dataset.notices, left_out))
    return dataset if split is None else only_split(dataset, split)


def only_split(dataset: DataSet, split: str) -> DataSet:
    """The rows of one split.

    Raises
    ------
    InputError
        If there is none; names those that there are.
    """
    rows = tuple(row for row in dataset.rows if row.split == split)
    if not rows:
        known = ", ".join(dataset.splits)
        raise InputError(
            f"{dataset.name} has no split {split!r}, "
            + (
                f"expected one of: {known}; name one of these"
                if known
                else "and is not divided at all; divide it with `tgcnet data convert --split`"
            )
        )
    return replace(dataset, rows=rows)


def _lack(place: str, part: str) -> str:
    return f"{place} has no {part}"


def _scan(folder: Path) -> DataSet:
    layout = _layout_of(folder)
    if layout is not None:
        return layout.scan(folder)
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    parts = [path for path in inside if any(layout.is_here(path) for layout in LAYOUTS)]
    if len(parts) < side_by_side.MIN_PARTS:
        raise InputError(
            f"{folder.name} holds {_contents(folder)} and none of the layouts known, expected one "
            f"of: {_known()}; {side_by_side.NAME} ({side_by_side.MARKS})"
        )
    scanned = [scan_dataset(path) for path in parts]
    return side_by_side.join(folder, scanned, num_left_out=len(inside) - len(parts))


def _layout_of(folder: Path) -> Layout | None:
    """The one that a folder has; None where it has none."""
    if not folder.is_dir():
        raise InputError(
            f"{folder.name} is no folder, expected one that holds a data set; check the name"
        )
    found = [layout for layout in LAYOUTS if layout.is_here(folder)]
    if len(found) > 1:
        several = " and ".join(layout.name for layout in found)
        raise InputError(
            f"{folder.name} looks like {several} at once, expected one layout; move one of them "
            f"elsewhere. Known are: {_known()}"
        )
    return found[0] if found else None


def _known() -> str:
    return "; ".join(f"{layout.name} ({layout.marks})" for layout in LAYOUTS)


def _contents(folder: Path) -> str:
    """What lies in a folder without the names, which may be patients'."""
    marks = ("images", "masks", "frames", "labelsTr")
    named = [mark for mark in marks if (folder / mark).exists()]
    counts = Counter(
        "folders" if path.is_dir() else "files"
        for path in folder.iterdir()
        if path.name not in marks
    )
    parts = [*named, *(f"{counts[kind]} {kind}" for kind in ("folders", "files") if counts[kind])]
    return ", ".join(parts) if parts else "nothing"
