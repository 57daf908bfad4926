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

from tgcnet import domain
from tgcnet.domain import EncodedText, Finding, Presence, Report, Side
from tgcnet.report.cues import ASSERTION, CLAUSE_END, NOT_A_LIST, SEPARATOR, presences
from tgcnet.report.mentions import Mention, find_mentions
from tgcnet.report.places import FoundPlace, Place, find_places, joined_side, joined_zones
from tgcnet.report.sentences import Sentence, split_report

_BACKGROUND_SECTIONS = frozenset({"indication", "comparison", "technique"})
_CLAIMED = (Presence.PRESENT, Presence.UNCERTAIN)
_MAX_LIST_WORDS = 3
_WORD = re.compile(r"\w+")
# "On the left there is …": the place belongs to what follows.
_LEADING_PLACE = re.compile(r"\W*(?:on|in|at|within|over)\b[^,;:]*,?\s*", re.IGNORECASE)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportReading:
    """A report, and what one model can segment of it; callers check this before they run the model.

    Attributes
    ----------
    segmentable : findings present, or possibly present, that the model was made for
    not_segmentable : those it was not made for
    only_absent : findings are named, and every one of them is denied or a matter of the past
    """

    report: Report
    encoded: EncodedText
    segmentable: tuple[str, ...] = ()
    not_segmentable: tuple[str, ...] = ()
    only_absent: bool = False

    @property
    def has_no_target(self) -> bool:
        """Findings are named, and none of them is one to segment."""
        return bool(self.report.findings) and not self.segmentable


def weigh_report(
    report: Report, encoded: EncodedText, model_findings: tuple[str, ...]
) -> ReportReading:
    """Sort a report's findings by whether a model was made for them.

    Parameters
    ----------
    model_findings : names, as in the knowledge base, from the model's manifest
    """
    claimed = dict.fromkeys(f.name for f in report.findings if f.presence in _CLAIMED)
    return ReportReading(
        report=report,
        encoded=encoded,
        segmentable=tuple(name for name in claimed if name in model_findings),
        not_segmentable=tuple(name for name in claimed if name not in model_findings),
        only_absent=bool(report.findings) and not claimed,
    )


def _read_sentence(sentence: Sentence, index: int) -> Iterator[Finding]:
    places: dict[tuple[str, Presence], list[Place]] = {}
    subjects: list[str] = []
    for part in _parts(sentence.text):
        mentions = find_mentions(part)
        if not mentions:
            for reading, own in _read_assertion(part, subjects):
                places.setdefault(reading, []).extend(own)
            continue
        said = zip(mentions, presences(part, mentions), _assign_places(part, mentions), strict=True)
        for mention, presence, own in said:
            if presence is Presence.PRESENT and sentence.section in _BACKGROUND_SECTIONS:
                presence = Presence.HISTORY
            places.setdefault((mention.name, presence), []).extend(own)
        subjects = _last_list(part, mentions)
    for (name, presence), named in places.items():
        yield Finding(
            name=name,
            presence=presence,
            places=_places_by_side(named),
            sentence=index,
        )


def _places_by_side(named: list[Place]) -> tuple[domain.Place, ...]:
    """One place a side, in the order left, right, none."""
    side, zones = joined_side(named), joined_zones(named)
    sides = (Side.LEFT, Side.RIGHT) if side is Side.BILATERAL else (side,)
    return tuple(domain.Place(side=s, zones=zones) for s in sides if s or zones)


def _parts(sentence: str) -> Iterator[str]:
    """The clauses of a sentence, and what they say more of a finding that has its place already."""
    for start, end in _clauses(sentence):
        clause, done = sentence[start:end], 0
        for match in ASSERTION.finditer(clause):
            is_first = not clause[: match.start()].strip()
            if _is_about_a_place(match[0]) and (
                is_first or _has_place(clause[done : match.start()])
            ):
                yield clause[done : match.start()]
                yield match[0]
                done = match.end()
        yield clause[done:]


def _is_about_a_place(part: str) -> bool:
    return _has_place(part) and not find_mentions(part)


def _has_place(text: str) -> bool:
    return any(True for _ in find_places(text))


def _read_assertion(
    part: str, subjects: Sequence[str]
) -> Iterator[tuple[tuple[str, Presence], list[Place]]]:
    """What a part without a finding of its own says of those before it."""
    match = ASSERTION.match(part)
    places = [found.place for found in find_places(part)]
    if match is None or not places:
        return
    for name in subjects:
        yield (name, Presence(str(match.lastgroup))), places


def _last_list(clause: str, mentions: Sequence[Mention]) -> list[str]:
    """The last finding of a clause with those it is listed with: what goes on speaks of these."""
    first = len(mentions) - 1
    while first and _is_list_gap(clause[mentions[first - 1].end : mentions[first].start]):
        first -= 1
    return list(dict.fromkeys(mention.name for mention in mentions[first:]))


def _clauses(sentence: str) -> Iterator[tuple[int, int]]:
    """Where each clause of a sentence starts and ends."""
    start = 0
    for match in CLAUSE_END.finditer(sentence):
        before = sentence[start : match.start()]
        if _LEADING_PLACE.fullmatch(before) and _is_about_a_place(before):
            continue
        yield start, match.start()
        start = match.end()
    yield start, len(sentence)


def _assign_places(clause: str, mentions: Sequence[Mention]) -> list[list[Place]]:
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


def _owner(clause: str, mentions: Sequence[Mention], found: FoundPlace) -> tuple[int, bool]:
    """Index of the mention that a place word belongs to, and whether it stands after it."""
    previous = [i for i, mention in enumerate(mentions) if mention.start <= found.start]
    if not previous:
        return 0, False
    index = previous[-1]
    is_last = index == len(mentions) - 1
    if is_last or found.start < mentions[index].end:
        return index, True
    gap_start, gap_end = mentions[index].end, mentions[index + 1].start
    ends = [match.end() for match in SEPARATOR.finditer(clause, gap_start, gap_end)]
    is_next = not ends or found.start >= ends[-1]
    return (index + 1, False) if is_next and ends else (index, True)


def _is_list_gap(gap: str) -> bool:
    return len(_WORD.findall(gap)) <= _MAX_LIST_WORDS and not NOT_A_LIST.search(gap)
