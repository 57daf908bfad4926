"""A case off the disk, every byte compared with what was written."""

from pathlib import Path

from tgcnet.corrections.case_file import check_image, read_case, read_image
from tgcnet.corrections.listing import revision_folder, revision_numbers
from tgcnet.corrections.revision import REPORT_FILE, check_files, masks_of, read_revision
from tgcnet.domain import Case, Volume
from tgcnet.errors import LedgerError


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
