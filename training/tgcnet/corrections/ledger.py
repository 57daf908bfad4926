"""The ledger: a folder that keeps every correction, whatever happens while one is saved.

No lock is taken. What is new is built whole in ``unfinished/`` and renamed to a name that nothing
bears yet; what is in its place is never changed, only moved whole. Each case is a folder that can
be read without this program.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from tgcnet.corrections.case_file import read_case, write_case
from tgcnet.corrections.cases import (
    CaseSummary,
    Listing,
    Problem,
    check_case,
    load_case,
    problem_of,
    revision_folder,
    revision_numbers,
    summarise,
)
from tgcnet.corrections.correction import Correction, check_correction
from tgcnet.corrections.ledger_folders import BIN, CASES, DAMAGED, SPLIT, Places
from tgcnet.corrections.patients import HeldOutList, LedgerKeys
from tgcnet.corrections.revision import now_utc, write_revision
from tgcnet.corrections.sealed import read_bytes, seal, unseal
from tgcnet.domain import Case, Volume
from tgcnet.errors import InputError, LedgerDamageError, LedgerError, OutputError
from tgcnet.io.atomic import flush_folder, not_written
from tgcnet.io.publish import publish_folder, sweep_leftovers, write_once
from tgcnet.io.user_data import user_folder

LEDGER_FILE = "ledger.json"
LEDGER_VARIABLE = "TGCNET_CORRECTIONS"

_SALT_BYTES = 32
_CASE_ID_BYTES = 8
_CALLED = "The correction"


def user_ledger_folder() -> Path:
    """Where a user's corrections lie: ``TGCNET_CORRECTIONS``, else the platform's data folder."""
    return user_folder("corrections", LEDGER_VARIABLE)


def may_become_ledger(folder: Path) -> bool:
    """Whether the first save makes a ledger here: nothing is there, or nothing but hidden files."""
    try:
        return all(path.name.startswith(".") for path in folder.iterdir())
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a file, or forbidden: opening the ledger says which


def check_ledger_folder(folder: Path) -> None:
    """Refuse a folder that neither is a ledger nor can become one.

    Raises
    ------
    LedgerError
        If it holds something else, or cannot be read.
    """
    if not may_become_ledger(folder):
        Ledger.open(folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """Where a correction went."""

    case_id: str
    revision: int


class Ledger:
    """One ledger; made by :meth:`create` or :meth:`open`. Any number may be open on one folder."""

    def __init__(self, folder: Path, keys: LedgerKeys) -> None:
        self.folder = folder
        self._keys = keys
        self._places = Places(folder)
        self._held_out = HeldOutList(folder / SPLIT, keys, self._places.unfinished)

    @classmethod
    def create(cls, folder: Path) -> "Ledger":
        """Open a ledger, made here if there is none yet.

        Raises
        ------
        OutputError
            If it cannot be made, or the folder holds something else.
        LedgerError
            If there is one, and it cannot be opened.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        except OSError as error:
            raise not_written(f"The ledger {folder.name}", error) from None
        if names and LEDGER_FILE not in names:
            raise OutputError(
                f"{folder.name} holds something else already, expected an empty folder or a "
                "ledger; choose another folder."
            )
        if not names:
            content = seal({"created_utc": now_utc(), "salt": secrets.token_hex(_SALT_BYTES)})
            write_once(folder / LEDGER_FILE, content, called=f"The ledger {folder.name}")
            flush_folder(folder.parent)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "Ledger":
        """Open a ledger and remove what unfinished saves left in it.

        Raises
        ------
        LedgerError
            If there is none, or its own file is damaged or cannot be read.
        """
        where = f"{LEDGER_FILE} of {folder.name}"
        try:
            content = read_bytes(folder / LEDGER_FILE, where)
        except LedgerDamageError:
            raise LedgerError(
                f"{folder.name} is no ledger of corrections, expected a folder with {LEDGER_FILE}; "
                "choose the folder that corrections were saved to."
            ) from None
        try:
            salt = unseal(content, where)["salt"]
        except LedgerDamageError:
            raise LedgerDamageError(
                f"{where} is damaged, expected what was written there: without it no patient is "
                "recognised. Restore this one file from a backup; the cases are as they were."
            ) from None
        ledger = cls(folder, LedgerKeys(salt=bytes.fromhex(salt)))
        for leftovers in (folder, ledger._places.unfinished):
            sweep_leftovers(leftovers)
        return ledger

    @property
    def fingerprint(self) -> str:
        """The same wherever the ledger lies, another one for every ledger; names no patient."""
        return hashlib.sha256(b"fingerprint" + self._keys.salt).hexdigest()[:16]

    def save(
        self,
        correction: Correction,
        case_id: str | None = None,
        *,
        as_new: bool = False,
        patient_key: str | None = None,
    ) -> Saved:
        """Keep a correction; on return it is on the disk.

        Parameters
        ----------
        case_id : the case it is a revision of; None looks for a case of the same image, and makes
            one where there is none
        as_new : make a case although there is one of the same image
        patient_key : of a new case whose patient this ledger knows, as another case of theirs has
            it; None goes by the volume

        Raises
        ------
        InputError
            If the correction contradicts itself or the case's image.
        LedgerError
            If the case is not there, damaged, or cannot be read.
        OutputError
            If it cannot be written; the ledger is as it was.
        """
        check_correction(correction)
        if case_id is not None:
            self._check_same_image(case_id, correction.volume)
        elif not as_new:
            case_id = self.find(correction.volume)
        if case_id is not None:
            return self._add_revision(case_id, correction)
        return self._add_case(correction, patient_key or self._keys.of_patient(correction.volume))

    def has(self, case_id: str) -> bool:
        """Whether a case is there to be read and added to."""
        return case_id in self._places.case_ids(CASES)

    def has_deleted(self, case_id: str) -> bool:
        """Whether a case lies in the bin."""
        return case_id in self._places.case_ids(BIN)

    def find(self, volume: Volume) -> str | None:
        """The first case of an image, so that all processes find the same; None without one."""
        image_key = self._keys.of_image(volume)
        matches = [
            (case.created_utc, case_id)
            for case_id, case in self._places.readable(CASES)
            if case.image_key == image_key
        ]
        return min(matches)[1] if matches else None

    def cases(self) -> Listing:
        """Every case, from its JSON files alone."""
        return self._list(CASES)

    def deleted(self) -> Listing:
        """Every case in the bin, likewise."""
        return self._list(BIN)

    def load(self, case_id: str, revision: int | None = None) -> Case:
        """Read a case, every byte of it checked.

        Parameters
        ----------
        revision : counted from 1; None is the latest

        Raises
        ------
        LedgerDamageError
            If a file is not what was written.
        LedgerError
            If case or revision is not there, or a file cannot be read.
        """
        try:
            return load_case(self._places.case_folder(case_id), revision)
        except LedgerDamageError:
            # A case that another process moved while it was read is merely not there.
            self._places.case_folder(case_id)
            raise

    def load_reviewed(self, on_problem: Callable[[Problem], object]) -> Iterator[Case]:
        """The latest revision of every case that has a reviewed slice, by the time of first save.

        Parameters
        ----------
        on_problem : receives what is left out; a damaged case has been set aside by then
        """
        listing = self.cases()
        for problem in listing.problems:
            self._handle(problem, on_problem)
        for summary in listing.cases:
            if not summary.reviewed_slices:
                continue
            try:
                case = self.load(summary.case_id)
            except LedgerError as error:
                self._handle(problem_of(summary.case_id, error), on_problem)
                continue
            yield case

    def check(self) -> Listing:
        """Read every file of every case; damaged cases are set aside, and named as problems."""
        whole: list[CaseSummary] = []
        problems: list[Problem] = []
        for case_id in self._places.case_ids(CASES):
            folder = self.folder / CASES / case_id
            try:
                check_case(folder)
                whole.append(summarise(folder))
            except LedgerError as error:
                self._handle(problem_of(case_id, error), problems.append)
        return Listing(cases=_by_time(whole), problems=tuple(problems))

    def set_aside(self, case_id: str) -> None:
        """Move a damaged case to ``damaged/``, with all its revisions; nothing is deleted.

        Raises
        ------
        LedgerError
            If the case is not there, or one of that id was set aside before.
        OutputError
            If it cannot be moved.
        """
        self._places.move(case_id, CASES, DAMAGED)

    def delete(self, case_id: str) -> None:
        """Move a case to the bin; errors as those of :meth:`set_aside`."""
        self._places.move(case_id, CASES, BIN)

    def restore(self, case_id: str) -> None:
        """Move a case back from the bin; errors as those of :meth:`set_aside`."""
        self._places.move(case_id, BIN, CASES)

    def _add_case(self, correction: Correction, patient_key: str) -> Saved:
        image_key = self._keys.of_image(correction.volume)
        is_held_out = self._is_held_out(patient_key)

        def fill(folder: Path) -> None:
            write_case(
                folder,
                correction.volume,
                created_utc=now_utc(),
                image_key=image_key,
                patient_key=patient_key,
                is_held_out=is_held_out,
            )
            first = revision_folder(folder, 1)
            first.mkdir(parents=True)
            write_revision(first, correction)

        cases = self._places.made(CASES)
        targets = (cases / secrets.token_hex(_CASE_ID_BYTES) for _ in count())
        taken = publish_folder(targets, fill, staging=self._places.unfinished, called=_CALLED)
        return Saved(case_id=taken.name, revision=1)

    def _add_revision(self, case_id: str, correction: Correction) -> Saved:
        folder = self._places.case_folder(case_id)
        first_free = revision_numbers(folder)[-1] + 1
        try:
            taken = publish_folder(
                # Where another process takes a number first, this one takes the next.
                (revision_folder(folder, number) for number in count(first_free)),
                lambda made: write_revision(made, correction),
                staging=self._places.unfinished,
                called=_CALLED,
            )
        except OutputError:
            self._places.case_folder(case_id)  # says so if the case was moved meanwhile
            raise
        return Saved(case_id=case_id, revision=int(taken.name))

    def _check_same_image(self, case_id: str, volume: Volume) -> None:
        case = read_case(self._places.case_folder(case_id))
        if case.image_key == self._keys.of_image(volume):
            return
        given, expected = (
            " x ".join(str(side) for side in shape)
            for shape in (volume.array.shape, case.shape_zyx)
        )
        raise InputError(
            f"The image ({given} voxels) is not the one of case {case_id} ({expected} voxels): its "
            "values or its place in the patient differ, expected the same. Save it as a case of "
            "its own."
        )

    def _is_held_out(self, patient_key: str) -> bool:
        """As the patient's cases say, wherever they lie now; else by the list."""
        for place in (CASES, BIN, DAMAGED):
            for _, case in self._places.readable(place):
                if case.patient_key == patient_key:
                    return case.is_held_out
        self._places.made(SPLIT)
        return self._held_out.assign(patient_key)

    def _list(self, place: str) -> Listing:
        summaries: list[CaseSummary] = []
        problems: list[Problem] = []
        for case_id in self._places.case_ids(place):
            try:
                summaries.append(summarise(self.folder / place / case_id))
            except LedgerError as error:
                if self._places.has_case(case_id, place):
                    problems.append(problem_of(case_id, error))
        return Listing(cases=_by_time(summaries), problems=tuple(problems))

    def _handle(self, problem: Problem, on_problem: Callable[[Problem], object]) -> None:
        """Set a damaged case aside and name it; one that another process moved is neither."""
        if problem.is_damage:
            try:
                self.set_aside(problem.case_id)
            except (LedgerError, OutputError) as error:
                if not self._places.has_case(problem.case_id):
                    return
                problem = replace(problem, sentence=f"{problem.sentence} {error}")
        on_problem(problem)


def _by_time(summaries: list[CaseSummary]) -> tuple[CaseSummary, ...]:
    return tuple(sorted(summaries, key=lambda summary: (summary.created_utc, summary.case_id)))
