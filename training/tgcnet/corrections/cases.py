"""The cases of a ledger: listed from their JSON files alone, or read whole and checked."""

from dataclasses import dataclass
from pathlib import Path

from tgcnet.corrections.case_file import CaseFile, check_image, read_case, read_image
from tgcnet.corrections.ledger_folders import names_in
from tgcnet.corrections.revision import REPORT_FILE, Revision, check_files, masks_of, read_revision
from tgcnet.domain import Case, Volume
from tgcnet.errors import LedgerDamageError, LedgerError

REVISIONS_FOLDER = "revisions"
REVISION_DIGITS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseSummary:
    """One row.

    Attributes
    ----------
    created_utc, saved_utc : of the first and of the latest save, ISO 8601
    patient_key : salted hash; the same for all cases of a patient
    model : name of the model whose mask was corrected; None where there was none
    classes : names, in order
    reviewed_slices, dice_pooled, dice_mean : of the latest revision
    """

    case_id: str
    created_utc: str
    saved_utc: str
    patient_key: str
    is_held_out: bool
    model: str | None
    classes: tuple[str, ...]
    num_revisions: int
    num_slices: int
    reviewed_slices: tuple[int, ...]
    dice_pooled: float | None
    dice_mean: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A case that cannot be used.

    Attributes
    ----------
    sentence : which file it is, and what to do
    is_damage : its files are not what was written; False where they merely cannot be read now
    """

    case_id: str
    sentence: str
    is_damage: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """Every case of a ledger, by the time of its first save, and every one that has a problem."""

    cases: tuple[CaseSummary, ...]
    problems: tuple[Problem, ...]


def problem_of(case_id: str, error: LedgerError) -> Problem:
    """An error as a row of its own."""
    return Problem(
        case_id=case_id, sentence=str(error), is_damage=isinstance(error, LedgerDamageError)
    )


def revision_numbers(case_folder: Path) -> tuple[int, ...]:
    """The revisions a case has, ascending; unfinished ones lie elsewhere.

    Raises
    ------
    LedgerDamageError
        If there is none.
    LedgerError
        If the folder cannot be read.
    """
    names = names_in(case_folder / REVISIONS_FOLDER, f"The revisions of case {case_folder.name}")
    numbers = sorted(int(name) for name in names if name.isdecimal())
    if not numbers:
        raise LedgerDamageError(
            f"Case {case_folder.name} is damaged: it has no revision, expected at least one. "
            "Restore it from a backup; `tgcnet corrections check` sets such a case aside."
        )
    return tuple(numbers)


def revision_folder(case_folder: Path, number: int) -> Path:
    """Where a revision lies."""
    return case_folder / REVISIONS_FOLDER / f"{number:0{REVISION_DIGITS}d}"


def summarise(case_folder: Path) -> CaseSummary:
    """A case as a row, from its JSON files alone.

    Raises
    ------
    LedgerDamageError
        If one of them is not as it was written.
    LedgerError
        If it cannot be read.
    """
    case, numbers = read_case(case_folder), revision_numbers(case_folder)
    where = f"revision {numbers[-1]} of case {case_folder.name}"
    latest = read_revision(revision_folder(case_folder, numbers[-1]), where)
    return _summary(case_folder.name, case, latest, len(numbers))


def _summary(case_id: str, case: CaseFile, latest: Revision, num_revisions: int) -> CaseSummary:
    return CaseSummary(
        case_id=case_id,
        created_utc=case.created_utc,
        saved_utc=latest.record.saved_utc,
        patient_key=case.patient_key,
        is_held_out=case.is_held_out,
        model=latest.record.provenance.get("model"),
        classes=tuple(c.name for c in latest.record.classes),
        num_revisions=num_revisions,
        num_slices=case.shape_zyx[0],
        reviewed_slices=latest.reviewed_slices,
        dice_pooled=latest.record.dice_pooled,
        dice_mean=latest.record.dice_mean,
    )


def load_case(folder: Path, revision: int | None) -> Case:
    """Read one revision of a case; None is the latest.

    Raises
    ------
    LedgerDamageError
        If a file is not what was written.
    LedgerError
        If there is no such revision, or a file cannot be read.
    """
    case, numbers = read_case(folder), revision_numbers(folder)
    number = numbers[-1] if revision is None else revision
    if number not in numbers:
        raise LedgerError(
            f"Case {folder.name} has no revision {number}, expected one from {numbers[0]} to "
            f"{numbers[-1]}; name one of these."
        )
    where = _where(folder, number)
    stored = read_revision(revision_folder(folder, number), where)
    files = check_files(revision_folder(folder, number), stored, where)
    labels, model_labels = masks_of(files)
    return Case(
        id=folder.name,
        revision=number,
        volume=Volume(
            array=read_image(folder, case),
            geometry=case.geometry,
            modality=stored.modality,
            intensity_unit=stored.intensity_unit,
            is_display_ready=stored.is_display_ready,
        ),
        labels=labels,
        model_labels=model_labels,
        reviewed_slices=stored.reviewed_slices,
        report=files[REPORT_FILE].decode(),
        patient_key=case.patient_key,
        is_held_out=case.is_held_out,
        record=stored.record,
    )


def check_case(folder: Path) -> None:
    """Compare every file of every revision with what was written; errors as :func:`load_case`."""
    check_image(folder, read_case(folder))
    for number in revision_numbers(folder):
        stored = read_revision(revision_folder(folder, number), _where(folder, number))
        check_files(revision_folder(folder, number), stored, _where(folder, number))


def _where(folder: Path, number: int) -> str:
    return f"revision {number} of case {folder.name}"
