"""Where a text names findings: terms of the knowledge base, and phrases that stand for one."""

import re
from dataclasses import dataclass
from functools import cache

from tgcnet.domain import Presence
from tgcnet.report.knowledge import load_knowledge
from tgcnet.report.phrases import PHRASE, PHRASES
from tgcnet.report.places import spaced

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """A finding named in a clause; ``presence`` is None where the cues decide."""

    start: int
    end: int
    name: str
    presence: Presence | None


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


def find_mentions(clause: str) -> list[Mention]:
    """The findings named in a clause, in order; phrases win over terms, longer terms over short."""
    mentions = []
    hidden: list[tuple[int, int]] = []
    for match in PHRASE.finditer(clause):
        phrase = PHRASES[int(str(match.lastgroup)[1:])]
        hidden.append(match.span())
        if phrase.finding is not None:
            mentions.append(
                Mention(
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
                mentions.append(Mention(start=term.start(), end=end, name=name, presence=None))
                break
    return sorted(mentions, key=lambda mention: mention.start)
