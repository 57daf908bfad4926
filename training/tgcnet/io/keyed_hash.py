"""Keyed hashes: whoever has the key can tell that two things are the same.

HMAC-SHA256 with a secret key. Without the key a hash says nothing of what it was made of, and no
guess at it can be tested: a patient's identifier is too short for a plain hash to hide it.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

_NUM_DIGITS = 32


def keyed_hash(key: bytes, content: bytes) -> str:
    """64 hexadecimal digits."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyedHasher:
    """Short hashes under one key; another key makes other hashes of the same things."""

    key: bytes = field(repr=False)

    def hash(self, purpose: str, content: bytes) -> str:
        """32 hexadecimal digits; the same content has another hash for another purpose."""
        return keyed_hash(self.key, purpose.encode() + b"\0" + content)[:_NUM_DIGITS]
