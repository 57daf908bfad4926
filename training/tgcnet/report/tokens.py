"""A text into words and marks, each with the characters it stands for.

Abbreviations and contractions become the words they are short for, all with the abbreviation's
characters ("RLL": right, lower, lobe). Hyphens within words part them and are dropped.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

BOX_NO, BOX_YES = "[ ]", "[x]"
_TOKEN = re.compile(
    r"""
    (?P<no> \[\s*\] | \(\s*[-\u2212\u2013]+\s*\) | \u2610 )
    | (?P<yes> \[\s*[xX\u2713\u2714+]\s*\] | \(\s*\++\s*\) | [\u2611\u2612\u2713\u2714] )
    | (?P<slash> (?<![\w/]) [A-Za-z]/[A-Za-z] (?![\w/]) )
    | (?P<dotted> (?<!\w) (?: [A-Za-z]\. ){2,} (?: [A-Za-z](?!\w) )? )
    | (?P<number> \d+(?:[.,]\d+)? )
    | (?P<word> [^\W\d_]+ (?: ['\u2019] [^\W\d_]+ )? )
    | (?P<mark> [^\w\s"'\u2018\u2019\u201c\u201d#*] )
    """,
    re.VERBOSE,
)
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2212"
_NEGATED = re.compile(r"(?P<verb>[a-z]+)n['\u2019]t")
_VERBS = {"ca": "can", "wo": "will", "sha": "shall"}
_SIDES = {"l": "left", "r": "right"}
_THERAPY = re.compile(r"(?:post|after)[\s-]+rt$", re.IGNORECASE)
_MASKED = re.compile(r"x{2,}")


class Token(NamedTuple):
    """One word in lower case, and the characters ``start`` up to ``end`` it stands for."""

    word: str
    start: int
    end: int


def tokenize(
    text: str, abbreviations: Mapping[str, tuple[str, ...]], offset: int = 0
) -> list[Token]:
    """The words and marks of a text in order; positions count from ``offset``."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        start, end = match.start() + offset, match.end() + offset
        kind, word = match.lastgroup, match[0].lower()
        if kind == "mark":
            if word in _HYPHENS:
                if _joins(text, match.start(), match.end()):
                    continue
                word = "-"
            tokens.append(Token(word, start, end))
        elif kind in ("no", "yes"):
            tokens.append(Token(BOX_NO if kind == "no" else BOX_YES, start, end))
        else:
            words = _words(word, kind or "", text, match.end(), abbreviations)
            tokens.extend(Token(part, start, end) for part in words)
    return _with_sides(tokens)


def _joins(text: str, start: int, end: int) -> bool:
    """Whether a hyphen stands within a word; "x-ray" is one with it, "left - none" is not."""
    return (
        start > 0
        and end < len(text)
        and (text[start - 1].isalnum() or text[end].isalnum())
        and not (text[start - 1].isspace() and text[end].isspace())
        and not text[start - 1].isspace()
    )


def _words(
    word: str, kind: str, text: str, end: int, abbreviations: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    if kind == "dotted":
        word = word.replace(".", "")
    if kind == "word":
        if contraction := _NEGATED.fullmatch(word):
            verb = contraction["verb"]
            yield _VERBS.get(verb, verb)
            yield "not"
            return
        word = word.removesuffix("'s").removesuffix("\u2019s")
        if word == "rt" and _THERAPY.search(text, max(end - 12, 0), end):
            yield "radiotherapy"
            return
        if _MASKED.fullmatch(word):
            word = "x"
    yield from abbreviations.get(word, (word,))


def _with_sides(tokens: list[Token]) -> list[Token]:
    """A lone L or R as a side where what stands beside it shows that it is one."""
    for index, token in enumerate(tokens):
        if token.word not in _SIDES:
            continue
        before = tokens[index - 1].word if index else ""
        after = tokens[index + 1].word if index + 1 < len(tokens) else ""
        if after == "." and index + 2 < len(tokens):
            after = tokens[index + 2].word
        is_last = before in (",", "(", "-") and after in ("", ".", ",", ";", ")")
        if after in _AFTER_A_SIDE or before in ("<", ">", "=") or after in ("<", ">", "="):
            is_last = True
        if is_last:
            tokens[index] = token._replace(word=_SIDES[token.word])
    return [
        token
        for index, token in enumerate(tokens)
        if token.word != "." or index + 1 == len(tokens) or not _is_side(tokens[index - 1], index)
    ]


def _is_side(token: Token, index: int) -> bool:
    """Whether the full stop behind a word only marks it as an abbreviation of a side."""
    return index > 0 and token.word in ("left", "right") and token.end - token.start < 3


_AFTER_A_SIDE = frozenset(
    [
        "opacity",
        "opacities",
        "consolidation",
        "consolidations",
        "infiltrate",
        "infiltrates",
        "pneumonia",
        "pneumothorax",
        "effusion",
        "effusions",
        "lung",
        "lobe",
        "zone",
        "field",
        "base",
        "bases",
        "basal",
        "basilar",
        "apex",
        "apical",
        "hilum",
        "hilar",
        "side",
        "sided",
        "hemithorax",
        "hemidiaphragm",
        "pleura",
        "pleural",
        "costophrenic",
        "rib",
        "ribs",
        "upper",
        "middle",
        "lower",
        "perihilar",
        "chest",
        "atelectasis",
        "nodule",
        "mass",
    ]
)
