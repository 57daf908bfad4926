"""How far the cues of a clause reach, and what they make of a finding."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tgcnet.domain import Presence, Side
from tgcnet.report.cues import CUE, CUES, Cue
from tgcnet.report.mentions import Mention
from tgcnet.report.places import FoundPlace, find_places, spaced

SEPARATOR = re.compile(r",|/|\b(?:and|or|with|as well as|plus)\b", re.IGNORECASE)
# Words after which the finding before them is no member of a list any more.
NOT_A_LIST = re.compile(
    r"\b(?:is|are|was|were|has|have|had|there|in|at|on|of|to|from|due|causing|near|over)\b",
    re.IGNORECASE,
)
_VERB_WORDS = "is|are|was|were|has|have|had|shows?|showing|demonstrates?|reveals?|remains?"
_VERB = re.compile(rf"\b(?:{_VERB_WORDS})\b", re.IGNORECASE)
_AND_OR_VERB = re.compile(rf"\b(?:and|{_VERB_WORDS})\b", re.IGNORECASE)
_SINGULAR = re.compile(r"\s*\b(?:is|was|has)\b", re.IGNORECASE)
_OR = re.compile(r"\bor\b|\band/or\b", re.IGNORECASE)
_LIST_GOES_ON = re.compile(r"\bor\b|/", re.IGNORECASE)
_LIST_GOES_ON_AFTER_COMMA = re.compile(r",\s*(?:and/)?or\b", re.IGNORECASE)
_NEXT = re.compile(r",|\band\b(?!/or)", re.IGNORECASE)
_SIZE = re.compile(
    rf"\b(?:{spaced('small|tiny|minimal|trace|little|slight|subtle|mild|moderate(?:ly)?')}|"
    r"large|big|massive|huge|extensive)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reach:
    """A cue found in a clause, and where it works.

    Attributes
    ----------
    start, end : of the cue itself
    forward_end : forward, it works on findings that start before this; None where it does not
    """

    cue: Cue
    start: int
    end: int
    forward_end: int | None
    is_backward: bool
    is_singular: bool


def presences(clause: str, mentions: Sequence[Mention]) -> list[Presence]:
    """What a clause says of each of its mentions, in order."""
    reaches = list(_reaches(clause, mentions))
    return [mention.presence or _presence(clause, mention, reaches) for mention in mentions]


def _reaches(clause: str, mentions: Sequence[Mention]) -> Iterator[_Reach]:
    places = list(find_places(clause))
    ends = [
        (former.start, mention.start)
        for former, mention in pairwise(mentions)
        if _starts_anew(clause, former, mention, places)
    ]
    for match in CUE.finditer(clause):
        cue = CUES[int(str(match.lastgroup)[1:])]
        if cue.presence is None:
            continue
        leads = _leads_to_a_finding(clause, match.end(), mentions)
        # A differential diagnosis goes on behind a place.
        stops = ends if cue.presence is not Presence.UNCERTAIN else ()
        forward_end = next((stop for former, stop in stops if former >= match.end()), len(clause))
        yield _Reach(
            cue=cue,
            start=match.start(),
            end=match.end(),
            forward_end=forward_end if cue.forward and (leads or not cue.is_adjective) else None,
            is_backward=cue.backward and not (leads and cue.is_adjective),
            is_singular=_SINGULAR.match(match[0]) is not None,
        )


def _starts_anew(
    clause: str, former: Mention, mention: Mention, places: Sequence[FoundPlace]
) -> bool:
    """Whether a mention begins a statement of its own, to which no denial before it reaches.

    It does behind a comma or an "and" where it has a place, a size or a verb of its own, or where
    the former has its verb: "no effusion, left lower lobe consolidation". An "or" that goes on
    with the list takes that back: "no effusion, large consolidation or pneumothorax".
    """
    ends = [match.end() for match in _NEXT.finditer(clause, former.end, mention.start)]
    if not ends or _OR.search(clause, ends[-1], mention.start):
        return False
    own = [found.place for found in places if ends[-1] <= found.start < mention.start]
    # A side is seldom denied within a list, so only a comma before the "or" makes it one.
    has_side = any(place.side in (Side.LEFT, Side.RIGHT) for place in own)
    if (_LIST_GOES_ON_AFTER_COMMA if has_side else _LIST_GOES_ON).search(clause, mention.end):
        return False
    return bool(
        own
        or _SIZE.search(clause, ends[-1], mention.start)
        or _SINGULAR.match(clause, mention.end)
        or _VERB.search(clause, former.end, ends[-1])
    )


def _leads_to_a_finding(clause: str, end: int, mentions: Sequence[Mention]) -> bool:
    """Whether nothing but adjectives stands between here and the next mention."""
    start = next((mention.start for mention in mentions if mention.start >= end), None)
    return start is not None and not (
        SEPARATOR.search(clause, end, start) or NOT_A_LIST.search(clause, end, start)
    )


def _presence(clause: str, mention: Mention, reaches: Sequence[_Reach]) -> Presence:
    """What the cues of the clause make of a mention; the nearest one before it decides."""
    found: Presence | None = None
    for reach in reaches:
        if reach.forward_end is None or not reach.end <= mention.start < reach.forward_end:
            continue
        between = clause[reach.end : mention.start]
        if reach.cue.is_short and "," in between and not _OR.search(clause, reach.end):
            continue
        if not (reach.cue.is_weak and found is Presence.ABSENT):
            found = reach.cue.presence
    after = _said_after(clause, mention, reaches)
    if found is None:
        return after or Presence.PRESENT
    # "Previous consolidation has progressed": what is said of it now counts.
    is_still_there = found is Presence.HISTORY and after is Presence.PRESENT
    return Presence.PRESENT if is_still_there else found


def _said_after(clause: str, mention: Mention, reaches: Sequence[_Reach]) -> Presence | None:
    """What the first cue behind a mention makes of it."""
    for reach in reaches:
        if not reach.is_backward or reach.start < mention.end:
            continue
        # "effusion and pneumothorax is not seen" denies the latter alone, "are not seen" both.
        stops = _AND_OR_VERB if reach.is_singular else _VERB
        if not stops.search(clause, mention.end, reach.start):
            return reach.cue.presence
    return None
