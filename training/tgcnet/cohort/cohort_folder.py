"""The folder of a cohort: its terms, and one folder for each study, published whole."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tgcnet.cohort.journal import Journal
from tgcnet.cohort.study_record import (
    RECORD_FILE,
    SCHEMA_VERSION,
    Status,
    StudyRecord,
    Terms,
    from_text,
    to_text,
)
from tgcnet.errors import InputError, OutputError
from tgcnet.io import write_text_atomically
from tgcnet.io.atomic import not_written
from tgcnet.io.keyed_hash import KeyedHasher
from tgcnet.io.publish import publish_folder, sweep_leftovers, write_once

TERMS_FILE, TABLE_FILE, KEY_FILE, DEFECTS_FILE = "cohort.json", "cohort.csv", "key", "defects.log"
MASK_NAME = "mask"

_STUDIES, _UNFINISHED, _JOURNAL = "studies", "unfinished", "journal"
_KEY_BYTES = 32


class CohortFolder:
    """Where a cohort's masks and records lie.

    Only the process that holds the folder's lock (``tgcnet.io.process_lock``) may remove a study;
    any process may publish one, of which the first counts.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.studies = self.root / _STUDIES
        self.journal_folder = self.root / _JOURNAL
        self.journal = Journal(self.journal_folder)
        self._unfinished = self.root / _UNFINISHED

    @property
    def is_there(self) -> bool:
        """Whether this process sees a cohort's folder there: on a cluster it might not."""
        return os.path.isfile(self.root / TERMS_FILE)  # Path.is_file raises where it may not look

    def make(self) -> None:
        """Make the folder where it is absent.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise not_written(f"The cohort's folder {self.root.name}", error) from None

    def begin(self, terms: Terms) -> None:
        """Record the folder's terms or check them, and remove what dead processes left.

        Raises
        ------
        InputError
            If it holds masks made under other terms.
        OutputError
            If it cannot be written.
        """
        path = self.root / TERMS_FILE
        if self.is_there:
            self._check_terms(path, terms)
        else:
            values = {"schema_version": SCHEMA_VERSION, **asdict(terms)}
            write_text_atomically(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
        try:
            self.studies.mkdir(exist_ok=True)
            self._unfinished.mkdir(exist_ok=True)
            for removed in self._unfinished.glob("removed-*"):
                shutil.rmtree(removed)
        except OSError as error:
            raise not_written(f"The cohort's folder {self.root.name}", error) from None
        sweep_leftovers(self._unfinished)

    def hasher(self) -> KeyedHasher:
        """The folder's keyed hashes; their key is made when it is first asked for.

        Raises
        ------
        OutputError
            If it cannot be read or written.
        """
        path = self.root / KEY_FILE
        write_once(path, secrets.token_hex(_KEY_BYTES).encode(), called="The cohort's key")
        try:
            path.chmod(0o600)
            return KeyedHasher(key=bytes.fromhex(path.read_text(encoding="ascii")))
        except (OSError, ValueError):
            raise OutputError(
                f"The file {KEY_FILE} in the cohort's folder {self.root.name} is damaged or not "
                "yours to read, expected what was written there; restore it, or remove it and "
                "every study is segmented again."
            ) from None

    def record(self, study_id: str) -> StudyRecord | None:
        """A study's record; None where there is none that can be read."""
        try:
            text = (self.studies / study_id / RECORD_FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return from_text(text)

    def is_whole(self, record: StudyRecord) -> bool:
        """Whether the mask that a record names is there, with the recorded hash."""
        if record.status is not Status.DONE:
            return True
        if record.mask is None or Path(record.mask).name != record.mask:
            return False
        try:
            return _hash_of(self.studies / record.id / record.mask) == record.mask_sha256
        except OSError:
            return False

    def publish(
        self, study_id: str, complete: Callable[[str | None], StudyRecord], *,
        write_mask: Callable[[Path], None] | None = None, ending: str = "",
    ) -> bool:  # fmt: skip
        """Put a study's mask and record in its place, both at once; the first counts.

        Parameters
        ----------
        complete : gives the record, from the mask's SHA-256
        write_mask : writes the mask to the file it is given

        Returns
        -------
        bool
            False where the study was there already; nothing has changed then.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """

        def fill(folder: Path) -> None:
            digest = None
            if write_mask is not None:
                mask = folder / f"{MASK_NAME}{ending}"
                write_mask(mask)
                digest = _hash_of(mask)
            (folder / RECORD_FILE).write_text(to_text(complete(digest)), encoding="utf-8")

        try:
            publish_folder(
                [self.studies / study_id],
                fill,
                staging=self._unfinished,
                called=f"Study {study_id}",
            )
        except FileExistsError:
            return False
        return True

    def remove(self, study_id: str) -> None:
        """Remove a study's mask and record, both at once; nothing where there are none.

        Raises
        ------
        OutputError
            If it cannot be removed.
        """
        study = self.studies / study_id
        away = self._unfinished / f"removed-{secrets.token_hex(6)}"
        try:
            with contextlib.suppress(FileNotFoundError):
                study.rename(away)
                shutil.rmtree(away)
        except OSError as error:
            raise not_written(f"Study {study_id}", error) from None

    def note_defect(self, text: str) -> None:
        """Append to the log of defects of this program.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        try:
            with (self.root / DEFECTS_FILE).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise not_written(DEFECTS_FILE, error) from None

    def _check_terms(self, path: Path, terms: Terms) -> None:
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            version = values.pop("schema_version")
            there = Terms(**values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            version, there = None, None
        if version != SCHEMA_VERSION or there is None:
            raise InputError(
                f"{TERMS_FILE} in the folder {self.root.name} is damaged or of another version, so "
                "nobody knows which model its masks are of; name another folder."
            )
        if there != terms:
            raise InputError(
                f"The folder {self.root.name} holds masks of {_in_words(there)}, and now "
                f"{_in_words(terms)} were asked for; a folder holds masks of one kind. Ask for the "
                "same, or name another folder."
            )


def _in_words(terms: Terms) -> str:
    return (
        f"model {terms.model!r} (SHA-256 {terms.sha256[:12]}…) at threshold {terms.threshold:g} as "
        f"{terms.ending}"
    )


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
