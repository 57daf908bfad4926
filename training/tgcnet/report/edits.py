"""Text edits for evaluation and augmentation: sides swapped, places removed, findings denied.

They are made for captions and reports in English, keep everything they do not understand, and are
deterministic. They are not paraphrases: grammar stays tolerable, not elegant.
"""

import re

from tgcnet.domain import Presence
from tgcnet.report.rules import read_report
from tgcnet.report.side_words import ANATOMY, LAST, LAST_END, NO_SIDE, PLACE_PATTERN

_SIDE = rf"""
    \b (?: left | right ) (?: ward | wards )? \b
    | \b [LR] (?: UL | ML | LL | UZ | MZ | LZ ) \b
    | \b [LR] \s* [<>=] \s* [LR] \b
    | (?<! post\s ) (?<! after\s ) \b [LR]T \b
    | \b [LR] (?= \.? [\s-]+ (?: {ANATOMY} ) \b )
    | {LAST} [LR] {LAST_END}
"""
_SIDE_OR_NOT = re.compile(rf"(?P<no_side>{NO_SIDE})|(?P<side>{_SIDE})", re.VERBOSE | re.IGNORECASE)
_PARTNER = {"left": "right", "right": "left", "l": "r", "r": "l"}

_PLACE = rf"(?:(?:unilateral(?:ly)?|{PLACE_PATTERN})(?!\w))"
_PART = (
    r"(?:(?:lungs?|lobes?|zones?|fields?|regions?|areas?(?!\s+of\b)|sites?|hemithorax|sides?|"
    r"aspects?|portions?)\b)"
)
_GROUP = rf"{_PLACE}(?:[\s,/-]*(?:\b(?:and|or|to|of)\s+)?(?:the\s+)?\b(?:{_PLACE}|{_PART}))*+"
_EMPHASIS = (
    r"(?:(?:more|most|mainly|mostly|especially|predominantly|particularly)\s+)"
    r"(?:(?:evident|prominent|marked|pronounced)\s+)?"
)
_PREPOSITION = r"(?:in|at|within|of|on|over|involving|along|near|around|from|with)"
_ENDS = (
    r"(?=\s*(?:[.,;:()]|$|(?:and|or|with|but|which|that|is|are|was|were|on|at|in|from|since|as|"
    r"without)\b))"
)
_VERB = r"(?:(?P<singular>is|was|appears|remains)|are|were|appear|remain)"
_LOCATION = re.compile(
    rf"""
    (?P<no_side>{NO_SIDE})
    | (?P<phrase>
        \s* \b (?:{_EMPHASIS})? {_PREPOSITION} \s+ (?:the\s+)? {_GROUP} {_ENDS}
        | \s* \b {_EMPHASIS} {_GROUP} {_ENDS}
        | \s* ,? \s* \b (?:{_GROUP}\s+)? (?:greater|worse|more|larger|less) \s+ than
            \s+ (?:the\s+)? {_GROUP}
        | \s* , \s* {_GROUP} (?= \s* (?: [.,;] | $ ) ) )
    | \b (?P<subject>{_GROUP}) (?= \s+ {_VERB} \b )
    | \b {_GROUP}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LUNG = re.compile(r"\blungs?\b", re.IGNORECASE)
_SPACES = re.compile(r"\s{2,}")
# What a removed place leaves behind, mended in this order.
_MENDS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\(\s*\)", ""),
        (r"\s{2,}", " "),
        (r"\b(?:and|or)\s+(?=(?:and|or)\b)", ""),
        (r"(?:\b(?:and|or)|,)\s*(?=,)", ""),
        (r"(?:\s*,|\s+(?:and|or))+\s*(?=[.;)]|$)", ""),
        (r"(?:^|(?<=[.;(]))\s*(?:,|and\b|or\b)", ""),
        (r"\s+(?=[.,;:)])", ""),
        (r"\b(a)(?= [aeio])", r"\1n"),
        (r"\b(a)n(?= [bcdfgjkmnpqrstvwyz])", r"\1"),
    )
)
_LOWER_START = re.compile(r"(?:^|[.!?]\s+)[a-z]")


def swap_sides(text: str) -> str:
    """Exchange left and right, as a mirrored image needs it.

    Swapped are the words (in lower, upper or title case), "left-sided", "leftward", the
    abbreviations RUL, RML, RLL, RUZ, RMZ, RLZ, Rt and their partners, "R>L", and a lone L or R
    before an anatomical word or last behind a comma. Idioms such as "right away" and "left the
    hospital" stay. Applying it twice gives the text back.

    Parameters
    ----------
    text : a caption or a report

    Returns
    -------
    str
        The same text with the sides exchanged, everything else untouched.

    Notes
    -----
    Anatomy that exists on one side only is not renamed: "lingula" stays, and "right middle lobe"
    becomes "left middle lobe".
    """
    return _SIDE_OR_NOT.sub(_swap, text)


def _swap(match: re.Match[str]) -> str:
    if match["no_side"]:
        return match[0]
    return re.sub(r"left|right|\b[lr]", _partner, match[0], flags=re.IGNORECASE)


def _partner(match: re.Match[str]) -> str:
    word = match[0]
    partner = _PARTNER[word.lower()]
    if word.isupper():
        return partner.upper()
    return partner.capitalize() if word[0].isupper() else partner


def without_location(text: str) -> str:
    """Remove the words that say where: sides, zones and the phrases made of them.

    Parameters
    ----------
    text : a caption or a report

    Returns
    -------
    str
        "Left lower lobe consolidation." becomes "Consolidation.", a caption keeps its findings and
        their number. White space is single afterwards where a place was removed; a text that is
        nothing but a place becomes empty.
    """
    spaced_once = _SPACES.sub(" ", text)
    edited = _LOCATION.sub(_without_place, spaced_once)
    if edited == spaced_once:
        return text
    for pattern, replacement in _MENDS:
        edited = pattern.sub(replacement, edited)
    edited = edited.strip()
    if not any(character.isalnum() for character in edited):
        return ""
    if _LOWER_START.search(text):
        return edited  # written in lower case throughout, as captions are
    return _LOWER_START.sub(lambda match: match[0].upper(), edited)


def _without_place(match: re.Match[str]) -> str:
    if match["no_side"]:
        return match[0]
    if match["phrase"]:
        return ""
    if match["subject"]:
        return "lung" if match["singular"] else "lungs"
    lung = _LUNG.search(match[0])
    return lung[0] if lung else ""


def contradict(text: str) -> str:
    """Deny every finding that a text reports as there or possibly there.

    Parameters
    ----------
    text : a caption or a report

    Returns
    -------
    str
        One sentence a finding, by its name in the knowledge base: "No pulmonary infection." The
        text itself where it reports none, since nothing is left to deny.
    """
    reported = dict.fromkeys(
        finding.name
        for finding in read_report(text).findings
        if finding.presence in (Presence.PRESENT, Presence.UNCERTAIN)
    )
    return " ".join(f"No {name}." for name in reported) or text
