"""Where a sentence names findings: by their terms, and by what it says of normal anatomy.

"Both lungs are clear" denies an opacity, "the heart is enlarged" claims a cardiomegaly: a part of
the chest with a predicate is a mention like a term, with a presence of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tgcnet.domain import Presence
from tgcnet.report.language import Break, Cue, Language, PlaceWord, Subject, Term
from tgcnet.report.phrases import Match

_MAX_GAP = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """A finding named in a sentence; indices are those of its words, end exclusive.

    Attributes
    ----------
    presence : None where the cues decide
    default : what it is where no cue says anything
    holds_places : the places inside its words are its own, and it takes no others
    is_placed, is_zoneless : whether places, and zones, mean anything for it
    """

    name: str
    start: int
    end: int
    presence: Presence | None = None
    default: Presence = Presence.PRESENT
    holds_places: bool = False
    is_placed: bool = True
    is_zoneless: bool = False


_PLACELESS = frozenset({
    *("cardiomegaly", "mediastinal widening", "hyperinflation", "vertebral fracture", "kyphosis"),
    *("scoliosis", "osteopenia", "tortuous aorta", "aortic calcification", "aortic aneurysm"),
    *("pericardial effusion", "pneumomediastinum", "hiatal hernia", "pneumoperitoneum"),
})  # fmt: skip
_ZONELESS = frozenset({
    *("medical device", "hilar enlargement", "elevated hemidiaphragm", "degenerative change"),
})  # fmt: skip


class Marks:
    """What the words of a sentence are: terms, places, cues, ends of clauses."""

    def __init__(self, words: Sequence[str], language: Language) -> None:
        self.words = words
        self.language = language
        self.terms: list[Match] = []
        self.places: list[Match] = []
        self.cues: list[Match] = []
        self.breaks: list[Match] = []
        self.taken = [False] * len(words)
        for match in language.marks.find(words, language.gap_words):
            kind = type(match.value)
            if kind is Term:
                self.terms.append(match)
            elif kind is PlaceWord:
                self.places.append(match)
            elif kind is Cue:
                self.cues.append(match)
            elif kind is Break:
                self.breaks.append(match)
            for index in range(match.start, match.end):
                self.taken[index] = index not in match.gaps
            if match.gaps:
                self._find_places_in_gaps(match)
        self.places.sort()

    def _find_places_in_gaps(self, term: Match) -> None:
        for index in term.gaps:
            found = self.language.marks.match(self.words, index, index + 1)
            if found is not None and isinstance(found.value, PlaceWord):
                self.places.append(found)

    def is_place(self, index: int) -> bool:
        """Whether a word belongs to a place."""
        return any(match.start <= index < match.end for match in self.places)


def find_mentions(marks: Marks) -> list[Mention]:
    """All mentions of a sentence in order."""
    mentions = list(_anatomy(marks))
    covered = {i for mention in mentions for i in range(mention.start, mention.end)}
    for term in marks.terms:
        if not term.value.name or (term.start in covered and term.end - 1 in covered):
            continue
        name = term.value.name
        mentions.append(
            Mention(
                name=name,
                start=term.start,
                end=term.end,
                presence=Presence.ABSENT if _is_within_limits(marks, term.end) else None,
                is_placed=name not in _PLACELESS,
                is_zoneless=name in _ZONELESS,
            )
        )
    return sorted(mentions, key=lambda mention: (mention.start, mention.end))


def _is_within_limits(marks: Marks, end: int) -> bool:
    """Whether a term is said to be "within normal limits"."""
    words = marks.words
    while end < len(words) and words[end] in marks.language.lexicon["verb"]:
        end += 1
    if end >= len(words) or words[end] != "within":
        return False
    return marks.language.normals.match(words, end, len(words)) is not None


def _anatomy(marks: Marks) -> Iterator[Mention]:
    """What is said of parts of the chest."""
    words, language = marks.words, marks.language
    subjects = [m for m in language.subjects.find(words) if not _is_in_a_term(marks, m)]
    if not subjects:
        return
    normals = list(language.normals.find(words))
    done: set[int] = set()
    for normal in normals:
        if _is_disarmed(marks, normal):
            continue
        for index in _subjects_of(marks, subjects, normal):
            yield from _denials(marks, subjects[index], normal)
            done.add(index)
    for index, subject in enumerate(subjects):
        if index not in done:
            yield from _claims(marks, subjects, subject)


def _is_in_a_term(marks: Marks, subject: Match) -> bool:
    """Also where it leads straight into one: "left lung consolidation" is not about the lung."""
    return any(
        term.start <= subject.start < term.end or term.start == subject.end for term in marks.terms
    )


def _is_disarmed(marks: Marks, normal: Match) -> bool:
    before = marks.words[max(normal.start - 2, 0) : normal.start]
    own_cue = any(cue.start <= normal.start < cue.end - 1 for cue in marks.cues)
    return own_cue or (marks.words[normal.start] != "not" and ("not" in before or "no" in before))


def _subjects_of(marks: Marks, subjects: list[Match], normal: Match) -> list[int]:
    """Indices of the subjects that a predicate speaks of: those before it, else those after it."""
    before = [i for i, s in enumerate(subjects) if s.end <= normal.start]
    if before and _is_between(marks, subjects[before[-1]].end, normal.start):
        found = [before[-1]]
        while found[-1] and _is_listed(
            marks, subjects[found[-1] - 1].end, subjects[found[-1]].start
        ):
            found.append(found[-1] - 1)
        return found
    after = [i for i, s in enumerate(subjects) if s.start >= normal.end]
    if not after or not _is_listed(marks, normal.end, subjects[after[0]].start):
        return []
    found = [after[0]]
    while found[-1] + 1 < len(subjects) and _is_listed(
        marks, subjects[found[-1]].end, subjects[found[-1] + 1].start
    ):
        found.append(found[-1] + 1)
    return found


def _is_between(marks: Marks, start: int, end: int) -> bool:
    return end - start <= _MAX_GAP and all(
        word in marks.language.between
        or word.endswith("ly")
        or marks.is_place(index)
        or word in (",", ":", "-", "=", "(")
        for index, word in enumerate(marks.words[start:end], start)
    )


def _is_listed(marks: Marks, start: int, end: int) -> bool:
    fillers, lists = marks.language.lexicon["filler"], marks.language.lexicon["list"]
    return (
        end - start <= _MAX_GAP
        and all(
            word in fillers
            or word in lists
            or word.endswith("ly")
            or word in ("x", "size", "and", "visualized", "remaining", "upper")
            or marks.is_place(index)
            for index, word in enumerate(marks.words[start:end], start)
            if word not in ("is", "are")
        )
        and not {"is", "are", "with"} & set(marks.words[start:end])
    )


def _with_places(marks: Marks, start: int, end: int) -> int:
    """Where the places that stand straight before ``start`` begin."""
    while start and (marks.is_place(start - 1) or marks.words[start - 1] in ("and", "the", "of")):
        start -= 1
    while start < end and marks.words[start] in ("and", "the", "of"):
        start += 1
    return start


def _denials(marks: Marks, subject: Match, normal: Match) -> Iterator[Mention]:
    start = _with_places(marks, subject.start, subject.end)
    end = subject.end
    while end < len(marks.words) and normal.start > end and marks.is_place(end):
        end += 1
    for part in subject.value:
        if normal.value in part.normal:
            for name in part.denies:
                yield Mention(
                    name=name,
                    start=start,
                    end=end,
                    presence=Presence.ABSENT,
                    holds_places=True,
                    is_placed=part.is_placed,
                    is_zoneless=part.is_zoneless,
                )


def _claims(marks: Marks, subjects: list[Match], subject: Match) -> Iterator[Mention]:
    words = marks.words
    for part in subject.value:
        span, is_doubtful = _abnormal_span(marks, subjects, subject, part)
        if span is None:
            continue
        doubt = is_doubtful or part.is_doubtful
        yield Mention(
            name=part.claims,
            start=span[0],
            end=span[1],
            presence=Presence.ABSENT if "not" in words[span[0] : span[1]] and not doubt else None,
            default=Presence.UNCERTAIN if doubt else Presence.PRESENT,
            is_placed=part.is_placed,
            is_zoneless=part.is_zoneless,
        )


def _abnormal_span(
    marks: Marks, subjects: list[Match], subject: Match, part: Subject
) -> tuple[tuple[int, int] | None, bool]:
    """First and last word of a part and what is abnormal of it, and whether that is doubtful."""
    words = marks.words
    for index in range(subject.end, min(subject.end + 6, len(words))):
        word = words[index]
        if word in (",", ";") or any(s.start == index for s in subjects):
            break
        if word in part.doubtful:
            return (subject.start, index + 1), True
        if word in part.abnormal:
            return (subject.start, index + 1), False
    fillers = marks.language.lexicon["filler"]
    for index in range(subject.start - 1, max(subject.start - 7, -1), -1):
        word = words[index]
        if word in part.abnormal or word in part.doubtful:
            return (index, subject.end), word in part.doubtful
        if not (word in fillers or word.endswith("ly") or marks.is_place(index) or word == "and"):
            break
    return None, False
