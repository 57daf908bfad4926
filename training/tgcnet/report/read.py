"""Reading a report: which findings it names, whether they are there, and where.

A rule set of our own for English chest reports: terms of the knowledge base, cues of negation,
doubt and history within a clause, place words by proximity. What it does not do: resolve "it" or
"the lesion" to an earlier sentence, understand tables, give one finding two places apart ("left
lower and right upper" is bilateral, upper and lower), carry a side forward over a list ("left
effusion and atelectasis": only the effusion is left), or contradict itself across sentences.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from tgcnet.domain import Finding, Presence, Report
from tgcnet.report.cues import CLAUSE_END, CUE, CUES, Cue
from tgcnet.report.knowledge import load_knowledge
from tgcnet.report.phrases import PHRASE, PHRASES
from tgcnet.report.places import FoundPlace, Place, find_places, joined_side, joined_zones, spaced
from tgcnet.report.sentences import Sentence, split_report

_BACKGROUND_SECTIONS = frozenset({"indication", "comparison", "technique"})
_SEPARATOR = re.compile(r",|/|\b(?:and|or|with|as well as|plus)\b", re.IGNORECASE)
_VERB_WORDS = "is|are|was|were|has|have|had|shows?|showing|demonstrates?|reveals?|remains?"
_VERB = re.compile(rf"\b(?:{_VERB_WORDS})\b", re.IGNORECASE)
_AND_OR_VERB = re.compile(rf"\b(?:and|{_VERB_WORDS})\b", re.IGNORECASE)
_SINGULAR = re.compile(r"(?:is|was|has)\b", re.IGNORECASE)
_OR = re.compile(r"\bor\b|\band/or\b", re.IGNORECASE)
# Words after which the finding before them is no member of a list any more.
_NOT_A_LIST = re.compile(
    r"\b(?:is|are|was|were|has|have|had|there|in|at|on|of|to|from|due|causing|near|over)\b",
    re.IGNORECASE,
)
_MAX_LIST_WORDS = 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mention:
    """A finding named in a sentence; ``presence`` is None where the cues decide."""

    start: int
    end: int
    name: str
    presence: Presence | None


def read_report(text: str) -> Report:
    """Find what a report says about the findings of the knowledge base.

    Parameters
    ----------
    text : a report, a caption or a phrase, in English; may be empty

    Returns
    -------
    Report
        ``sentences`` in order, and one finding per name and presence in each sentence, in order,
        with the patient's side and the zones of ``tgcnet.report.places``. What an indication,
        comparison or technique section states is history, not a finding of this image.
    """
    sentences = split_report(text)
    return Report(
        text=text,
        sentences=tuple(sentence.text for sentence in sentences),
        findings=tuple(
            finding
            for index, sentence in enumerate(sentences)
            for finding in _read_sentence(sentence, index)
        ),
    )


def _read_sentence(sentence: Sentence, index: int) -> Iterator[Finding]:
    places: dict[tuple[str, Presence], list[Place]] = {}
    for start, end in _clauses(sentence.text):
        clause = sentence.text[start:end]
        mentions = _find_mentions(clause)
        if not mentions:
            continue
        cues = [(match, CUES[int(str(match.lastgroup)[1:])]) for match in CUE.finditer(clause)]
        for mention, own in zip(mentions, _assign_places(clause, mentions), strict=True):
            presence = mention.presence or _presence(clause, mention, cues)
            if presence is Presence.PRESENT and sentence.section in _BACKGROUND_SECTIONS:
                presence = Presence.HISTORY
            places.setdefault((mention.name, presence), []).extend(own)
    for (name, presence), named in places.items():
        yield Finding(
            name=name,
            presence=presence,
            side=joined_side(named),
            zones=joined_zones(named),
            sentence=index,
        )


def _clauses(sentence: str) -> Iterator[tuple[int, int]]:
    """Where each clause of a sentence starts and ends."""
    start = 0
    for match in CLAUSE_END.finditer(sentence):
        yield start, match.start()
        start = match.end()
    yield start, len(sentence)


@cache
def _terms_by_first_word() -> dict[str, tuple[tuple[re.Pattern[str], str], ...]]:
    """Terms of the knowledge base by their first word, longest first, with their findings.

    One alternation of all terms is five times slower.
    """
    terms: dict[str, list[tuple[str, str]]] = {}
    for finding in load_knowledge().findings:
        for term in finding.terms:
            terms.setdefault(_WORD.findall(term)[0], []).append((term, finding.name))
    return {
        word: tuple(
            (re.compile(rf"{spaced(term)}(?!\w)", re.IGNORECASE), name)
            for term, name in sorted(group, key=lambda item: -len(item[0]))
        )
        for word, group in terms.items()
    }


def _find_mentions(clause: str) -> list[_Mention]:
    """The findings named in a clause, in order; phrases win over terms, longer terms over short."""
    mentions = []
    hidden: list[tuple[int, int]] = []
    for match in PHRASE.finditer(clause):
        phrase = PHRASES[int(str(match.lastgroup)[1:])]
        hidden.append(match.span())
        if phrase.finding is not None:
            mentions.append(
                _Mention(
                    start=match.start(),
                    end=match.end(),
                    name=phrase.finding,
                    presence=phrase.presence,
                )
            )
    end = 0
    for word in _WORD.finditer(clause):
        if word.start() < end or any(a <= word.start() < b for a, b in hidden):
            continue
        for pattern, name in _terms_by_first_word().get(word[0].lower(), ()):
            if term := pattern.match(clause, word.start()):
                end = term.end()
                mentions.append(_Mention(start=term.start(), end=end, name=name, presence=None))
                break
    return sorted(mentions, key=lambda mention: mention.start)


def _presence(
    clause: str, mention: _Mention, cues: Sequence[tuple[re.Match[str], Cue]]
) -> Presence:
    """What the cues of the clause make of a mention; the nearest one before it decides."""
    found: Presence | None = None
    for match, cue in cues:
        if not (cue.forward and cue.presence and match.end() <= mention.start):
            continue
        between = clause[match.end() : mention.start]
        if cue.is_short and "," in between and not _OR.search(clause, match.end()):
            continue
        if not (cue.is_weak and found is Presence.ABSENT):
            found = cue.presence
    if found is not None:
        return found
    for match, cue in cues:
        if not (cue.backward and cue.presence and match.start() >= mention.end):
            continue
        # "effusion and pneumothorax is not seen" denies the latter alone, "are not seen" both.
        stops = _AND_OR_VERB if _SINGULAR.match(match[0]) else _VERB
        if not stops.search(clause, mention.end, match.start()):
            return cue.presence
    return Presence.PRESENT


def _assign_places(clause: str, mentions: Sequence[_Mention]) -> list[list[Place]]:
    """The places of each mention.

    Between two mentions the last separator divides: what stands before it belongs to the former.
    A mention in a list without places of its own takes those after the list's next member.
    """
    before: list[list[Place]] = [[] for _ in mentions]
    after: list[list[Place]] = [[] for _ in mentions]
    for found in find_places(clause):
        index, is_after = _owner(clause, mentions, found)
        (after if is_after else before)[index].append(found.place)
    for index in range(len(mentions) - 2, -1, -1):
        gap = clause[mentions[index].end : mentions[index + 1].start]
        if not before[index] and not after[index] and _is_list_gap(gap):
            after[index] = after[index + 1]
    return [first + second for first, second in zip(before, after, strict=True)]


def _owner(clause: str, mentions: Sequence[_Mention], found: FoundPlace) -> tuple[int, bool]:
    """Index of the mention that a place word belongs to, and whether it stands after it."""
    previous = [i for i, mention in enumerate(mentions) if mention.start <= found.start]
    if not previous:
        return 0, False
    index = previous[-1]
    is_last = index == len(mentions) - 1
    if is_last or found.start < mentions[index].end:
        return index, True
    gap_start, gap_end = mentions[index].end, mentions[index + 1].start
    ends = [match.end() for match in _SEPARATOR.finditer(clause, gap_start, gap_end)]
    is_next = not ends or found.start >= ends[-1]
    return (index + 1, False) if is_next and ends else (index, True)


def _is_list_gap(gap: str) -> bool:
    return len(_WORD.findall(gap)) <= _MAX_LIST_WORDS and not _NOT_A_LIST.search(gap)
