"""The ledger of corrections as a data set: a row for every reviewed slice."""

from collections.abc import Iterator
from pathlib import Path

from tgcnet.corrections import CaseSummary, Ledger
from tgcnet.corrections.case_file import IMAGE_FILE
from tgcnet.corrections.cases import revision_folder
from tgcnet.corrections.ledger_folders import CASES
from tgcnet.corrections.revision import PERSON_FILE, REPORT_FILE, read_revision
from tgcnet.corrections.sealed import read_hashed
from tgcnet.data.layouts.dataset import DataSet, Gap, Part
from tgcnet.data.layouts.volumes import LedgerVolume
from tgcnet.data.rows import Row
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError, LedgerError

NAME = "ledger"


def scan(folder: Path) -> DataSet:
    """The latest revision of every case, from its JSON files and its report alone.

    Classes are matched by name; the first case that has one gives its colour.

    Raises
    ------
    LedgerError
        If the ledger itself cannot be opened.
    InputError
        If no slice was reviewed.
    """
    folder = folder.absolute()
    listing = Ledger.open(folder).cases()
    classes: dict[str, SegmentationClass] = {}
    rows: list[Row] = []
    gaps = [_gap(problem.case_id, problem.sentence) for problem in listing.problems]
    for case in listing.cases:
        if not case.reviewed_slices:
            continue
        try:
            rows += _rows(folder, case, classes, first=len(rows) + 1)
        except LedgerError as error:
            gaps.append(_gap(case.case_id, str(error)))
    if not rows and not gaps:
        raise InputError(
            f"The ledger {folder.name} holds no reviewed slice, expected at least one; mark the "
            "slices you reviewed and save the correction again"
        )
    return DataSet(
        name=folder.name,
        layout=NAME,
        classes=tuple(classes.values()),
        rows=tuple(rows),
        gaps=tuple(gaps),
    )


def _gap(case_id: str, sentence: str) -> Gap:
    return Gap(lacks=Part.IMAGE, is_named=True, place=f"case {case_id}", sentence=sentence)


def _rows(
    folder: Path, case: CaseSummary, classes: dict[str, SegmentationClass], *, first: int
) -> Iterator[Row]:
    case_folder = folder / CASES / case.case_id
    place = revision_folder(case_folder, case.num_revisions)
    where = f"revision {case.num_revisions} of case {case.case_id}"
    revision = read_revision(place, where)
    report = read_hashed(place / REPORT_FILE, revision.files[REPORT_FILE], where).decode()
    for entry in revision.record.classes:
        classes.setdefault(entry.name, entry)
    names = list(classes)
    volume = LedgerVolume(
        ledger=folder,
        case_id=case.case_id,
        revision=case.num_revisions,
        of_label=(0, *(names.index(entry.name) + 1 for entry in revision.record.classes)),
    )
    for number, z in enumerate(case.reviewed_slices, start=first):
        yield Row(
            number=number,
            image=case_folder / IMAGE_FILE,
            mask=place / PERSON_FILE,
            report=report,
            subject=case.patient_key,
            held_out=str(case.is_held_out).lower(),
            modality=revision.modality,
            volume=volume,
            z=z,
            place=f"slice {z} of case {case.case_id}",
        )
