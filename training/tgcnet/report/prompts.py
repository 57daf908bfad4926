"""From findings to the sentence that a text tower reads.

A report is not pasted into a tower: equal findings have to give equal masks, whatever the wording,
and what a report denies, or says of something else, must not move them. So the findings to be
segmented become one sentence of a closed grammar, in the words of QaTa-COV19's captions, which
towers are trained on whole:

    unilateral | bilateral pulmonary infection, COUNT infected area(s), ZONES SIDE lung [and ...].

Zones are thirds of a radiograph, or the anterior and posterior half of a CT slice. A word for a
smaller or another part gives the third that it lies in; one that no zone answers to (peripheral,
diffuse) leaves the whole side.
"""

from collections.abc import Iterable, Sequence

from tgcnet.domain import Finding, Place, Presence, Side

CLAIMED = (Presence.PRESENT, Presence.UNCERTAIN)
"""A doubtful finding is looked for, too."""

DENIAL = "No pulmonary infection."
"""What a report becomes that denies all findings which a model can segment, and claims none."""
ANYWHERE = "Pulmonary infection."
"""A finding that the report gives no place."""

ZONES = ("upper", "middle", "lower", "anterior", "posterior")
_ZONE_OF = {
    **{zone: zone for zone in ZONES},
    "apex": "upper",
    "apical": "upper",
    "lingula": "middle",
    "perihilar": "middle",
    "base": "lower",
    "basal": "lower",
    "costophrenic angle": "lower",
}
_THIRDS = {"upper", "middle", "lower"}
_HALVES = {"anterior", "posterior"}
_SIDES = (Side.RIGHT, Side.LEFT)
_COUNTS = {1: "one infected area", 2: "two infected areas"}


def compile_prompt(findings: Iterable[Finding], segmentable: Sequence[str]) -> str:
    """The sentence that a model is to read of a report's findings.

    Parameters
    ----------
    findings : of a report, in any order and number
    segmentable : names of those that the model can segment

    Returns
    -------
    str
        One sentence; "" where no finding concerns the model, so that it runs without a text.

    Notes
    -----
    A finding without a place beside others with one is taken for what these show: "Left basal
    opacity. Impression: pneumonia." asks for the left base alone.
    """
    known = [finding for finding in findings if finding.name in segmentable]
    claimed = [finding for finding in known if finding.presence in CLAIMED]
    if not claimed:
        is_denied = any(finding.presence is Presence.ABSENT for finding in known)
        return DENIAL if is_denied else ""
    places = [place for finding in claimed for place in finding.places]
    return _sentence(places) if places else ANYWHERE


def _sentence(places: Iterable[Place]) -> str:
    """The canonical sentence of places, each side with its own zones."""
    zones = _zones_by_side(places)
    if not zones:
        return ANYWHERE
    spread = "bilateral" if len(zones) == 2 else "unilateral"
    where = " and ".join(f"{' '.join(zones[side]) or 'all'} {side} lung" for side in zones)
    return f"{spread} pulmonary infection, {_COUNTS[len(zones)]}, {where}."


def _zones_by_side(places: Iterable[Place]) -> dict[Side, tuple[str, ...]]:
    """Right, then left, each with its zones in order; no zones are the whole side.

    A place without a side ("basal opacities") is looked for on both; one that names neither a side
    nor a zone known here says nothing.
    """
    found: dict[Side, set[str]] = {}
    for place in places:
        zones = {_ZONE_OF[zone] for zone in place.zones if zone in _ZONE_OF}
        if place.side is None and not zones:
            continue
        for side in _SIDES if place.side is None else (place.side,):
            # A whole side takes its zones in: it is marked by all of them.
            found.setdefault(side, set()).update(zones or _THIRDS | _HALVES)
    return {side: _in_order(found[side]) for side in _SIDES if side in found}


def _in_order(zones: set[str]) -> tuple[str, ...]:
    is_whole = zones >= _THIRDS or zones >= _HALVES
    return () if is_whole else tuple(zone for zone in ZONES if zone in zones)
