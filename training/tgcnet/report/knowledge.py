"""The knowledge base: what the findings of chest reports are called and what they look like.

A versioned JSON file beside this module. The report reader looks for its names and synonyms; DATE
reads its sentences; a DICOM SEG takes its codes. Trained weights depend on the sentences and the
terms, so a file in which one of these changed is a new version with a new file name.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from importlib import resources
from typing import Any

from tgcnet.errors import ConfigError

VERSIONS = ("1", "2")
"""Version 1 is that of all weights whose manifest names none."""

READER_VERSION = "2"
"""The version that the report reader takes its names and terms from."""

MAX_SENTENCE_WORDS = 30
"""Short enough for a CLIP text tower's 77 tokens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """A code that other programs know: scheme SCT is SNOMED CT, DCM is DICOM's own (PS3.16)."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KnowledgeFinding:
    """One finding.

    Attributes
    ----------
    name : lower case, unique; manifests and reports refer to it
    synonyms : other ways to write it, plurals and spellings included, lower case; a space
        matches white space or a hyphen
    broader : the name that version 1 has for it, where that is another one
    codes : of the name, and of synonyms that have their own; of DICOM's tables (CID 6104 and 7159)
        where they have one, else of SNOMED CT
    sentences : plain facts on appearance, place and distribution, each under 30 words
    """

    name: str
    synonyms: tuple[str, ...]
    sentences: tuple[str, ...]
    broader: str = ""
    codes: Mapping[str, Coded] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for term in self.codes:
            if term not in self.terms:
                raise ConfigError(
                    f"the finding {self.name!r} has a code for {term!r}, which is none of its terms"
                )
        if not self.sentences:
            raise ConfigError(f"the finding {self.name!r} has no sentence; give it at least one")
        for sentence in self.sentences:
            num_words = len(sentence.split())
            if not 0 < num_words < MAX_SENTENCE_WORDS:
                raise ConfigError(
                    f"a sentence of the finding {self.name!r} has {num_words} words; between 1 and "
                    f"{MAX_SENTENCE_WORDS - 1} fit a text encoder, so split it"
                )

    @property
    def terms(self) -> tuple[str, ...]:
        """The name, then the synonyms."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """All findings of one version, in the file's order; no two share a term."""

    version: str
    language: str
    findings: tuple[KnowledgeFinding, ...]

    def __post_init__(self) -> None:
        owners: dict[str, str] = {}
        for finding in self.findings:
            for term in finding.terms:
                if not term or term != " ".join(term.lower().split()):
                    raise ConfigError(
                        f"the term {term!r} of the finding {finding.name!r} must be lower case "
                        "with single spaces"
                    )
                if term in owners:
                    raise ConfigError(
                        f"the term {term!r} of the finding {finding.name!r} already belongs to "
                        f"{owners[term]!r}; a term names one finding, once"
                    )
                owners[term] = finding.name

    @property
    def codes(self) -> dict[str, Coded]:
        """The codes of all terms that have one."""
        return {term: code for finding in self.findings for term, code in finding.codes.items()}

    def find(self, name: str) -> KnowledgeFinding:
        """Look a finding up by its name.

        Raises
        ------
        ConfigError
            If this version has no finding of that name.
        """
        for finding in self.findings:
            if finding.name == name:
                return finding
        known = ", ".join(finding.name for finding in self.findings)
        raise ConfigError(
            f"the knowledge base, version {self.version}, has no finding {name!r}; it has: {known}"
        )


@cache
def load_knowledge(version: str = "1") -> Knowledge:
    """A version of the knowledge base that ships with the package, read and checked once.

    Raises
    ------
    ConfigError
        If there is no such version, or its file has been damaged.
    """
    if version not in VERSIONS:
        raise ConfigError(
            f"there is no version {version!r} of the knowledge base; there are: "
            f"{', '.join(VERSIONS)}"
        )
    path = resources.files("tgcnet.report") / "knowledge" / f"findings-v{version}.json"
    return knowledge_from_json(path.read_text(encoding="utf-8"))


def names_in(version: str, names: Iterable[str]) -> tuple[str, ...]:
    """What a version of the knowledge base calls findings of the newest one, each once."""
    if version == READER_VERSION:
        return tuple(dict.fromkeys(names))
    broader = {f.name: f.broader or f.name for f in load_knowledge(READER_VERSION).findings}
    return tuple(dict.fromkeys(broader.get(name, name) for name in names))


def knowledge_from_json(text: str) -> Knowledge:
    """Read a knowledge file.

    Parameters
    ----------
    text : JSON, an object with the fields of :class:`Knowledge`

    Raises
    ------
    ConfigError
        If it is not JSON, if a field is unknown, absent or of another kind, or if a term occurs
        twice.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f"the knowledge file is not JSON ({error}); restore the file that was installed"
        ) from error
    top = _checked(values, Knowledge, "the knowledge file")
    return Knowledge(
        version=_text(top["version"], "version"),
        language=_text(top["language"], "language"),
        findings=tuple(_findings(top["findings"])),
    )


def _findings(values: object) -> Iterator[KnowledgeFinding]:
    if not isinstance(values, list):
        raise ConfigError(f"findings must be a list of objects, got {type(values).__name__}")
    for number, value in enumerate(values, start=1):
        entry = _checked(value, KnowledgeFinding, f"finding number {number}")
        yield KnowledgeFinding(
            name=_text(entry["name"], f"the name of finding number {number}"),
            synonyms=_texts(entry["synonyms"], f"the synonyms of finding number {number}"),
            sentences=_texts(entry["sentences"], f"the sentences of finding number {number}"),
            broader=str(entry.get("broader", "")),
            codes=_codes(entry.get("codes", {}), f"the codes of finding number {number}"),
        )


def _codes(values: object, what: str) -> dict[str, Coded]:
    if not isinstance(values, dict):
        raise ConfigError(f"{what} must be an object, got {type(values).__name__}")
    entries = {term: _checked(code, Coded, f"{what}, {term!r},") for term, code in values.items()}
    return {
        term: Coded(**{name: _text(text, f"{what}, {term!r},") for name, text in entry.items()})
        for term, entry in entries.items()
    }


def _checked(value: object, cls: type, what: str) -> Mapping[str, Any]:
    """The value as an object that has the fields of a dataclass, those with a default or not."""
    expected = [f.name for f in fields(cls)]
    needed = [f.name for f in fields(cls) if f.default is f.default_factory is MISSING]
    if not isinstance(value, dict):
        raise ConfigError(f"{what} must be an object, got {type(value).__name__}")
    for name in value:
        if name not in expected:
            raise ConfigError(f"{what} has an unknown field {name!r}; known: {', '.join(expected)}")
    for name in needed:
        if name not in value:
            raise ConfigError(f"{what} has no field {name!r}; needed: {', '.join(needed)}")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{what} must be a text that is not empty, got {value!r}")
    return value


def _texts(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{what} must be a list of texts, got {type(value).__name__}")
    return tuple(_text(item, what) for item in value)
