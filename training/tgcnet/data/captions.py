"""Which texts a result was made with: one hash for the captions of a data set."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable

from tgcnet.data.folder import Row


def captions_sha256(rows: Iterable[Row]) -> str:
    """The hash of which image has which text, whatever the order of the rows.

    The canonical form: for every row the JSON array ``["IMAGE","TEXT"]`` without spaces and with
    no character escaped that JSON need not escape; these lines sorted by code point, each with a
    line feed behind it, in UTF-8. IMAGE is :attr:`Row.name` in Unicode's composed form, since
    systems store names differently; TEXT is the report to the last space.

    Returns
    -------
    str
        64 hexadecimal digits of SHA-256.
    """
    lines = sorted(
        json.dumps(
            [unicodedata.normalize("NFC", row.name), row.report],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for row in rows
    )
    digest = hashlib.sha256()
    for line in lines:
        # A lone surrogate, which a table cannot hold but a file's name can, is no UTF-8.
        digest.update(f"{line}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()


def count_distinct(rows: Iterable[Row]) -> int:
    """The number of different texts."""
    return len({row.report for row in rows})
