"""Where a text names findings: terms of the knowledge base, and phrases that imply one.

The phrases name a finding without a word of the knowledge base, or mislead. Most are statements of
normality: "the lungs are clear" means that there is no opacity. Each row is a pattern (case
ignored, a space matches white space or a hyphen), the finding it is about, and its presence; None
leaves that to the cues around it.
"""

import re
from dataclasses import dataclass
from functools import cache

from tgcnet.domain import Presence
from tgcnet.report.knowledge import load_knowledge
from tgcnet.report.places import spaced

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """A pattern, and what it says of which finding; without a finding it hides its words."""

    pattern: str
    finding: str | None = None
    presence: Presence | None = None


_HEART = (
    r"(?:heart|cardiac|cardiomediastinal|cardiovascular|cardio mediastinal)"
    r"(?: (?:size|silhouette|contours?|shadow))?"
)
_NEAR = r"(?:(?!\bnot\b|\benlarged\b|\bupper\b|\bbut\b)[^.;]){0,60}?"
_LUNG_DISEASE = (
    r"(?:abnormalit\w+|process\w*|disease|findings?|patholog\w+|outbreaks?|lesions?|change\w*)"
)

_PHRASES = (
    Phrase(
        pattern=r"(?:pericardial|joint|knee) (?:effusions?|fluid)|mass effect|body mass|"
        r"(?:bone|bony|osseous)(?: mineral)? dens\w+|soft tissue (?:edema|oedema|calcifications?)"
    ),
    Phrase(
        pattern=r"lungs?\b(?:(?!\bnot\b|\bopaci|\bof\b)[^.;]){0,45}? clear(?! of\b| from\b)|"
        r"clear lungs?|lungs? (?:is|are|appear|appears) (?:normal|unremarkable)|normal lungs|"
        r"chest is clear|normal (?:chest|cxr)",
        finding="opacity",
        presence=Presence.ABSENT,
    ),
    Phrase(
        pattern=rf"(?:no|without)(?: evidence of)?(?: (?!evidence)\w+){{0,4}} (?:cardiopulmonary|"
        rf"pulmonary|cardiothoracic|intrathoracic|thoracic|chest|lung|pleuro ?parenchymal|"
        rf"parenchymal) {_LUNG_DISEASE}|no (?:acute|active) (?:disease|{_LUNG_DISEASE})",
        finding="opacity",
        presence=Presence.ABSENT,
    ),
    Phrase(
        pattern=rf"{_HEART}{_NEAR} not (?:\w+ )?enlarged|normal {_HEART}|"
        rf"{_HEART}{_NEAR} (?:normal|unremarkable)",
        finding="cardiomegaly",
        presence=Presence.ABSENT,
    ),
    Phrase(
        pattern=rf"{_HEART}(?: \w+){{0,4}} (?:upper limits|top normal|borderline)|"
        rf"(?:upper limits|top|high) (?:of )?normal {_HEART}|borderline {_HEART}",
        finding="cardiomegaly",
        presence=Presence.UNCERTAIN,
    ),
    Phrase(
        pattern=rf"{_HEART}(?:(?!\bnot\b)[^.;,]){{0,40}}? (?:enlarged|large)|"
        r"increase in heart size",
        finding="cardiomegaly",
    ),
    Phrase(pattern=rf"(?:enlarged|enlargement of the|prominent) {_HEART}", finding="cardiomegaly"),
    Phrase(
        pattern=r"(?:costophrenic|cp|cardiophrenic) (?:angles?|sulc\w+|recess\w*)(?: \w+){0,2} "
        r"(?:clear|sharp|free|preserved)|pleural spaces? (?:is |are )?clear|clear pleural spaces?",
        finding="pleural effusion",
        presence=Presence.ABSENT,
    ),
    Phrase(
        pattern=r"blunt(?:ing|ed)(?: of)?(?: the)?(?: (?:left|right|bilateral|both|lateral|"
        r"posterior|anterior)){0,3} (?:costophrenic|cp) (?:angles?|sulc\w+|recess\w*|x{3,})|"
        r"costophrenic (?:angles?|sulcus|sulci|x{3,})(?: (?:is|are))? blunt(?:ing|ed)",
        finding="pleural effusion",
    ),
)
_PHRASE = re.compile(
    r"\b(?:"
    + "|".join(f"(?P<g{i}>{spaced(p.pattern)})" for i, p in enumerate(_PHRASES))
    + r")(?!\w)",
    re.IGNORECASE,
)


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
    for match in _PHRASE.finditer(clause):
        phrase = _PHRASES[int(str(match.lastgroup)[1:])]
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
