"""Which process attempted which study and how that ended: appended to, never rewritten.

Every process writes a file of its own, since appending to one from several machines would mix
their lines. An attempt that began and never ended is one whose process died.
"""

import json
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.io.atomic import not_written


class End(StrEnum):
    """How an attempt ended."""

    PUBLISHED = "published"
    LATE = "late"
    """Another attempt had published the study by then; the result of this one was discarded."""
    BROKEN_OFF = "broken off"
    GIVEN_UP = "given up"
    """Written by the process that runs the cohort, for attempts whose process died."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A line: an attempt that began, where ``end`` is None, or that ended."""

    study: str
    attempt: str
    end: End | None
    pid: int


class Attempt:
    """An attempt under way; ``end`` is noted when it ends."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.end = End.BROKEN_OFF


class Journal:
    """The notes of this process in a cohort's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / f"{os.getpid()}-{secrets.token_hex(6)}.jsonl"

    @contextmanager
    def attempt(self, study: str) -> Iterator[Attempt]:
        """Note that an attempt begins and, unless this process dies in it, how it ended.

        Raises
        ------
        OutputError
            If it cannot be noted.
        """
        attempt = Attempt()
        self._note(study, attempt.token, None)
        try:
            yield attempt
        finally:
            self._note(study, attempt.token, attempt.end)

    def give_up(self, study: str) -> None:
        """End a study's attempts whose process died, so that a later run counts from zero.

        Raises
        ------
        OutputError
            If it cannot be noted.
        """
        for token in open_attempts(read_journal(self._folder), study):
            self._note(study, token, End.GIVEN_UP)

    def _note(self, study: str, attempt: str, end: End | None) -> None:
        entry = {
            "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "study": study,
            "attempt": attempt,
            "end": end,
            "pid": os.getpid(),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(descriptor, f"{json.dumps(entry)}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise not_written("The cohort's journal", error) from None


def read_journal(folder: Path) -> list[Entry]:
    """Every whole line of every process; one that a dying process left in half is left out.

    Raises
    ------
    InputError
        If the journal cannot be read.
    """
    entries: list[Entry] = []
    try:
        for file in sorted(folder.glob("*.jsonl")):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                entry = _entry_of(line)
                if entry is not None:
                    entries.append(entry)
    except OSError as error:
        raise InputError(
            f"The cohort's journal cannot be read ({error.strerror or 'refused'}); check the "
            "permissions and the disk."
        ) from None
    return entries


def open_attempts(entries: list[Entry], study: str) -> list[str]:
    """Attempts at a study that began and never ended."""
    ended = {entry.attempt for entry in entries if entry.end is not None}
    begun = [entry.attempt for entry in entries if entry.end is None and entry.study == study]
    return [attempt for attempt in begun if attempt not in ended]


def count_deaths(entries: list[Entry]) -> Counter[str]:
    """How many attempts at each study ended with the death of their process."""
    ended = {entry.attempt for entry in entries if entry.end is not None}
    return Counter(e.study for e in entries if e.end is None and e.attempt not in ended)


def _entry_of(line: str) -> Entry | None:
    try:
        values = json.loads(line)
        end = None if values["end"] is None else End(values["end"])
        return Entry(
            study=str(values["study"]), attempt=str(values["attempt"]), end=end, pid=values["pid"]
        )
    except (ValueError, KeyError, TypeError):
        return None
