"""A report and what is read of it. Sides are always the patient's."""

from dataclasses import dataclass, field
from enum import StrEnum

ZONES = (
    *("upper", "middle", "lower", "lingula", "apex", "base", "perihilar", "central"),
    *("peripheral", "costophrenic angle", "anterior", "posterior", "lateral", "diffuse"),
)
"""The whole vocabulary of zones, in reading order."""


class Presence(StrEnum):
    """What a report says about a finding."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    HISTORY = "history"


class Side(StrEnum):
    """The patient's side."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a finding is: one side with its own zones.

    Attributes
    ----------
    side : LEFT or RIGHT, None where the text names no side; both sides are two places
    zones : in the vocabulary's order; empty where the whole side is meant
    """

    side: Side | None = None
    zones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.side is Side.BILATERAL:
            raise ValueError("a place has one side; both sides are two places")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding of a report, by its name in the knowledge base.

    Attributes
    ----------
    places : one a side, each with its own zones; empty where the text names none
    extent : words such as "patchy", "diffuse", "extensive", in the text's order, lower case
    size : as written ("3 cm", "small"); "" where the text names none
    count : how many, where the text says so
    span : characters of ``Report.text`` that it was read from, its cues and places included
    sentence : index into ``Report.sentences``
    """

    name: str
    presence: Presence
    places: tuple[Place, ...] = ()
    extent: tuple[str, ...] = ()
    size: str = field(default="", repr=False)
    count: int | None = None
    span: tuple[int, int] = (0, 0)
    sentence: int = 0

    @property
    def side(self) -> Side | None:
        """The side of all places together; None where no place names one."""
        sides = {place.side for place in self.places} - {None}
        return next(iter(sides), None) if len(sides) < 2 else Side.BILATERAL

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of all places, each once, in the vocabulary's order."""
        named = {zone for place in self.places for zone in place.zones}
        return tuple(zone for zone in ZONES if zone in named)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A clinical report, read. The text is the patient's: never logged.

    Attributes
    ----------
    sentences : without list marks and headings, single spaces
    sentence_spans : of each sentence, its first character in ``text`` and the one after its last
    language : "en"; "other" where most words are not of a language that can be read; "" where the
        text has too few words to tell
    unread : characters of ``text`` that were not understood, as spans like those above
    """

    text: str = field(repr=False)
    sentences: tuple[str, ...] = field(default=(), repr=False)
    sentence_spans: tuple[tuple[int, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    language: str = ""
    unread: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedText:
    """What one model's text encoder reads of a report.

    Attributes
    ----------
    sentences_kept, sentences_left_out : together all sentences of the report, in order
    token_ids : per kept sentence, the tokenizer's ids with start and end token
    sentences_past_end : those left out only because the report is longer than the model reads
    words_left_out : words inside kept sentences that this model never learned
    words_past_end : words inside kept sentences past the length it reads of a sentence
    findings : names of the findings whose knowledge sentences DATE reads beside the report
    """

    sentences_kept: tuple[str, ...] = field(default=(), repr=False)
    sentences_left_out: tuple[str, ...] = field(default=(), repr=False)
    token_ids: tuple[tuple[int, ...], ...] = field(default=(), repr=False)
    sentences_past_end: tuple[str, ...] = field(default=(), repr=False)
    words_left_out: tuple[str, ...] = field(default=(), repr=False)
    words_past_end: tuple[str, ...] = field(default=(), repr=False)
    findings: tuple[str, ...] = ()
