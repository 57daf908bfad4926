"""A report's keyed hash: the same for two masks of one report, and no clue to its text."""

import contextlib
import os
import secrets
from pathlib import Path

from tgcnet.errors import OutputError
from tgcnet.io.atomic import not_written
from tgcnet.io.keyed_hash import keyed_hash
from tgcnet.io.report_text import without_surrogates
from tgcnet.io.user_data import user_folder

KEY_VARIABLE = "TGCNET_KEYS"
"""States the folder of the key, where it is not the user's own data folder."""

_FILE = "report.key"
_KEY_BYTES = 32


def report_provenance(text: str) -> dict[str, str]:
    """What a mask's provenance says of the report: its hash, nothing where there was no report.

    HMAC-SHA256 with a random key of this user on this machine. So the same report has the same
    hash here, and nobody without the key can test a guess at its text. Spaces and line ends do not
    count; a lone surrogate counts as the mark that stands for it in a report from a file.

    Raises
    ------
    OutputError
        If the key cannot be kept, or what lies there is none.
    """
    words = " ".join(without_surrogates(text).split())
    if not words:
        return {}
    return {"report_hmac_sha256": keyed_hash(_key(), words.encode())}


def _key() -> bytes:
    file = user_folder("keys", KEY_VARIABLE) / _FILE
    try:
        key = file.read_bytes() if file.exists() else _make(file)
    except OSError as error:
        raise not_written("The key for hashes of reports", error) from None
    if len(key) != _KEY_BYTES:
        raise OutputError(
            f"{_FILE} in the user's data folder holds {len(key)} bytes, expected {_KEY_BYTES}; "
            "remove it, and a new key is made. Hashes of earlier masks will not match any more."
        )
    return key


def _make(file: Path) -> bytes:
    """Make the key, for its owner's eyes only; of two processes that do, the first one's counts."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f".{_FILE}-{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(secrets.token_bytes(_KEY_BYTES))
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)  # unlike a rename, it does not replace another's key
    finally:
        temporary.unlink()
    return file.read_bytes()
