"""Cues that decide whether a finding is there: negation, doubt, history, and their scope.

Rules of our own in the manner of NegEx: a cue works on the findings after it, before it, or both,
within its clause; the second half of this module decides how far. To change what is read, extend
the tables. The first row that fits at a position wins, so a row that disarms another ("no change
in" against "no") comes before it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tgcnet.domain import Presence, Side
from tgcnet.report.mentions import Mention
from tgcnet.report.places import FoundPlace, find_places, spaced

_ABSENT, _UNCERTAIN, _HISTORY = Presence.ABSENT, Presence.UNCERTAIN, Presence.HISTORY
_PRESENT = Presence.PRESENT


@dataclass(frozen=True, kw_only=True, slots=True)
class Cue:
    """One kind of cue.

    Attributes
    ----------
    pattern : whole words or marks, case ignored; a space matches white space or a hyphen
    presence : what it makes of a finding; None disarms the words and does nothing
    forward, backward : whether it works on findings after and before it
    is_short : forward, it ends at a comma, unless the comma belongs to an "or" list
    is_weak : it does nothing under a negation ("no opacity to suggest pneumonia")
    is_adjective : it works on one side only: forward where it leads straight to a finding
        ("resolved opacity"), else backward ("opacity, resolved")
    """

    pattern: str
    presence: Presence | None = None
    forward: bool = False
    backward: bool = False
    is_short: bool = False
    is_weak: bool = False
    is_adjective: bool = False


_VERBS = r"(?:is|are|was|were|has|have|had|be|been|being)"
_BE = rf"(?:{_VERBS} )*+"
_END = r"(?= ?(?:[.,;/)]|$))"
_SEEN = (
    r"(?:seen|identified|present|visuali[sz]ed|visible|noted|observed|demonstrated|evident|"
    r"detected|appreciated|found|apparent|shown)"
)
_EXCLUDED = r"(?:excluded|ruled out)"
_CHANGE = r"(?:change|changed|increase|increased|decrease|decreased|improvement|progression)"
_CHANGED = (
    r"(?:progressed|worsened|increased|decreased|improved|enlarged|grown|persist(?:s|ed)|remains?|"
    r"unchanged|stable|larger|smaller|worse|better)"
)
_PRIOR_STUDY = r"(?:stud|exam|film|radiograph|chest|ct\b|x ?ray|imag|comparison|report|x{3,}|scan)"

CUES = (
    # Words that look like a cue and are none.
    Cue(pattern=rf"(?:no|not|without)(?: \w+){{0,2}} {_CHANGE}"),
    # Not "no new or worsening opacity", which denies it.
    Cue(pattern=r"(?:no|without)(?: \w+){0,2} (?:worsening|enlargement|growth) (?:of|in)"),
    Cue(pattern=r"not (?:only|necessarily|well|fully|completely|optimally|adequately)(?: \w+ed)?"),
    Cue(pattern=r"(?:partial|near|incomplete)(?:ly)?(?: complete)? (?:resol\w+|clear\w+)"),
    Cue(pattern=rf"(?:prior|previous) {_PRIOR_STUDY}\w*"),
    # Answers, as forms and questions have them.
    Cue(pattern=rf"[:?] ?(?:no|negative|absent){_END}", presence=_ABSENT, backward=True),
    Cue(pattern=rf"[:?] ?(?:yes|positive|present){_END}", presence=_PRESENT, backward=True),
    Cue(pattern=rf"(?:none|nil){_END}", presence=_ABSENT, backward=True),
    # Question marks, before a finding and after it.
    Cue(pattern=rf"\?+{_END}", presence=_UNCERTAIN, backward=True),
    Cue(pattern=r"\?+", presence=_UNCERTAIN, forward=True, is_short=True),
    # Doubt that contains a negation.
    Cue(
        pattern=rf"{_BE}(?:cannot|can ?not|not|could not|difficult to)(?: \w+ly)?(?: be)?"
        rf"(?: \w+ly)? {_EXCLUDED}",
        presence=_UNCERTAIN,
        backward=True,
    ),
    Cue(
        pattern=r"(?:cannot|can ?not|not|could not|difficult to|without)(?: \w+ly)? "
        r"(?:exclud(?:e|ing)|rul(?:e|ing) out)",
        presence=_UNCERTAIN,
        forward=True,
    ),
    Cue(pattern=rf"{_BE}(?:may|might) not be {_SEEN}", presence=_UNCERTAIN, backward=True),
    # Negation after the finding.
    Cue(
        pattern=rf"{_BE}(?:not|no longer)(?: \w+ly)?(?: been)? {_SEEN}",
        presence=_ABSENT,
        backward=True,
    ),
    Cue(
        pattern=rf"{_BE}(?:absent|removed|{_EXCLUDED}|negative(?! for))",
        presence=_ABSENT,
        backward=True,
    ),
    Cue(
        pattern=rf"(?:{_VERBS} )++(?:\w+ly )?(?:resolved|cleared)",
        presence=_ABSENT,
        backward=True,
    ),
    Cue(
        pattern=r"(?:\w+ly )?(?:resolved|cleared)",
        presence=_ABSENT,
        forward=True,
        backward=True,
        is_short=True,
        is_adjective=True,
    ),
    # Presence after the finding: what is said to have changed is no matter of the past alone.
    Cue(
        pattern=rf"{_BE}(?:not )?(?:\w+ly )?{_CHANGED}",
        presence=_PRESENT,
        backward=True,
    ),
    # Doubt after the finding, or on both sides of it.
    Cue(
        pattern=rf"{_BE}(?:very )?(?:unlikely|less likely|"
        r"(?:also )?(?:possible|suspected|questionable)(?= ?[.,;)]| ?$| but\b))",
        presence=_UNCERTAIN,
        backward=True,
    ),
    Cue(pattern=r"versus|vs", presence=_UNCERTAIN, forward=True, backward=True, is_short=True),
    # Doubt before the finding.
    Cue(
        pattern=r"(?:may|might|could|can|would)(?: \w+ly| also)* "
        r"(?:be|represent|reflect|indicate|relate|suggest|correspond|correlate)|"
        r"possib\w+|probab\w+|likely|presumabl[ey]|presumed|questionable|question(?: of)?|"
        r"rule out|exclude|evaluat(?:e|ion) (?:for|of)|assess(?:ment)? for|equivocal|perhaps",
        presence=_UNCERTAIN,
        forward=True,
        is_short=True,
    ),
    Cue(pattern=r"differential(?: \w+){0,3}", presence=_UNCERTAIN, forward=True),
    Cue(
        pattern=r"suggest\w*|suspicio\w+(?: for| of)?|suspect\w*|concern\w*(?: for| of| about)|"
        r"worrisome for|raise\w* the question of",
        presence=_UNCERTAIN,
        forward=True,
        is_short=True,
        is_weak=True,
    ),
    # Negation before the finding.
    Cue(
        pattern=r"no|not|without|w/o|nor|neither|none|never|negative for|free (?:of|from)|clear of|"
        r"absence of|lack of|den(?:y|ies|ied|ying)|resolution of|clearing of|excludes|rather than|"
        r"instead of|fail\w* to (?:show|demonstrate|reveal)",
        presence=_ABSENT,
        forward=True,
    ),
    # The past.
    Cue(pattern=r"histor(?:y|ies) of|hx(?: of)?|past medical", presence=_HISTORY, forward=True),
    Cue(
        pattern=r"previous|prior|status post|s/p|formerly|treated for",
        presence=_HISTORY,
        forward=True,
        is_short=True,
    ),
)

# Beyond these a cue does not reach. What follows an exception is there.
_CLAUSE_ENDS = (
    r"but|however|although|though|whereas|while|yet|otherwise|"
    r"except(?:ing)?(?: for)?|with the exception of|other than|(?:aside|apart) from|besides|"
    r"(?:and )?(?:there|this|these) (?:is|are|has|have|was|were)|"
    r"and (?=(?:the|an?|heart|cardiac|lungs?) )"
)
_HEAD = r"\w+(?: \w+){0,2}:"
CLAUSE_END = re.compile(
    rf";|\b(?:{spaced(_CLAUSE_ENDS)})(?!\w)|"
    rf",(?=\s+(?:{spaced('the |heart |lungs |cardiac |mild|stable|unchanged|persistent|with ')}|"
    # "Lungs: …, pleura: …", "previous opacity, now effusion".
    rf"{spaced('(?:now|currently|today) ')}|{spaced(_HEAD)}))",
    re.IGNORECASE,
)
CUE = re.compile(
    # Whole words; a mark needs no edge of a word beside it.
    r"(?:(?<![\w-])|(?!\w))(?:"
    + "|".join(f"(?P<c{i}>{spaced(c.pattern)})" for i, c in enumerate(CUES))
    + r")(?:(?!\w)|(?<!\w))",
    re.IGNORECASE,
)

_THERE = r"present|seen|visible|noted|persist\w*|remain\w*|also"
_NOT_THERE = (
    r"(?:not|no longer)(?: \w+ly)?"
    rf"(?= (?:in|on|at|over|the|left|right|affecting|involving|{_SEEN})\b)|"
    r"none|absent|resolved|cleared|clear(?= (?:in|on|at|left|right)\b)|(?:with )?sparing(?: of)?|"
    r"spar(?:es|ed)"
)
_PERHAPS = r"possibly|probably|perhaps|questionably"
_JOIN = rf"(?:^|,|\b(?:and|but)\b)(?: ?(?:and|but)\b)? ?{_BE}"
# These need no comma or "and" before them.
_ALONE = r"(?=(?:not|no longer) (?:in|on|at)\b|(?:with )?sparing\b)"
ASSERTION = re.compile(
    spaced(
        rf"(?:{_JOIN}|\b{_ALONE})"
        rf"(?:(?P<absent>{_NOT_THERE})|(?P<present>{_THERE})|(?P<uncertain>{_PERHAPS}))\b"
        rf"(?:(?!{_JOIN}(?:{_NOT_THERE}|{_THERE}|{_PERHAPS})\b)[^,;])*"
    ),
    re.IGNORECASE,
)
"""A part that says where else the finding named before it is or is not: "…, not in the right lung".
The group that matched has the presence's name."""

# How far cues work.
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
