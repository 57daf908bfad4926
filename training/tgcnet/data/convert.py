"""Any layout to the three-column folder, whole or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tgcnet.data.check.pixels import PixelFacts, read_facts
from tgcnet.data.check.sides import Convention, shares_on_named_side, side_count
from tgcnet.data.classes import make_classes
from tgcnet.data.layouts import DataSet, read_dataset
from tgcnet.data.layouts.dataset import splits_of
from tgcnet.data.layouts.ledger import NAME as LEDGER
from tgcnet.data.layouts.three_columns import NAME as THREE_COLUMNS
from tgcnet.data.rows import Row
from tgcnet.data.splits import Division, divide
from tgcnet.data.write_three_columns import IMAGE_SIDE_COLUMN, write_three_columns
from tgcnet.errors import InputError, OutputError
from tgcnet.io.publish import publish_folder, sweep_leftovers
from tgcnet.report import swap_sides


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertOptions:
    """What a conversion does beside copying.

    Attributes
    ----------
    only : the one split that is taken; None takes all
    is_patient_side : captions name the side of the image, and get the patient's
    division : the split of each row, by subject
    masks : the folder beside ``masks/`` whose masks are taken instead, of three columns only
    class_names : of the masks' values from 1 on; empty keeps the classes there are
    with_reports : of a ledger, the reports, and the patients' keys in place of running numbers
    """

    only: str | None = None
    is_patient_side: bool = False
    division: Division | None = None
    masks: str | None = None
    class_names: tuple[str, ...] = ()
    with_reports: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What was written, and sentences about what was assumed or left out."""

    num_rows: int
    splits: dict[str, int]
    notices: tuple[str, ...]


def convert_folder(
    folder: Path,
    out: Path,
    options: ConvertOptions,
    *,
    on_progress: Callable[[float], object] | None = None,
) -> Converted:
    """Write ``images/``, ``masks/``, ``captions.csv`` and, of several classes, ``classes.json``.

    Pictures are copied byte for byte. A slice of a volume becomes an 8-bit PNG where it holds
    8 bits, else a NIfTI file of one slice with its values and its place; its mask a PNG.

    Parameters
    ----------
    folder : a data set in any layout, see ``tgcnet.data.layouts``
    out : a folder that is not there yet
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError
        If the data set is not whole, a row cannot be read, or an option cannot be applied.
    MissingExtraError, LedgerError
        As of ``read_dataset``.
    OutputError
        If ``out`` is there or cannot be written; nothing is left behind.
    """
    if out.exists():
        raise _is_there(out)
    dataset = _with_classes(read_dataset(folder, options.only), folder.absolute(), options)
    _check_undivided(dataset, options)
    facts = _facts(dataset, on_progress)
    notices = list(dataset.notices)
    rows = _rows_to_write(dataset, facts, options, notices)

    def fill(made: Path) -> None:
        write_three_columns(rows, dataset.classes, made, on_progress)

    sweep_leftovers(out.absolute().parent)
    try:
        publish_folder([out], fill, staging=out.absolute().parent, called=out.name)
    except FileExistsError:
        raise _is_there(out) from None
    counts = {name: sum(row.split == name for row in rows) for name in splits_of(rows)}
    return Converted(num_rows=len(rows), splits=counts, notices=tuple(notices))


def _is_there(out: Path) -> OutputError:
    return OutputError(f"{out.name} is there already; name a folder that does not exist yet")


def _check_undivided(dataset: DataSet, options: ConvertOptions) -> None:
    if options.division is not None and options.only is None and dataset.splits:
        raise InputError(
            f"{dataset.name} is divided already, into {', '.join(dataset.splits)}, which --split "
            "would undo; leave it out, or divide one of them with --only"
        )


def _rows_to_write(
    dataset: DataSet, facts: Sequence[PixelFacts], options: ConvertOptions, notices: list[str]
) -> Sequence[Row]:
    """The rows to write; what was assumed or left out is added to the notices."""
    rows: Sequence[Row] = dataset.rows
    if dataset.layout == LEDGER and not options.with_reports:
        rows = _without_texts(rows)
        notices.append("Reports and patients' keys stay in the ledger; --with-reports takes them.")
    if options.division is not None:
        rows = _divided(rows, facts, options.division)
    if options.is_patient_side:
        rows = _patient_side(dataset, rows, facts, notices)
    return rows


def _with_classes(dataset: DataSet, folder: Path, options: ConvertOptions) -> DataSet:
    """With other masks or other classes, where the options ask for them."""
    rows = dataset.rows
    if options.masks is not None:
        own, other = folder / "masks", folder / options.masks
        if dataset.layout != THREE_COLUMNS or not other.is_dir() or other.parent != folder:
            raise InputError(
                f"--masks {options.masks} is no folder beside masks/ of {dataset.name}, expected "
                "one that holds a mask for every row, of a data set of three columns"
            )
        rows = tuple(replace(r, mask=other / r.mask.relative_to(own)) for r in rows)
        absent = [row for row in rows if not row.mask.is_file()]
        if absent:
            raise InputError(
                f"{absent[0].where} has no mask in {options.masks}/, expected one of the same name "
                f"as in masks/; {len(absent)} of {len(rows)} rows have none"
            )
    classes = make_classes(options.class_names) if options.class_names else dataset.classes
    rows = tuple(replace(row, num_classes=len(classes)) for row in rows)
    return replace(dataset, classes=classes, rows=rows)


def _facts(dataset: DataSet, on_progress: Callable[[float], object] | None) -> list[PixelFacts]:
    """Every row decoded once, so that nothing unreadable is passed on."""
    facts = []
    for index, row in enumerate(dataset.rows, start=1):
        fact = read_facts(row)
        if fact.problem is not None:
            raise InputError(
                f"{dataset.name} cannot be converted: {fact.problem[1]} (`tgcnet data check` lists "
                "everything there is to mend)"
            )
        facts.append(fact)
        if on_progress is not None:
            on_progress(index / len(dataset.rows) / 2)
    return facts


def _without_texts(rows: Sequence[Row]) -> list[Row]:
    numbers: dict[str, int] = {}
    return [
        replace(row, report="", subject=str(numbers.setdefault(row.subject, len(numbers) + 1)))
        for row in rows
    ]


def _divided(rows: Sequence[Row], facts: Sequence[PixelFacts], division: Division) -> list[Row]:
    splits = divide(rows, [fact.digest for fact in facts], division)
    return [replace(row, split=split) for row, split in zip(rows, splits, strict=True)]


def _patient_side(
    dataset: DataSet, rows: Sequence[Row], facts: Sequence[PixelFacts], notices: list[str]
) -> list[Row]:
    """Sides swapped, the original words kept in a column of their own."""
    if any(column == IMAGE_SIDE_COLUMN for row in rows for column, _ in row.others):
        raise InputError(
            f"captions.csv of {dataset.name} has a column {IMAGE_SIDE_COLUMN} already, so its "
            "captions were swapped before; leave out --patient-side, or remove the column"
        )
    shares = shares_on_named_side(rows, [fact.lesion for fact in facts])
    sides = side_count(share for _, share in shares)
    if sides.convention in (Convention.PATIENT, Convention.MIXED):
        raise InputError(
            f"{dataset.name}: {sides.in_words().rstrip('.')}, expected captions that name the half "
            "of the image; leave out --patient-side"
        )
    if sides.convention is Convention.TOO_FEW:
        notices.append(f"{sides.in_words()} They were swapped because you said so.")
    return [
        replace(
            row,
            report=swap_sides(row.report),
            others=(*row.others, (IMAGE_SIDE_COLUMN, row.report)),
        )
        for row in rows
    ]
