"""Words for places in the chest: the patient's side and the zones, normalised.

Zones, this version's whole vocabulary, in reading order: ``upper``, ``middle``, ``lower``,
``apical``, ``basal``, ``perihilar``, ``central``, ``peripheral``, ``anterior``, ``posterior``,
``lateral``, ``diffuse``. A lobe gives the zone it is named after, although a lobe is no zone; a
caption's "all left lung" gives upper, middle and lower.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tgcnet.domain import Side

_LEFT, _RIGHT, _BOTH = Side.LEFT, Side.RIGHT, Side.BILATERAL
_THIRDS = ("upper", "middle", "lower")
ZONES = (
    *("upper", "middle", "lower", "apical", "basal", "perihilar"),
    *("central", "peripheral", "anterior", "posterior", "lateral", "diffuse"),
)

ANATOMY = (
    r"opacit(?:y|ies)|consolidations?|infiltrates?|pneumonia|pneumothorax|effusions?|"
    r"lungs?|lobes?|zones?|fields?|bases?|apex|apices|hil(?:um|a|ar)|sided?|hemithorax|"
    r"hemidiaphragm|pleura|pleural|costophrenic|ribs?|upper|mid|middle|lower|basilar|"
    r"basal|apical|perihilar|chest"
)
"""Words after which, in front of them, a lone L or R is a side."""

LAST = r"(?:(?<=,\s)|(?<=\())"
"""Behind this, a lone L or R at the end of what is said is a side: "effusion, R.", "(R)"."""
LAST_END = r"(?=\s*(?:[.,;)]|$))"

NO_SIDE = rf"""
    \b right \s+ (?: away | now | after | before | here | there ) \b
    | \b all \s+ right (?= \s* (?: [.,;!?] | $ ) )
    | \b (?: has | have | had | having | patient | he | she | been ) \s+ left \b
        (?! [\s-]+ (?: {ANATOMY} ) \b )
    | (?<! \b the \s ) (?<! \b on \s ) (?<! \b to \s ) \b left \s+
        (?: the | a | an | against | untreated | unchanged | alone | behind | over | open
        | in \s+ place | in \s+ situ ) \b
"""
"""Verbose pattern of "left" and "right" that name no side: the whole list of exceptions. After
"the", "on" or "to" they always name one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a place word says.

    Attributes
    ----------
    pattern : matched as whole words, case ignored; a space matches white space or a hyphen
    """

    pattern: str
    side: Side | None = None
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPlace:
    """A place word in a text, from character ``start`` up to ``end``."""

    start: int
    end: int
    place: Place


def _side_pattern(side: str) -> str:
    letter = side[0]
    return (
        rf"{side}(?: sided)?|{side}wards?|"
        # "Post RT" is radiotherapy.
        rf"(?<!post\s)(?<!after\s){letter}t(?: sided)?|{letter}\.?(?= (?:{ANATOMY})\b)|"
        rf"{LAST}{letter}{LAST_END}"
    )


# The first pattern that fits at a position wins, so the longer ones stand first.
PLACES = (
    Place(pattern=r"all (?:of the )?left(?= lung)", side=_LEFT, zones=_THIRDS),
    Place(pattern=r"all (?:of the )?right(?= lung)", side=_RIGHT, zones=_THIRDS),
    Place(pattern=r"all (?:lung )?(?:fields|zones|lobes)", side=_BOTH, zones=_THIRDS),
    Place(
        pattern=r"(?:both|the two)(?= (?:of the )?(?:upper |mid |middle |lower )?"
        r"(?:lungs?|hemithoraces|sides|bases|apices|lobes|zones|hila|pleura))",
        side=_BOTH,
    ),
    Place(pattern=r"bilateral(?:ly)?|bilat|[rl] ?[<>] ?[rl]", side=_BOTH),
    Place(pattern=r"bi ?(?:basilar|basal)(?:ly)?", side=_BOTH, zones=("basal",)),
    Place(pattern=r"bi ?apical(?:ly)?", side=_BOTH, zones=("apical",)),
    Place(pattern=r"bi ?hilar", side=_BOTH, zones=("perihilar",)),
    Place(pattern=r"ru[lz]|r\.u\.l", side=_RIGHT, zones=("upper",)),
    Place(pattern=r"rm[lz]|r\.m\.l", side=_RIGHT, zones=("middle",)),
    Place(pattern=r"rl[lz]|r\.l\.l", side=_RIGHT, zones=("lower",)),
    Place(pattern=r"lu[lz]|l\.u\.l", side=_LEFT, zones=("upper",)),
    Place(pattern=r"lm[lz]|l\.m\.l", side=_LEFT, zones=("middle",)),
    Place(pattern=r"ll[lz]|l\.l\.l", side=_LEFT, zones=("lower",)),
    Place(pattern=r"lingular?", side=_LEFT, zones=("middle",)),
    Place(pattern=_side_pattern("left"), side=_LEFT),
    Place(pattern=_side_pattern("right"), side=_RIGHT),
    Place(pattern=r"upper(?! limits?\b| abdom)|superior(?! vena)|suprahilar", zones=("upper",)),
    Place(pattern=r"mid(?:dle)?(?! aged)|mid(?:zone|lung)s?", zones=("middle",)),
    Place(
        pattern=r"lower(?! than| limits?\b| extremit)|inferior(?! vena)|infrahilar|retrocardiac",
        zones=("lower",),
    ),
    Place(pattern=r"apical|apex|apices", zones=("apical",)),
    Place(pattern=r"basal|basilar|bases|base(?! line)|basally", zones=("basal",)),
    Place(pattern=r"peri ?hilar|parahilar|hilar|hilum|hila", zones=("perihilar",)),
    Place(pattern=r"central(?:ly)?(?! (?:venous|lines?|catheters?)\b)", zones=("central",)),
    Place(pattern=r"peripheral(?:ly)?|periphery|subpleural", zones=("peripheral",)),
    Place(pattern=r"anterior(?:ly)?", zones=("anterior",)),
    Place(pattern=r"posterior(?:ly)?|dorsal(?:ly)?", zones=("posterior",)),
    Place(
        pattern=r"lateral(?:ly)?(?! (?:views?|radiographs?|films?|projections?|chest|images?|x)\b)",
        zones=("lateral",),
    ),
    Place(pattern=r"diffuse(?:ly)?|widespread|throughout|panlobar", zones=("diffuse",)),
)


def spaced(pattern: str) -> str:
    """A pattern in which a space matches white space and hyphens; ``" ?"`` makes them optional."""
    return pattern.replace(" ?", r"[\s-]*").replace(" ", r"[\s-]+")


PLACE_PATTERN = "|".join(spaced(place.pattern) for place in PLACES)
"""All place words as one pattern, without capturing groups, to be used between word boundaries."""

_PLACE_OR_NOT = re.compile(
    rf"(?:{NO_SIDE})|\b(?:"
    # Spaces are classes by now, so that the verbose flag, which NO_SIDE needs, loses none.
    + "|".join(f"(?P<p{i}>{spaced(place.pattern)})" for i, place in enumerate(PLACES))
    + r")(?!\w)",
    re.IGNORECASE | re.VERBOSE,
)
_ABBREVIATION = re.compile(
    rf"""
    \b (?P<side> [LR]) (?P<third> [UML]) (?P<part> [LZ]) \b
    | \b (?P<both> [LR] \s* [<>=] \s* [LR]) \b
    | (?<! post\s ) (?<! after\s ) \b (?P<short> [LR]) T \b (?: \. (?= \s+ \w ) )?
    | \b (?P<alone> [LR]) \.? (?= [\s-]+ (?: {ANATOMY} ) \b )
    | {LAST} (?P<last> [LR]) {LAST_END}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SPELT = {
    "side": {"L": "left", "R": "right"},
    "third": {"U": "upper", "M": "middle", "L": "lower"},
    "part": {"L": "lobe", "Z": "zone"},
}


def find_places(text: str) -> Iterator[FoundPlace]:
    """The place words of a text in order; idioms such as "left the hospital" are none."""
    for match in _PLACE_OR_NOT.finditer(text):
        if match.lastgroup is not None:
            place = PLACES[int(match.lastgroup[1:])]
            yield FoundPlace(start=match.start(), end=match.end(), place=place)


def joined_side(places: Iterable[Place]) -> Side | None:
    """One side for several places; left and right together are bilateral."""
    sides = {place.side for place in places} - {None}
    return next(iter(sides), None) if len(sides) < 2 else Side.BILATERAL


def joined_zones(places: Iterable[Place]) -> tuple[str, ...]:
    """The zones of several places, each once, in the vocabulary's order."""
    named = {zone for place in places for zone in place.zones}
    return tuple(zone for zone in ZONES if zone in named)


def spell_out_sides(text: str) -> str:
    """Write the abbreviations of sides as words, for an encoder that knows only words.

    Parameters
    ----------
    text : a caption or a report

    Returns
    -------
    str
        "RLL" as "right lower lobe", "LUZ" as "left upper zone", "Rt" and an L or R before an
        anatomical word, in brackets or last behind a comma as "right" or "left", "R>L" as "right
        and left".
    """
    return _ABBREVIATION.sub(_spell, text)


def _spell(match: re.Match[str]) -> str:
    sides = _SPELT["side"]
    if match["side"]:
        return " ".join(_SPELT[part][match[part].upper()] for part in ("side", "third", "part"))
    if match["both"]:
        former, latter = match["both"][0].upper(), match["both"][-1].upper()
        return f"{sides[former]} and {sides[latter]}"
    return sides[(match["short"] or match["alone"] or match["last"]).upper()]
