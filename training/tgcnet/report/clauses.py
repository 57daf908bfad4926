"""A sentence into clauses: the reach of cues and places, and statements about a place alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tgcnet.domain import Presence
from tgcnet.report.mentions import Marks, Mention


@dataclass(frozen=True, kw_only=True, slots=True)
class Clause:
    """Words ``start`` up to ``end`` of a sentence.

    Attributes
    ----------
    is_exception : what it names is left out of what was said before it
    asserts : what it says of the findings before it, where it names a place and no finding
    """

    start: int
    end: int
    is_exception: bool = False
    asserts: Presence | None = None


def find_clauses(marks: Marks, mentions: Sequence[Mention]) -> list[Clause]:
    """The clauses of a sentence in order."""
    clauses: list[Clause] = []
    start, is_exception = 0, False
    breaks = {match.start: match for match in marks.breaks}
    index, end = 0, len(marks.words)
    while index < end:
        match = breaks.get(index)
        if match is not None and not (
            not match.value.is_exception and _is_leading_place(marks, mentions, start, index)
        ):
            clauses.extend(_parts(marks, mentions, start, index, is_exception))
            start, is_exception = match.end, match.value.is_exception
            index = match.end
            continue
        cut = _cut(marks, mentions, start, index)
        if cut:
            clauses.extend(_parts(marks, mentions, start, index, is_exception))
            start, is_exception = cut, False
            index = cut
            continue
        index += 1
    clauses.extend(_parts(marks, mentions, start, end, is_exception))
    return [clause for clause in clauses if clause.start < clause.end]


def _is_leading_place(marks: Marks, mentions: Sequence[Mention], start: int, end: int) -> bool:
    return (
        start == 0
        and marks.words[0] in ("on", "in", "at", "within", "over")
        and any(p.start < end for p in marks.places)
        and not any(m.start < end for m in mentions)
    )


def _cut(marks: Marks, mentions: Sequence[Mention], start: int, index: int) -> int | None:
    """Where the next clause starts, if this comma or "and" ends one."""
    words, lexicon = marks.words, marks.language.lexicon
    word = words[index]
    if word not in (",", "and", ".", "-") or index + 1 >= len(words) or index == start:
        return None
    following = words[index + 1]
    if word == ".":
        return index + 1
    if word == "-" or any(m.start == index + 1 for m in mentions):
        return None
    if not any(m.start > index for m in mentions):
        return None
    if word == "and":
        opens = following in lexicon["new_subject"]
    else:
        opens = following in lexicon["clause_start"] or ":" in words[index + 2 : index + 5]
    goes_on = _is_leading_place(marks, mentions, start, index) or _is_place_alone(
        marks, mentions, index
    )
    return index + 1 if opens and not goes_on else None


def _is_place_alone(marks: Marks, mentions: Sequence[Mention], index: int) -> bool:
    """Whether an article and a place follow, and no finding soon after them."""
    words = marks.words
    if words[index + 1] not in ("the", "a", "an") or index + 2 >= len(words):
        return False
    later = [m.start for m in mentions if m.start > index]
    return marks.is_place(index + 2) and (not later or later[0] > index + 4)


def _parts(
    marks: Marks, mentions: Sequence[Mention], start: int, end: int, is_exception: bool
) -> Iterator[Clause]:
    """A clause, cut where it goes on with a place alone: "…, not in the right lung"."""
    words, done, index = marks.words, start, start
    while index < end:
        match = marks.language.asserts.match(words, index, end)
        if match is None:
            index += 1
            continue
        stop = _assertion_end(marks, match.end, end)
        is_first = index == start and start > 0
        opens = is_first or words[index - 1 : index] in ([","], ["and"], ["but"], ["-"], ["("])
        alone = words[index] in ("not", "no") and match.end - index > 1
        has_place = any(index <= p.start < stop and not p.value.is_none for p in marks.places)
        has_mention = any(index <= m.start < stop for m in mentions)
        is_placed = is_first or any(done <= p.start < index for p in marks.places)
        speaks = is_first or any(done <= m.start < index for m in mentions)
        if (
            (opens or alone)
            and speaks
            and has_place
            and not has_mention
            and is_placed
            and index + 1 < end
        ):
            yield Clause(start=done, end=index, is_exception=is_exception)
            yield Clause(start=index, end=stop, asserts=match.value)
            done, is_exception = stop, False
            index = stop
        else:
            index = match.end
    yield Clause(start=done, end=end, is_exception=is_exception)


def _assertion_end(marks: Marks, start: int, end: int) -> int:
    words = marks.words
    for index in range(start, end):
        if words[index] in (",", ";") and not (index + 1 < end and marks.is_place(index + 1)):
            return index
        if words[index] in ("and", "but") and marks.language.asserts.match(
            words, min(index + 1, end - 1), end
        ):
            return index
    return end
