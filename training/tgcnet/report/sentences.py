"""A report into sentences, each with its section.

English, rule based. Known limits: a list written in one line without full stops stays one sentence,
and a sentence that ends with an abbreviation runs on into the next where only the capital shows
the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tgcnet.report.language import load_language

_ABBREVIATION = re.compile(
    r"[djs]r|mrs?|ms|prof|st|vs|e\.?g|i\.?e|cf|ca|approx|resp|incl|pts?|[hdtfr]x|rt|lt|post|ant|lat|"
    r"sup|inf|[rl]|vol|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
# These, and those with stops inside (p.m., R.L.L.), may end a sentence; then a capital follows.
_CLOSING_ABBREVIATION = re.compile(r"etc|bilat|al")
# Words as well: only a number after them shows that they are short for one.
_BEFORE_NUMBERS = re.compile(r"nos?|figs?|min|max")
_MAX_ABBREVIATION = 20

_SECTIONS = {" ".join(words): match for words, match in load_language().heads.items()}
_HEAD_WORDS = "|".join(sorted(_SECTIONS, key=len, reverse=True))
# In capitals anywhere, otherwise at the start of a line or a sentence; in capitals and before a
# capital, or alone in its line, without a colon too.
_HEAD = re.compile(
    rf"(?:(?:^|(?<=[.;!?\n])) *(?P<any_case>(?i:{_HEAD_WORDS})) *(?::|-(?= )|(?=\n|$))"
    rf"|\b(?P<capitals>{_HEAD_WORDS.upper()}) *(?::|(?= *\n| +[A-Z0-9][a-z.]| *$)))"
)
# A line goes on in the next one where that starts in lower case, or this one ends with a comma.
_WRAP = re.compile(r"(?:(?<=,)[ \t]*\n|[ \t]*\n(?=[ \t]*[a-z]))[ \t]*")
# A mark after a bracket opens a doubt: "(?pneumonia)".
_STOP = re.compile(r"(?<=[^\s(])[.!?]+[\"')\]]*(?=\s|$|[^\W\d_]|\d{1,2}[.)]\s*[^\W\d])")
_ANSWER = re.compile(
    r"\s*(?:no|none|nil|negative|absent|not seen|yes|positive|present)\s*(?:[.!;]|$)", re.IGNORECASE
)
_BLANK = re.compile(r"[^\S\n]")
_GLUED_ITEM = re.compile(r"\d{1,2}[.)]\s*[^\W\d]")
_MAX_LOOK = 60
_WORD_BREAK = re.compile(r"[\s(,;:/]")
_LIST_MARK = re.compile(r"\s*(?:[-*\u2022\u2013]+|\(?\d{1,2}[.)](?=\s|[^\W\d]))\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """One sentence.

    Attributes
    ----------
    text : single spaces; without section head and list mark, otherwise as written
    section : findings, impression, indication, comparison or technique; "" before any head
    start, end : characters of the report that it stands for, end exclusive
    """

    text: str
    section: str = ""
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a report in order; see :func:`split_report`."""
    return tuple(sentence.text for sentence in split_report(text))


def split_report(text: str) -> tuple[Sentence, ...]:
    """Split a report at full stops, section heads, list marks and line breaks.

    Parameters
    ----------
    text : any text; empty and blank ones have no sentence

    Returns
    -------
    tuple of Sentence
        Decimals, abbreviations and initials do not end a sentence, a full stop without a space
        after it does ("pneumonia.The patient"). A question keeps its answer ("Effusion? No.").
        De-identification marks (XXXX) are words.
    """
    plain = _WRAP.sub(lambda match: " " * len(match[0]), _plain(text))
    return tuple(
        Sentence(text=" ".join(plain[start:end].split()), section=section, start=start, end=end)
        for section, first, last in _sections(plain)
        for line_start, line_end in _lines(plain, first, last)
        for start, end in _sentences(plain, line_start, line_end)
    )


def _plain(text: str) -> str:
    """Line feeds for line breaks, spaces for any other white space; no character moves."""
    return _BLANK.sub(" ", text.replace("\r\n", " \n").replace("\r", "\n"))


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    """Each section's name, and where what follows its head starts and ends."""
    section, start = "", 0
    for match in _HEAD.finditer(text):
        yield section, start, match.start()
        section, start = _SECTIONS[(match["any_case"] or match["capitals"]).lower()], match.end()
    yield section, start, len(text)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each sentence of one line starts and ends."""
    for match in _STOP.finditer(text, start, end):
        if match.start() >= start and _is_end(text, start, match, end):
            yield from _cleaned(text, start, match.end())
            start = match.end()
    yield from _cleaned(text, start, end)


def _is_end(text: str, start: int, stop: re.Match[str], end: int) -> bool:
    """Whether these marks end the sentence that began at ``start``; looks at a few words only."""
    before = text[max(start, stop.start() - _MAX_LOOK) : stop.start()]
    after = text[stop.end() : min(end, stop.end() + _MAX_LOOK)]
    if stop[0].startswith("?") and _ANSWER.match(after):
        return False
    if not stop[0].startswith(".") or stop[0].startswith(".."):
        return True
    word = _WORD_BREAK.split(before[-_MAX_ABBREVIATION:])[-1].lower()
    following = after.lstrip()
    if not before.strip("-*\u2022\u2013( \t").strip("0123456789"):
        return False  # "1." opens a list item
    if after and not after[0].isspace():
        # No space: "pneumonia.The" is two sentences; "e.g.left", "R.L.L" and "image.png" are one.
        if _GLUED_ITEM.match(after) and not before[-1:].isdigit():
            return True
        return (
            after[0].isupper() and len(word.rpartition(".")[2]) > 1 and not _is_short(word, after)
        )
    if not following or _is_short(word, following):
        return not following
    if ("." in word and word[0].isalpha()) or _CLOSING_ABBREVIATION.fullmatch(word):
        return following[0].isupper()
    is_initial = len(word) == 1 and word.isalpha() and before[-1].isupper()
    return not is_initial


def _is_short(word: str, following: str) -> bool:
    if _BEFORE_NUMBERS.fullmatch(word):
        return following.lstrip()[:1].isdigit()
    return _ABBREVIATION.fullmatch(word) is not None


def _cleaned(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sentence without list mark and spare spaces; nothing where nothing is said."""
    if mark := _LIST_MARK.match(text, start, end):
        start = mark.end()
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if any(character.isalnum() for character in text[start:end]):
        yield start, end
