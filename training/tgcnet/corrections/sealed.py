"""The ledger's files, read back as they were written or reported as damaged.

A JSON file carries a seal, the SHA-256 of its values; the other files' hashes stand in such a file.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tgcnet.errors import LedgerDamageError, LedgerError
from tgcnet.io import RESEARCH_NOTICE

SCHEMA_VERSION = 1

_SEAL = "seal_sha256"
_IS_GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_MEND = "Restore it from a backup; `tgcnet corrections check` sets such a case aside."


def seal(values: Mapping[str, Any]) -> bytes:
    """The text of a JSON file: schema version, values, research notice, and the seal."""
    sealed = {"schema_version": SCHEMA_VERSION, "notice": RESEARCH_NOTICE, **values}
    text = json.dumps(
        {**sealed, _SEAL: _digest_of(sealed)}, indent=2, ensure_ascii=False, allow_nan=False
    )
    return f"{text}\n".encode()


def unseal(content: bytes, where: str) -> dict[str, Any]:
    """What :func:`seal` wrote.

    Parameters
    ----------
    where : names the file in a sentence

    Raises
    ------
    LedgerDamageError
        If it is no JSON, or not what was sealed.
    LedgerError
        If a later version wrote it; this is no damage.
    """
    try:
        values = json.loads(content)
    # Not UTF-8, not JSON, or a number of thousands of digits; and brackets nested too deep.
    except (ValueError, RecursionError):
        raise LedgerDamageError(
            f"{where} is damaged: it is not valid JSON, expected what was written there. {_MEND}"
        ) from None
    stated: dict[str, Any] = values if isinstance(values, dict) else {}
    # The seal comes first: it is the same for all schema versions.
    if stated.pop(_SEAL, None) != _digest_of(stated):
        raise LedgerDamageError(
            f"{where} is damaged: it does not say what was written there (its seal is broken). "
            f"{_MEND}"
        )
    if stated["schema_version"] != SCHEMA_VERSION:
        raise LedgerError(
            f"{where} has schema version {stated['schema_version']!r}, this tgcnet reads "
            f"{SCHEMA_VERSION}. Install the version of napari-tgcnet that wrote it."
        )
    return stated


def read_bytes(path: Path, where: str) -> bytes:
    """A file's bytes, whole.

    Raises
    ------
    LedgerDamageError
        If the file is gone.
    LedgerError
        If it cannot be read for another reason, which says nothing about damage.
    """
    try:
        return path.read_bytes()
    # "from None": the system's own message holds the whole path, which may name a patient.
    except _IS_GONE:
        raise LedgerDamageError(f"{where} is damaged: the file is not there. {_MEND}") from None
    except OSError as error:
        raise LedgerError(
            f"{where} cannot be read ({error.strerror or 'refused'}), expected a file that may be "
            "read; check the permissions and the disk. It is left where it is."
        ) from None


def read_hashed(path: Path, sha256: str, where: str) -> bytes:
    """A file's bytes, which have to have the SHA-256 that was noted.

    Raises
    ------
    LedgerDamageError
        If they have not, or the file is gone.
    LedgerError
        If it cannot be read for another reason.
    """
    content = read_bytes(path, where)
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise LedgerDamageError(
            f"{where} is damaged: it has SHA-256 {actual[:12]}…, {sha256[:12]}… was written. "
            f"{_MEND}"
        )
    return content


def hashes_of(folder: Path) -> dict[str, str]:
    """File name -> SHA-256 of every file directly in a folder."""
    hashes: dict[str, str] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _digest_of(values: Mapping[str, Any]) -> str:
    """Over the values, not the text: line ends and indentation may change on the way."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
