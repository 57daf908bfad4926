"""Phrases of the language file, expanded, and looked up word by word in a prefix tree."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

GAP = "*"
_MAX_GAP_WORDS = 6


class Match(NamedTuple):
    """A phrase found: token indices, end exclusive; ``gaps`` are the tokens it skipped."""

    start: int
    end: int
    value: Any
    gaps: tuple[int, ...] = ()


def expand(phrase: str) -> Iterator[tuple[str, ...]]:
    """All word sequences that a phrase with ``a|b`` and ``word?`` stands for."""
    choices = []
    for part in phrase.split():
        words = part.removesuffix("?").split("|")
        choices.append([*words, ""] if part.endswith("?") and len(part) > 1 else words)
    for chosen in product(*choices):
        yield tuple(word for word in chosen if word)


class PhraseTree:
    """Phrases with a value each; of several that fit at a place, the longest one is found."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        self._has_gaps = False

    def add(self, phrase: str, value: object) -> None:
        """Add a phrase; where two are equal, the former stays."""
        for words in expand(phrase):
            node = self._root
            for word in words:
                node = node.setdefault(word, {})
            node.setdefault("", value)

    def items(self) -> Iterator[tuple[tuple[str, ...], Any]]:
        """All phrases as words, with their values."""
        waiting: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), self._root)]
        while waiting:
            words, node = waiting.pop()
            if "" in node:
                yield words, node[""]
            waiting.extend(((*words, word), child) for word, child in node.items() if word)

    def words(self) -> set[str]:
        """All words of all phrases."""
        found: set[str] = set()
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            found.update(word for word in node if word)
            waiting.extend(child for word, child in node.items() if word)
        return found

    def match(
        self, words: Sequence[str], start: int, end: int, gap_words: Any = ()
    ) -> Match | None:
        """The longest phrase that begins at ``start`` and ends before ``end``."""
        node = self._root.get(words[start])
        return (
            None if node is None else self._longest(node, words, start, start + 1, end, gap_words)
        )

    def _longest(
        self,
        node: dict[str, Any],
        words: Sequence[str],
        start: int,
        at: int,
        end: int,
        gap_words: Any,
    ) -> Match | None:
        best: Match | None = None
        while True:
            if "" in node:
                best = Match(start, at, node[""])
            if GAP in node and at < end:
                best = self._over_gap(node[GAP], words, start, at, end, gap_words) or best
            if at >= end or words[at] not in node:
                return best
            node, at = node[words[at]], at + 1

    def _over_gap(
        self,
        node: dict[str, Any],
        words: Sequence[str],
        start: int,
        at: int,
        end: int,
        gap_words: Any,
    ) -> Match | None:
        for skipped in range(_MAX_GAP_WORDS + 1):
            if at + skipped >= end:
                return None
            if words[at + skipped] in node:
                found = self._longest(node, words, start, at + skipped, end, gap_words)
                if found is not None:
                    return found._replace(gaps=(*range(at, at + skipped), *found.gaps))
            if words[at + skipped] not in gap_words and not words[at + skipped].isdigit():
                return None
        return None

    def find(self, words: Sequence[str], gap_words: Any = ()) -> Iterator[Match]:
        """All phrases from left to right; none overlaps another."""
        at, end = 0, len(words)
        root = self._root
        while at < end:
            if words[at] in root and (found := self.match(words, at, end, gap_words)):
                yield found
                at = found.end
            else:
                at += 1
