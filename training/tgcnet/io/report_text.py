"""Bytes of a report to text, in the encodings hospital systems write."""

import codecs
import re

from tgcnet.errors import InputError

MAX_BYTES = 1_000_000
"""A report is a few thousand characters; a megabyte is some other file."""

SURROGATES_REPLACED = (
    "The report holds halves of characters that are none; each is replaced by a mark that says so."
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\x0b")


def decode_report(content: bytes, name: str) -> str:
    r"""Decode a report's bytes.

    UTF-8 is tried first (with or without a byte order mark), UTF-16 where its mark says so, then
    Windows-1252. Line ends become ``\n``. No bytes are an empty report, which is allowed.

    Parameters
    ----------
    content : at most ``MAX_BYTES``; the reader of a stream stops one byte after them
    name : what a refusal calls it

    Raises
    ------
    InputError
        If it is too large, or is no plain text.
    """
    if len(content) > MAX_BYTES:
        raise InputError(
            f"The report {name} is larger than {MAX_BYTES:,} bytes, expected one report as "
            "plain text; give the file of this study only."
        )
    text = _decode(content, name)
    if text.lstrip().startswith("{\\rtf"):
        raise InputError(
            f"The report {name} is rich text (RTF), expected plain text; save it as .txt, or copy "
            "it from its program and paste it."
        )
    if any(ord(c) < 32 and c not in _ALLOWED_CONTROLS for c in text):
        raise _no_text(name)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_surrogates(text: str) -> str:
    r"""The text with a replacement mark (U+FFFD) for each lone surrogate.

    Half a character, as ``"\ud800"`` of JSON or an undecodable byte of a command line: it can be
    neither encoded nor shown. The length stays.
    """
    return _SURROGATES.sub("\ufffd", text)


def _decode(content: bytes, name: str) -> str:
    has_utf16_mark = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if has_utf16_mark else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _no_text(name)


def _no_text(name: str) -> InputError:
    return InputError(
        f"The report {name} is no plain text, expected a .txt file; save the report as plain text "
        "(UTF-8) or paste it."
    )
