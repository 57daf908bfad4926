"""Coded statements as lines of a report, in words that the reader of reports understands.

A Structured Report and a FHIR Observation say a finding's side, site and presence apart from its
name. They are joined to one sentence with it: the reader of ``tgcnet.report`` knows a finding's
place and denial only from its own sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from tgcnet.domain import Presence

_PLAIN_NAMES = {
    *("finding", "findings", "text", "report", "description", "conclusion"),
    *("imaging finding", "assertion"),
}
_PRESENCES = {
    Presence.ABSENT: (
        "absent|absence|known absent|not present|definitely not present|no|none|nil|false|negative|"
        "not seen|not detected|not identified|not found|not visible|ruled out|excluded|resolved",
        "2667000 410516002 410594000 260415000 260385009 373067005 R-00339 LA9634-2 LA32-8 "
        "LA6577-6",
    ),
    Presence.PRESENT: (
        "present|known present|confirmed present|definitely present|yes|true|positive|seen|"
        "detected|identified|confirmed|definite|certain",
        "52101004 410515003 410605003 260373001 10828004 373066001 G-A203 R-0038D LA9633-4 "
        "LA33-6 LA6576-8",
    ),
    Presence.UNCERTAIN: (
        "possible|possibly present|probable|probably present|probably not present|likely|unlikely|"
        "suspected|questionable|equivocal|indeterminate|undetermined|uncertain|unknown|not known|"
        "known possible|not excluded|cannot be excluded",
        "371930009 2931005 410590009 410592001 410593004 415684004 42425007 82334004 373068000 "
        "261665006",
    ),
    Presence.HISTORY: ("in the past|past|history|historical|previous", "410513005"),
}
_SIDES = {
    "left": ("left|l|left side", "7771000 G-A101"),
    "right": ("right|r|right side", "24028007 G-A100"),
    "bilateral": ("bilateral|both|right and left|left and right|b", "51440002 G-A102"),
    "unilateral": ("unilateral|u", "66459002 G-A103"),
}
# The reader knows these as heads of sections: "Comparison: none" says nothing of a finding.
_BACKGROUND = re.compile(
    r"(?:clinical|reason|indication|comparison|history|technique|exam|procedure)", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\s*\n\s*")
_MARKS = " \t.;:?"


class Role(Enum):
    """What a statement about a finding speaks of."""

    SIDE = auto()
    SITE = auto()
    PRESENCE = auto()


_ROLES = (
    (Role.SIDE, r".*\b(?:laterality|side)", {"272741003", "G-C171"}),
    (
        Role.SITE,
        r".*\b(?:site|location|anatomic\w*|topograph\w*|body structure)\b.*",
        {"363698007", "G-C0E3"},
    ),
    (
        Role.PRESENCE,
        r"(?:presence|certainty|probability|likelihood)(?: of (?:the )?(?:finding|property))?|"
        r"(?:finding|temporal) context",
        {"705057003", "408729009", "408731000"},
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """A concept: its words, "" where it has none, and its codes in whatever systems."""

    words: str = ""
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Qualifiers:
    """What is said of a finding beside its name.

    Attributes
    ----------
    sides : in English where they are known
    sites, details : with their own names, as "Finding Site: Left lower lobe"
    presence : None where nothing says it
    doubt : the words of an uncertain presence
    lines : statements of their own; within the finding's sentence they would deny it
    """

    sides: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    presence: Presence | None = None
    doubt: str = ""
    lines: tuple[str, ...] = ()

    def within(self, outer: "Qualifiers") -> "Qualifiers":
        """With what holds for all that stands within, where it has none of its own."""
        states_presence = self.presence is not None
        return Qualifiers(
            sides=self.sides or outer.sides,
            sites=self.sites or outer.sites,
            details=self.details,
            presence=self.presence if states_presence else outer.presence,
            doubt=self.doubt if states_presence else outer.doubt,
            lines=self.lines,
        )


def role_of(name: Coded) -> Role | None:
    """What a statement of this name speaks of; None for the finding itself and all else."""
    for role, words, codes in _ROLES:
        if codes & name.codes or re.fullmatch(words, name.words, re.IGNORECASE):
            return role
    return None


def presence_of(value: Coded) -> Presence | None:
    """The presence that a value states by a code or its words; None where it states none."""
    for presence, (words, codes) in _PRESENCES.items():
        if _matches(value, words, codes):
            return presence
    return None


def combined(modifiers: list[tuple[Coded, Coded, Qualifiers]]) -> Qualifiers:
    """What a finding's modifiers say of it: of each the name, the value and its own modifiers."""
    sides: list[str] = []
    sites: list[str] = []
    details: list[str] = []
    lines: list[str] = []
    presences: dict[Presence, str] = {}
    for name, value, qualifiers in modifiers:
        role, presence = role_of(name), presence_of(value)
        if role is Role.SIDE:
            sides.append(_side(value))
        elif role is Role.SITE:
            sites.append(_line(name.words, value.words, qualifiers, is_site=True))
        elif role is Role.PRESENCE and presence is not None:
            presences[presence] = value.words
        elif presence is not None:
            lines.extend(statements(name, value, qualifiers))
        elif value.words:
            details.append(_line(name.words, value.words, qualifiers))
        lines.extend(qualifiers.lines)
    # "Present" and "unlikely", "present" and "in the past": the one that takes back counts.
    ranked = (Presence.UNCERTAIN, Presence.ABSENT, Presence.HISTORY, Presence.PRESENT)
    found = next((one for one in ranked if one in presences), None)
    return Qualifiers(
        sides=tuple(sides),
        sites=tuple(sites),
        details=tuple(details),
        presence=found,
        doubt=presences[found] if found is Presence.UNCERTAIN else "",
        lines=tuple(lines),
    )


def statements(name: Coded, value: Coded, qualifiers: Qualifiers) -> Iterator[str]:
    """The lines of a finding and what is said of it; none where the value has no words.

    A name that only says "this is a finding" is left out. Where the value is an answer ("no") the
    name is the finding.
    """
    answer = presence_of(value)
    is_plain = name.words.casefold() in _PLAIN_NAMES
    is_question = bool(name.words) and not is_plain and not _BACKGROUND.match(name.words)
    if answer is not None and is_question:
        own = Qualifiers(presence=answer, doubt=value.words)
        yield _line(
            "",
            name.words,
            qualifiers if qualifiers.presence is not None else _with_presence(qualifiers, own),
        )
    elif value.words:
        shown = "" if is_plain else name.words
        is_site = role_of(name) is Role.SITE
        lines = [value.words]
        if (
            qualifiers.sides
            or qualifiers.sites
            or qualifiers.details
            or qualifiers.presence is not None
        ):
            # A denial or a side reaches no further than its sentence.
            lines = [one for one in _SENTENCE_END.split(value.words) if one.strip(_MARKS)]
        for line in lines:
            yield _line(shown, line, qualifiers, is_site=is_site)


def _with_presence(qualifiers: Qualifiers, own: Qualifiers) -> Qualifiers:
    return Qualifiers(
        sides=qualifiers.sides,
        sites=qualifiers.sites,
        details=qualifiers.details,
        presence=own.presence,
        doubt=own.doubt,
    )


def _line(name: str, value: str, qualifiers: Qualifiers, *, is_site: bool = False) -> str:
    """One sentence; presence stands before the brackets, so that no full stop in them parts it."""
    side = " and ".join(qualifiers.sides)
    brackets = [] if is_site else [side]
    words = f"{side} {value}".strip() if is_site else value
    if qualifiers.presence is not None:
        words = words.strip(_MARKS)
    if qualifiers.presence is Presence.UNCERTAIN:
        words = f"{words} (?): {_flat(qualifiers.doubt)}"
    elif qualifiers.presence is Presence.HISTORY:
        words = f"History of {words}"
    elif qualifiers.presence is not None:
        words = f"{words}: {qualifiers.presence.value}"
    extra = [_flat(one) for one in (*brackets, *qualifiers.sites, *qualifiers.details) if one]
    if extra:
        words = f"{words.rstrip(_MARKS)} {' '.join(f'({one})' for one in extra)}"
    return f"{name}: {words}" if name else words


def _flat(words: str) -> str:
    """Within brackets: no line breaks, and no marks that would end the clause."""
    return " ".join(words.split()).replace(";", ",").rstrip(".?! ")


def _side(value: Coded) -> str:
    for side, (words, codes) in _SIDES.items():
        if _matches(value, words, codes):
            return side.capitalize()
    return value.words


def _matches(value: Coded, words: str, codes: str) -> bool:
    is_coded = not value.codes.isdisjoint(codes.split())
    return is_coded or value.words.strip(_MARKS).casefold() in words.split("|")
