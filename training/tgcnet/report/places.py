"""Where findings are: place words into places, each side with its own zones."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tgcnet.domain import ZONES, Place, Side
from tgcnet.report.clauses import Clause
from tgcnet.report.mentions import Marks, Mention
from tgcnet.report.phrases import Match

_BOTH = (Side.LEFT, Side.RIGHT)
_THIRDS = ("upper", "middle", "lower")
_SEPARATORS = ("and", ",", "or", "/", "&", "with", "plus")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Place words that belong together, words ``start`` up to ``end``."""

    start: int
    end: int
    places: tuple[Place, ...]


def merged(places: Iterable[Place]) -> tuple[Place, ...]:
    """One place a side, in the order left, right, none; zones without a side join the sides."""
    zones: dict[Side | None, set[str]] = {}
    for place in places:
        zones.setdefault(place.side, set()).update(place.zones)
    if None in zones and len(zones) > 1:
        loose = zones.pop(None)
        for own in zones.values():
            own |= loose
    return tuple(
        Place(side=side, zones=tuple(zone for zone in ZONES if zone in zones[side]))
        for side in (*_BOTH, None)
        if side in zones and (side is not None or zones[side])
    )


def without(places: Sequence[Place], excepted: Sequence[Place]) -> tuple[Place, ...]:
    """Places with an exception taken out; the rest of a whole side is its other thirds."""
    by_side = {place.side: place.zones for place in places}
    if set(by_side) <= {None}:
        by_side = dict.fromkeys(_BOTH, by_side.get(None, ()))
    for exception in excepted:
        sides = [exception.side] if exception.side else list(by_side)
        for side in sides:
            if side not in by_side:
                continue
            if not exception.zones:
                del by_side[side]
                continue
            named = tuple(z for z in by_side[side] if z != "diffuse") or _THIRDS
            removed = _thirds_of(exception.zones)
            by_side[side] = tuple(zone for zone in named if zone not in removed)
    return merged(Place(side=side, zones=zones) for side, zones in by_side.items())


def _thirds_of(zones: Sequence[str]) -> set[str]:
    more = {"base": "lower", "apex": "upper"}
    return {*zones, *(more[zone] for zone in zones if zone in more)}


def find_groups(marks: Marks, clause: Clause, mentions: Sequence[Mention]) -> list[Group]:
    """The places of a clause that no mention holds as its own."""
    held = [m for m in mentions if m.holds_places]
    free = [
        p
        for p in marks.places
        if clause.start <= p.start < clause.end
        and not p.value.is_none
        and not any(m.start <= p.start < m.end for m in held)
        and not _is_behind_a_rib(marks, p.end, clause, mentions)
    ]
    groups: list[Group] = []
    run: list[int] = []
    starts = {m.start for m in mentions}
    for index, place in enumerate(free):
        if run and not _is_joined(marks, free[run[-1]].end, place.start, starts):
            groups.append(_group(marks, [free[i] for i in run], clause))
            run = []
        run.append(index)
    if run:
        groups.append(_group(marks, [free[i] for i in run], clause))
    return groups


def places_within(marks: Marks, start: int, end: int) -> tuple[Place, ...]:
    """The places of some words, whatever else they say."""
    own = [p for p in marks.places if start <= p.start < end and not p.value.is_none]
    if not own:
        return ()
    return _group(marks, own, Clause(start=start, end=end)).places


def _is_behind_a_rib(marks: Marks, end: int, clause: Clause, mentions: Sequence[Mention]) -> bool:
    """Whether a rib is named: that "overlies the left 7th rib" tells the projection alone."""
    words = marks.words
    for index in range(end, min(end + 4, clause.end)):
        if words[index] in ("rib", "ribs", "clavicle", "scapula", "vertebral"):
            before = words[max(clause.start, end - 7) : end]
            is_projected = {"overlying", "over", "overlies", "projecting"} & set(before)
            return bool(is_projected) and not any("fracture" in m.name for m in mentions)
        if words[index] in (",", "and", ".", "lobe", "lung"):
            return False
    return False


def _is_joined(marks: Marks, start: int, end: int, mention_starts: set[int]) -> bool:
    fillers = marks.language.lexicon["filler"]
    return end - start <= 7 and all(
        index not in mention_starts
        and (
            word in fillers
            or word in _SEPARATORS
            or word.endswith("ly")
            or word in ("than", "greater", "worse", "less", "more", "most", ">", "<", "=", "(", ")")
        )
        for index, word in enumerate(marks.words[start:end], start)
    )


@dataclass(slots=True)
class _Conjunct:
    sides: list[Side]
    zones: list[str]
    is_side_first: bool = True
    has_noun: bool = False


def _group(marks: Marks, places: Sequence[Match], clause: Clause) -> Group:
    """Place words with "and" and commas between them, read as places."""
    conjuncts: list[_Conjunct] = [_Conjunct([], [])]
    previous: Match | None = None
    words = marks.words
    for place in places:
        if previous is not None:
            gap = words[previous.end : place.start]
            if _divides(gap, conjuncts[-1], place.value):
                conjuncts.append(_Conjunct([], []))
        now = conjuncts[-1]
        side, zones = place.value.side, place.value.zones
        if side is not None and now.zones and not now.sides:
            now.is_side_first = False
        if side is not None:
            now.sides = list(_BOTH) if side is Side.BILATERAL else [side]
        now.zones.extend(zones)
        following = words[place.end] if place.end < clause.end else ""
        if side is not None and not zones:
            now.has_noun = following in marks.language.lexicon["whole"]
        previous = place
    return Group(start=places[0].start, end=places[-1].end, places=merged(_resolved(conjuncts)))


def _divides(gap: Sequence[str], now: _Conjunct, following: Any) -> bool:
    return any(word in _SEPARATORS for word in gap) or (
        bool(now.sides) and bool(now.zones) and following.side is not None
    )


def _resolved(conjuncts: Sequence[_Conjunct]) -> list[Place]:
    """Sides and zones that stand alone take their other half from a neighbour."""
    found: list[Place] = []
    for index, now in enumerate(conjuncts):
        sides, zones = now.sides, list(now.zones)
        later = conjuncts[index + 1] if index + 1 < len(conjuncts) else None
        if not sides:
            sides = _borrowed_sides(conjuncts, index)
        lacks_zones = not zones and len(sides) == 1 and not now.has_noun
        if lacks_zones and later is not None and later.zones and later.is_side_first:
            zones = list(later.zones) if later.sides and later.sides != sides else zones
        named: list[Side | None] = list(sides) or [None]
        found += [Place(side=side, zones=tuple(zones)) for side in named]
    return found


def _borrowed_sides(conjuncts: Sequence[_Conjunct], index: int) -> list[Side]:
    """A zone goes with the side before it where that leads, else with the one after it."""
    for now in reversed(conjuncts[:index]):
        if now.sides:
            if now.is_side_first:
                return now.sides
            break
    for now in conjuncts[index + 1 :]:
        if now.sides:
            return now.sides if not now.is_side_first or not now.zones else []
    for now in reversed(conjuncts[:index]):
        if now.sides:
            return now.sides
    return []


def assign(
    marks: Marks, clause: Clause, mentions: Sequence[Mention], groups: Sequence[Group]
) -> list[list[Group]]:
    """The groups of each mention.

    Between two mentions the last separator divides: what stands before it belongs to the former.
    A mention of a list without places of its own takes those after the list's next member, or
    the side that leads the list.
    """
    own: list[list[Group]] = [[] for _ in mentions]
    free = [i for i, m in enumerate(mentions) if not m.holds_places]
    if not free:
        return own
    is_after: list[list[bool]] = [[] for _ in mentions]
    for group in groups:
        owner, after = _owner(marks, mentions, free, group)
        own[owner].append(group)
        is_after[owner].append(after)
    given = [list(groups_) for groups_ in own]
    for a, b in zip(reversed(free[:-1]), reversed(free[1:]), strict=True):
        if not given[a] and is_list_gap(marks, mentions[a].end, mentions[b].start):
            given[a] = [g for g, after in zip(own[b], is_after[b], strict=True) if after] or (
                given[b] if not own[b] else []
            )
    for a, b in itertools.pairwise(free):
        gap = marks.words[mentions[a].end : mentions[b].start]
        if (
            not given[b]
            and given[a]
            and (
                ((len(gap) == 1 and gap[0] in ("and", "or", "/", "&")) and not any(is_after[a]))
                or _is_linked(marks, mentions[a].end, mentions[b].start)
            )
        ):
            given[b] = list(given[a])
        elif not given[a] and _is_linked(marks, mentions[a].end, mentions[b].start):
            given[a] = list(given[b])
    return given


def _is_linked(marks: Marks, start: int, end: int) -> bool:
    """Whether the latter finding interprets the former: "…, likely pneumonia"."""
    words = marks.words
    return any(
        marks.language.links.match(words, index, end) is not None for index in range(start, end)
    ) or (end - start <= 2 and words[start:end] in (["or"], [",", "or"], ["and", "or"], ["/"]))


def is_list_gap(marks: Marks, start: int, end: int) -> bool:
    """Whether only commas, "and", "or" and adjectives stand between two findings."""
    lexicon = marks.language.lexicon
    words = marks.words[start:end]
    return (
        len([w for w in words if w.isalnum() and w not in lexicon["list"]]) <= 3
        and any(w in lexicon["list"] for w in words)
        and not any(
            w in lexicon["verb"] or w in lexicon["preposition"] or w in ("there", "with")
            for w in words
        )
    )


def _owner(
    marks: Marks, mentions: Sequence[Mention], free: Sequence[int], group: Group
) -> tuple[int, bool]:
    """Index of the mention that a group belongs to, and whether the group stands after it."""
    previous = [i for i in free if mentions[i].start <= group.start]
    following = [i for i in free if mentions[i].start > group.start]
    if not previous:
        return free[0], False
    if not following or group.start < mentions[previous[-1]].end:
        return previous[-1], True
    former, latter = previous[-1], following[0]
    gap = range(mentions[former].end, mentions[latter].start)
    words = marks.words
    ends = [
        i
        for i in gap
        if (words[i] in _SEPARATORS or marks.language.links.match(words, i, gap.stop))
        and not group.start <= i < group.end
    ]
    if (
        group.end <= mentions[latter].start
        and not any(
            w in marks.language.lexicon["preposition"] or w in _SEPARATORS
            for w in words[mentions[former].end : group.start]
        )
        and not ends
    ):
        return former, True
    is_next = (
        bool(ends) and any(i < group.start for i in ends) and not any(i >= group.end for i in ends)
    )
    return (latter, False) if is_next else (former, True)
