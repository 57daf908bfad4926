"""What of a report was not understood, and whether it is English at all."""

from collections.abc import Sequence

from tgcnet.domain import Finding
from tgcnet.report.language import Language
from tgcnet.report.tokens import Token

_MIN_WORDS = 4
_MIN_KNOWN_SHARE = 0.4


def language_of(tokens: Sequence[Token], language: Language) -> str:
    """The language's code where enough words are known, "other" where not, "" for a few words."""
    words = [token.word for token in tokens if token.word.isalpha() and token.word != "x"]
    if len(words) < _MIN_WORDS:
        return language.code if words and all(w in language.known for w in words) else ""
    known = sum(word in language.known for word in words)
    return language.code if known >= _MIN_KNOWN_SHARE * len(words) else "other"


def unread_spans(
    tokens: Sequence[Token], findings: Sequence[Finding], language: Language
) -> tuple[tuple[int, int], ...]:
    """Runs of words that belong to no finding, and are more than words that every text has."""
    spans: list[tuple[int, int]] = []
    run: list[Token] = []
    read = sorted(finding.span for finding in findings)
    at = 0
    reach = 0
    for token in tokens:
        while at < len(read) and read[at][0] <= token.start:
            reach = max(reach, read[at][1])
            at += 1
        if token.end <= reach or token.word in (".", ";"):
            _close(run, spans, language)
            run = []
        elif token.word[0].isalnum() or run:
            run.append(token)
    _close(run, spans, language)
    return tuple(spans)


def _close(run: list[Token], spans: list[tuple[int, int]], language: Language) -> None:
    while run and not run[-1].word[0].isalnum():
        run.pop()
    if any(
        token.word.isalnum() and token.word != "x" and token.word not in language.known
        for token in run
    ):
        spans.append((run[0].start, run[-1].end))
