"""The folders of a ledger, and how whole cases move between them."""

import re
from collections.abc import Iterator
from pathlib import Path

from tgcnet.corrections.case_file import CaseFile, read_case
from tgcnet.errors import LedgerError
from tgcnet.io.atomic import flush_folder, not_written
from tgcnet.io.publish import rename_if_free

CASES, BIN, DAMAGED = "cases", "bin", "damaged"
SPLIT, UNFINISHED = "split", "unfinished"

_CASE_ID = re.compile(r"[0-9a-f]{16}")


class Places:
    """The folders of one ledger."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # Written once, so what was read stays true: (place, case id) -> case.json.
        self._known: dict[tuple[str, str], CaseFile] = {}

    @property
    def unfinished(self) -> Path:
        """Where saves are built before they are renamed to their place."""
        return self.root / UNFINISHED

    def made(self, place: str) -> Path:
        """One of the folders, made when it is first needed.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        folder = self.root / place
        if not folder.is_dir():
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                raise not_written(f"{place}/ of the ledger", error) from None
            flush_folder(self.root)
        return folder

    def case_ids(self, place: str) -> list[str]:
        """The cases in a folder; LedgerError if it cannot be read."""
        names = names_in(self.root / place, f"{place}/ of the ledger")
        return sorted(name for name in names if _CASE_ID.fullmatch(name))

    def case_folder(self, case_id: str, place: str = CASES) -> Path:
        """Where a case lies.

        Raises
        ------
        LedgerError
            If it does not lie there.
        """
        # The pattern first: an id may come from a command line, and never leads elsewhere.
        if not _CASE_ID.fullmatch(case_id) or not self.has_case(case_id, place):
            raise LedgerError(
                f"There is no case {case_id!r} in {place}/ of this ledger, expected one that "
                "`tgcnet corrections list` names; choose one of those."
            )
        return self.root / place / case_id

    def has_case(self, case_id: str, place: str = CASES) -> bool:
        """Whether a case lies there now: another process may have moved it a moment ago."""
        return (self.root / place / case_id).is_dir()

    def move(self, case_id: str, source: str, target: str) -> None:
        """Move a case whole, with all its revisions.

        Raises
        ------
        LedgerError
            If it is not in ``source``, or ``target`` has a case of that id.
        OutputError
            If it cannot be moved.
        """
        folder = self.case_folder(case_id, source)
        try:
            is_moved = rename_if_free(folder, self.made(target) / case_id)
        except OSError as error:
            raise not_written(f"Case {case_id}", error) from None
        if not is_moved:
            raise LedgerError(
                f"Case {case_id} cannot be moved to {target}/: a case of that id is there already, "
                "expected none. Move that one elsewhere first."
            )

    def readable(self, place: str) -> Iterator[tuple[str, CaseFile]]:
        """Case id and case.json of all that can be read; a listing names the others."""
        for case_id in self.case_ids(place):
            if (place, case_id) not in self._known:
                try:
                    self._known[place, case_id] = read_case(self.root / place / case_id)
                except LedgerError:
                    continue
            yield case_id, self._known[place, case_id]


def names_in(folder: Path, called: str) -> list[str]:
    """What lies in a folder; nothing where there is no such folder yet.

    Raises
    ------
    LedgerError
        If it cannot be read, which says nothing about damage.
    """
    try:
        return [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    # "from None": the system's own message holds the whole path, which may name a patient.
    except OSError as error:
        raise LedgerError(
            f"{called} cannot be read ({error.strerror or 'refused'}), expected a folder that may "
            "be read; check the permissions and the disk."
        ) from None
