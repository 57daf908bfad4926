"""Reading a report: which findings it names, whether they are there, and where.

A grammar of our own for chest reports over the words of ``tgcnet.report.language``. What it does
not do: resolve "it" or "the lesion" to an earlier sentence, understand tables, or contradict
itself across sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from tgcnet.domain import EncodedText, Finding, Place, Presence, Report
from tgcnet.report.clauses import Clause, find_clauses
from tgcnet.report.descriptions import count_before, extent_around, size_around
from tgcnet.report.knowledge import names_in
from tgcnet.report.language import ABNORMALITY, Language, load_language
from tgcnet.report.mentions import Marks, Mention, find_mentions
from tgcnet.report.places import assign, find_groups, merged, places_within, without
from tgcnet.report.presence import IGNORED, ClauseReader
from tgcnet.report.sentences import split_report
from tgcnet.report.tokens import Token, tokenize
from tgcnet.report.unread import language_of, unread_spans

_BACKGROUND_SECTIONS = frozenset({"indication", "comparison", "technique"})
_CLAIMED = (Presence.PRESENT, Presence.UNCERTAIN)
_MAX_WORDS = 80


def read_report(text: str) -> Report:
    """Find what a report says about the findings of the knowledge base.

    Parameters
    ----------
    text : a report, a caption or a phrase, in English; may be empty

    Returns
    -------
    Report
        ``sentences`` in order, and one finding per name and presence in each sentence, in order.
        What an indication, comparison or technique section states is history, not a finding of
        this image.
    """
    language = load_language()
    sentences = split_report(text)
    # Patient text stays in no cache longer than the call.
    read_sentence = cache(_read_sentence)
    findings: list[Finding] = []
    all_tokens: list[Token] = []
    for index, sentence in enumerate(sentences):
        written = text[sentence.start : sentence.end]
        tokens, said = read_sentence(written, sentence.section)
        first = sentence.start
        all_tokens.extend(Token(t.word, t.start + first, t.end + first) for t in tokens)
        findings.extend(
            replace(f, sentence=index, span=(f.span[0] + first, f.span[1] + first)) for f in said
        )
    return Report(
        text=text,
        sentences=tuple(sentence.text for sentence in sentences),
        sentence_spans=tuple((sentence.start, sentence.end) for sentence in sentences),
        findings=tuple(findings),
        language=language_of(all_tokens, language),
        unread=unread_spans(all_tokens, findings, language),
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
    # Models name their findings as the version of the knowledge base does that they know.
    can = {name for name in claimed if {name, *names_in("1", [name])} & set(model_findings)}
    return ReportReading(
        report=report,
        encoded=encoded,
        segmentable=tuple(name for name in claimed if name in can),
        not_segmentable=tuple(name for name in claimed if name not in can),
        only_absent=bool(report.findings) and not claimed,
    )


def _read_sentence(text: str, section: str) -> tuple[list[Token], list[Finding]]:
    """A sentence's words and findings; positions count from its own start."""
    language = load_language()
    tokens = tokenize(text, language.abbreviations)
    said = [
        finding
        for start in range(0, len(tokens), _MAX_WORDS)
        for finding in _read(tokens[start : start + _MAX_WORDS], section, language)
    ]
    return tokens, said


@dataclass(slots=True)
class _Said:
    """What a sentence says of one finding with one presence, gathered over its clauses."""

    name: str
    presence: Presence
    start: int
    end: int
    places: list[Place] = field(default_factory=list)
    extent: list[str] = field(default_factory=list)
    size: str = ""
    count: int | None = None


def _read(tokens: Sequence[Token], section: str, language: Language) -> list[Finding]:
    """The findings of one sentence's words."""
    words = [token.word for token in tokens]
    marks = Marks(words, language)
    mentions = find_mentions(marks)
    if not mentions:
        return []
    said: dict[tuple[str, Presence], _Said] = {}
    subjects: list[_Said] = []
    for clause in find_clauses(marks, mentions):
        own = [m for m in mentions if clause.start <= m.start < clause.end]
        if own:
            subjects = _read_clause(marks, clause, own, said, section) or subjects
        elif subjects and (clause.asserts or clause.is_exception):
            _read_place(marks, clause, subjects, said)
    return [_finding(entry, tokens) for entry in said.values()]


def _read_clause(
    marks: Marks,
    clause: Clause,
    mentions: Sequence[Mention],
    said: dict[tuple[str, Presence], _Said],
    section: str,
) -> list[_Said]:
    """What a clause says of its mentions, in order."""
    reader = ClauseReader(marks, clause, mentions)
    groups = find_groups(marks, clause, mentions)
    given = assign(marks, clause, mentions, groups)
    entries: list[_Said] = []
    for index, mention in enumerate(mentions):
        kind, start, end = reader.presence(index)
        if kind == IGNORED or (mention.name == ABNORMALITY and kind != Presence.ABSENT):
            continue
        presence = Presence(kind)
        if presence is Presence.PRESENT and section in _BACKGROUND_SECTIONS:
            presence = Presence.HISTORY
        places = [place for group in given[index] for place in group.places]
        if mention.holds_places:
            places = list(places_within(marks, mention.start, mention.end))
        entry = said.setdefault(
            (mention.name, presence), _Said(mention.name, presence, mention.start, mention.end)
        )
        entry.start = min(entry.start, start, *(g.start for g in given[index]), mention.start)
        entry.end = max(entry.end, end, *(g.end for g in given[index]), mention.end)
        if mention.is_placed:
            entry.places.extend(
                Place(side=p.side) if mention.is_zoneless else p
                for p in places
                if p.side or not mention.is_zoneless
            )
        _describe(entry, marks, mention, clause)
        entries.append(entry)
    return _last_list(marks, mentions, entries)


def _describe(entry: _Said, marks: Marks, mention: Mention, clause: Clause) -> None:
    for word in extent_around(marks, mention, clause):
        if word not in entry.extent:
            entry.extent.append(word)
    entry.size = entry.size or size_around(marks, mention, clause)
    entry.count = entry.count or count_before(marks, mention, clause)


def _last_list(marks: Marks, mentions: Sequence[Mention], entries: list[_Said]) -> list[_Said]:
    """The last finding of a clause: what goes on with a place alone speaks of it."""
    if len(entries) != len(mentions):
        return entries[-1:]
    first = len(mentions) - 1
    while first and not any(
        word in marks.language.lexicon["verb"] or word in marks.language.lexicon["preposition"]
        for word in marks.words[mentions[first - 1].end : mentions[first].start]
    ):
        first -= 1
    return entries[first:]


def _read_place(
    marks: Marks,
    clause: Clause,
    subjects: Sequence[_Said],
    said: dict[tuple[str, Presence], _Said],
) -> None:
    """A clause that names a place alone: an exception, or what is said of the finding there."""
    places = places_within(marks, clause.start, clause.end)
    if not places:
        return
    for subject in subjects:
        subject.end = max(subject.end, clause.end)
        own = merged(subject.places)
        if clause.is_exception and _covers(own, places):
            subject.places = list(without(own, places))
            continue
        presence = Presence.ABSENT if clause.is_exception else clause.asserts
        if presence is None:
            continue
        entry = said.setdefault(
            (subject.name, presence), _Said(subject.name, presence, subject.start, clause.end)
        )
        entry.places.extend(places)


def _covers(places: Sequence[Place], excepted: Sequence[Place]) -> bool:
    """Whether an exception takes something away: its side is among the sides, or none is named."""
    sides = {place.side for place in places} - {None}
    return not sides or all(place.side is None or place.side in sides for place in excepted)


def _finding(entry: _Said, tokens: Sequence[Token]) -> Finding:
    end = min(entry.end, len(tokens))
    return Finding(
        name=entry.name,
        presence=entry.presence,
        places=merged(entry.places),
        extent=tuple(entry.extent),
        size=entry.size,
        count=entry.count,
        span=(tokens[entry.start].start, max(token.end for token in tokens[entry.start : end])),
    )
