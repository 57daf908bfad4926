"""Words that say whether a finding is there: negation, doubt, history, and where they end.

Rules of our own in the manner of NegEx: a cue works on the findings after it, before it, or both,
within its clause; ``tgcnet.report.reach`` says how far. Extend the tables; the first row that fits
at a position wins, so a row that disarms another ("no change in" against "no") stands above it.
"""

import re
from dataclasses import dataclass

from tgcnet.domain import Presence
from tgcnet.report.places import spaced

_ABSENT, _UNCERTAIN, _HISTORY = Presence.ABSENT, Presence.UNCERTAIN, Presence.HISTORY
_PRESENT = Presence.PRESENT


@dataclass(frozen=True, kw_only=True, slots=True)
class Cue:
    """One kind of cue.

    Attributes
    ----------
    pattern : whole words or marks, case ignored; a space stands for white space or a hyphen
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
The group that matched bears the presence's name."""
