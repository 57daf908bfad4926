"""What the reader knows of a language: words from ``language/*.toml``, read and checked once.

The grammar is code; places, cues, abbreviations and the words of normal anatomy are data.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from tgcnet.domain import ZONES, Presence, Side
from tgcnet.errors import ConfigError
from tgcnet.report.knowledge import READER_VERSION, load_knowledge
from tgcnet.report.phrases import PhraseTree

ABNORMALITY = "abnormality"
"""Stands for any finding, in denials that name none: "no acute abnormality"."""

_ORDINALS = frozenset({"the", "of", "th", "st", "nd", "rd"})
_REACHES = ("forward", "backward", "adjective", "both")
_CUE_KINDS = (*Presence, "neutral", "ignore", "condition")
_TABLES = {
    "place": {"words", "side", "zones", "none"},
    "cue": {"words", "kind", "reach", "short", "weak"},
    "break": {"words"},
    "except": {"words"},
    "assert": {"words", "kind"},
    "subject": {
        *("words", "normal", "denies", "abnormal", "claims", "claim_is_doubtful", "doubtful"),
        *("placed", "zoneless"),
    },
    "head": {"words", "section"},
}


class Term(NamedTuple):
    """A finding's name or synonym."""

    name: str


class PlaceWord(NamedTuple):
    """What a place word says; ``is_none`` for words that look like a place and are none."""

    side: Side | None
    zones: tuple[str, ...]
    is_none: bool


class Cue(NamedTuple):
    """A cue of presence.

    Attributes
    ----------
    kind : a presence; "neutral" disarms its words, "ignore" drops the findings it reaches,
        "condition" makes them uncertain
    reach : forward, backward, both, or adjective: forward where it leads straight to a finding,
        else backward
    is_short : forward, it ends at a comma, unless the comma belongs to an "or" list
    is_weak : it does nothing under a denial ("no opacity to suggest pneumonia")
    """

    kind: str
    reach: str
    is_short: bool
    is_weak: bool


class Break(NamedTuple):
    """The end of a clause; after an exception come places that are left out."""

    is_exception: bool


class Subject(NamedTuple):
    """A part of the chest that may be normal, and what is said of it if it is, or is not."""

    normal: frozenset[str]
    denies: tuple[str, ...]
    abnormal: frozenset[str]
    claims: str
    is_doubtful: bool
    doubtful: frozenset[str]
    is_placed: bool
    is_zoneless: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """One language, ready to use.

    Attributes
    ----------
    marks : terms, places, cues and ends of clauses; values of the classes above
    asserts : words that open a statement about a place alone; values are presences
    subjects : parts of the chest; values are tuples of subjects
    normals : predicates of normality; values are "normal", "clear", "sharp" or "intact"
    heads : headings; values are sections
    known : all words that have a meaning, and those that merely tell the language
    """

    code: str
    abbreviations: Mapping[str, tuple[str, ...]]
    lexicon: Mapping[str, frozenset[str]]
    numbers: Mapping[str, int]
    marks: PhraseTree
    asserts: PhraseTree
    subjects: PhraseTree
    normals: PhraseTree
    links: PhraseTree
    heads: PhraseTree
    between: frozenset[str]
    gap_words: frozenset[str]
    known: frozenset[str]
    meaningful: frozenset[str]


@cache
def load_language(code: str = "en") -> Language:
    """A language's words, read and checked once.

    Raises
    ------
    ConfigError
        If the file has been damaged.
    """
    path = resources.files("tgcnet.report") / "language" / f"{code}.toml"
    return language_from_toml(path.read_text(encoding="utf-8"))


def language_from_toml(text: str) -> Language:
    """Read a language file; see ``language/en.toml`` for its form.

    Raises
    ------
    ConfigError
        If it is not TOML, or a table has an unknown field, or a value that is not allowed.
    """
    try:
        values = tomllib.loads(text)
        _check(values)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"the language file is not TOML ({error}); restore the file that was installed"
        ) from error
    places = _tree((words, _place(row)) for row in values["place"] for words in row["words"])
    marks = _tree(_marks(values))
    subjects = _subjects(values["subject"])
    normals = _tree(
        (words, kind)
        for kind, name in (
            ("sharp", "sharp"),
            ("clear", "clear"),
            ("intact", "intact"),
            ("normal", "words"),
        )
        for words in values["normal"][name]
    )
    lexicon = {name: frozenset(words) for name, words in values["lexicon"].items()}
    links = _tree((words, True) for words in values["lexicon"]["link"])
    heads = _tree((words, row["section"]) for row in values["head"] for words in row["words"])
    meaningful = frozenset(
        set().union(*(tree.words() for tree in (marks, subjects, normals, links, heads)))
        | {word for words in lexicon.values() for phrase in words for word in phrase.split()}
        | set(values["numbers"])
    )
    function = frozenset(values["words"]["function"].split())
    knowledge = {
        word
        for finding in load_knowledge(READER_VERSION).findings
        for sentence in finding.sentences
        for word in sentence.lower().replace(",", " ").replace(".", " ").split()
    }
    return Language(
        code=values["language"],
        abbreviations={k: tuple(v.split()) for k, v in values["abbreviations"].items()},
        lexicon=lexicon,
        numbers=values["numbers"],
        marks=marks,
        asserts=_tree(
            (words, Presence(row["kind"])) for row in values["assert"] for words in row["words"]
        ),
        subjects=subjects,
        normals=normals,
        links=links,
        heads=heads,
        between=frozenset(values["normal"]["between"]),
        gap_words=frozenset(places.words() | lexicon["size"] | lexicon["extent"] | _ORDINALS),
        known=meaningful | function | knowledge,
        meaningful=meaningful - function,
    )


def _marks(values: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Phrases with their values; of equal ones the former stays."""
    for row in values["break"]:
        yield from ((words, Break(is_exception=False)) for words in row["words"])
    for row in values["except"]:
        yield from ((words, Break(is_exception=True)) for words in row["words"])
    for finding in load_knowledge(READER_VERSION).findings:
        yield from ((term, Term(finding.name)) for term in finding.terms)
    for row in values.get("term", ()):
        yield from ((words, Term(row["finding"])) for words in row["words"])
    for row in values["place"]:
        yield from ((words, _place(row)) for words in row["words"])
    for row in values["cue"]:
        cue = Cue(row["kind"], row["reach"], row.get("short", False), row.get("weak", False))
        yield from ((words, cue) for words in row["words"])


def _place(row: Mapping[str, Any]) -> PlaceWord:
    side = Side(row["side"]) if "side" in row else None
    return PlaceWord(side, tuple(row.get("zones", ())), row.get("none", False))


def _subjects(rows: list[dict[str, Any]]) -> PhraseTree:
    """One tree; a part that several rows speak of has all of them as its value."""
    by_words: dict[str, list[Subject]] = {}
    for row in rows:
        subject = Subject(
            normal=frozenset(row.get("normal", ())),
            denies=tuple(row.get("denies", ())),
            abnormal=frozenset(row.get("abnormal", ())),
            claims=row.get("claims", ""),
            is_doubtful=row.get("claim_is_doubtful", False),
            doubtful=frozenset(row.get("doubtful", ())),
            is_placed=row.get("placed", False),
            is_zoneless=row.get("zoneless", False),
        )
        for words in row["words"]:
            by_words.setdefault(words, []).append(subject)
    return _tree((words, tuple(subjects)) for words, subjects in by_words.items())


def _tree(items: Any) -> PhraseTree:
    tree = PhraseTree()
    for words, value in items:
        tree.add(words, value)
    return tree


def _check(values: Mapping[str, Any]) -> None:
    for table, known in (_TABLES | {"term": {"words", "finding"}}).items():
        for row in values.get(table, ()):
            if unknown := set(row) - known:
                raise ConfigError(
                    f"a [[{table}]] of the language file has an unknown field "
                    f"{sorted(unknown)[0]!r}; known: {', '.join(sorted(known))}"
                )
            for words in row["words"]:
                if words != " ".join(words.lower().split()) or not words:
                    raise ConfigError(
                        f"the phrase {words!r} of a [[{table}]] must be lower case with single "
                        "spaces"
                    )
    for row in values["place"]:
        _check_value("zone", row.get("zones", ()), ZONES)
        _check_value("side", [row["side"]] if "side" in row else (), tuple(Side))
    for row in values["cue"]:
        _check_value("kind", [row["kind"]], _CUE_KINDS)
        _check_value("reach", [row["reach"]], _REACHES)
    findings = load_knowledge(READER_VERSION).findings
    names = (ABNORMALITY, *(finding.name for finding in findings))
    for row in values["subject"]:
        claimed = [row["claims"]] if "claims" in row else []
        _check_value("finding", [*row.get("denies", ()), *claimed], names)
    for row in values.get("term", ()):
        _check_value("finding", [row["finding"]], ("", *names))


def _check_value(what: str, given: Any, allowed: tuple[str, ...]) -> None:
    for value in given:
        if value not in allowed:
            raise ConfigError(
                f"the language file has the {what} {value!r}; allowed: {', '.join(allowed)}"
            )
