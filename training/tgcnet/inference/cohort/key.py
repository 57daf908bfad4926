"""Keyed hashes: they tell a folder that a row is still the same, and nobody else anything."""

import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.inference.cohort.manifest import Study

_DIGITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """The hashes of one cohort folder."""

    secret: bytes = field(repr=False)

    def fingerprint(self, study: Study) -> str:
        """Changes with the row's cells, the report's text, and the image's size or time.

        Raises
        ------
        InputError
            If the image cannot be asked for its size.
        """
        try:
            state = _state_of(study.image)
        except OSError as error:
            raise InputError(
                f"The image of row {study.row} cannot be looked at "
                f"({error.strerror or 'refused'}); check that it is there and yours to read."
            ) from None
        window = study.slices and (study.slices.start, study.slices.stop)
        content = json.dumps([study.named, state, study.report, study.modality, window])
        return self._hash("row", content)

    def of_report(self, text: str) -> str | None:
        """Of a report's text; None of a blank one."""
        return self._hash("report", text) if text.strip() else None

    def _hash(self, purpose: str, content: str) -> str:
        message = f"{purpose}\0{content}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()[:_DIGITS]


def _state_of(image: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of every file of an image; a change of any is a change of the image."""
    if not image.is_dir():
        found = image.stat()
        return [("", found.st_size, found.st_mtime_ns)]
    files = sorted(Path(parent) / name for parent, _, names in os.walk(image) for name in names)
    states = [(str(file.relative_to(image)), file.stat()) for file in files]
    return [(name, found.st_size, found.st_mtime_ns) for name, found in states]
