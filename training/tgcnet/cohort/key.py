"""Keyed hashes: they tell a folder that a row is still the same, and nobody else anything."""

import hashlib
import hmac
import json
import os
from dataclasses import asdict, dataclass, field

from tgcnet.cohort.manifest import Study
from tgcnet.io.state import FileState, state_of

_DIGITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """The hashes of one cohort folder."""

    secret: bytes = field(repr=False)

    def fingerprint(self, study: Study) -> str:
        """Changes with the row's cells, the report, whose it is, and the image's size or time.

        The same as :meth:`of_row` where the image is not there or not to be read, so that it
        changes, too, when that is mended.
        """
        try:
            state = state_of(study.image) if os.access(study.image, os.R_OK) else None
        except OSError:  # a file of a series is gone
            state = None
        return self._hash("row", _content(study, state))

    def of_row(self, study: Study) -> str:
        """Changes with all of these but the image, whatever becomes of it."""
        return self._hash("row", _content(study, None))

    def of_report(self, text: str) -> str | None:
        """Of a report's text; None of a blank one."""
        return self._hash("report", text) if text.strip() else None

    def _hash(self, purpose: str, content: str) -> str:
        message = f"{purpose}\0{content}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()[:_DIGITS]


def _content(study: Study, state: tuple[FileState, ...] | None) -> str:
    window = study.slices and (study.slices.start, study.slices.stop)
    content = [study.named, state, study.report, study.modality, window]
    # Only where somebody is named: what was done before this was hashed stays done elsewhere.
    whose = {name: value for name, value in asdict(study.whose).items() if value}
    return json.dumps([*content, whose] if whose else content)
