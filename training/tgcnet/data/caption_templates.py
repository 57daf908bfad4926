"""Sentences about where an opacity lies, for training: many wordings of one request.

The captions of the public sets hold 21 different words; a radiologist uses more. These templates
are our own words. Every word here is a word the embedded model learns, so a synonym belongs here
and not in a special case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tgcnet.domain import Side

FINDINGS = (
    "pulmonary infection", "infected area", "opacity", "opacities", "airspace opacity",
    "airspace opacities", "patchy opacities", "hazy opacity", "consolidation", "consolidations",
    "alveolar consolidation", "ground glass opacity", "ground glass opacities",
    "ground-glass opacities", "infiltrate", "infiltrates", "alveolar infiltrates", "pneumonia",
    "parenchymal thickening", "parenchymal thickenings", "airspace disease", "opacification",
    "interstitial thickening", "interstitial infiltrates", "inflammatory infiltrate",
)  # fmt: skip
ABSENT_FINDINGS = (
    "pleural effusion", "pneumothorax", "cardiomegaly", "lymphadenopathy", "rib fracture",
    "pulmonary edema", "pulmonary oedema", "nodule", "mass", "cavitation", "pneumoperitoneum",
)  # fmt: skip
_ZONE_WORDS = {
    "upper": ("upper", "upper", "apical"),
    "middle": ("middle", "mid", "middle"),
    "lower": ("lower", "lower", "basal", "basilar"),
    "anterior": ("anterior", "ventral"),
    "posterior": ("posterior", "dorsal"),
}
_PLACES = ("lung", "zone", "lung zone", "lung field", "field", "lobe", "hemithorax")
_PRELUDES = (
    "Male, 50 years old.", "Female, 61 years old.", "Fever and dry cough for some days.",
    "The heart size is normal.", "Chest radiograph in the anteroposterior projection.",
    "The cardiac silhouette is within normal limits.", "The mediastinum is normal.",
    "Endotracheal tube in place.", "Comparison with the previous study.",
    "Known history of hypertension.", "Oxygen saturation is reduced.",
)  # fmt: skip
_EXTENTS = ("", "", "", "patchy ", "multiple ", "diffuse ", "extensive ", "mild ", "peripheral ")
_SEEN = ("", "", " is seen", " is present", " can be seen", " is noted")
_COUNTS = ("zero", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One side with the zones asked for; no zones means the whole side."""

    side: Side
    zones: tuple[str, ...] = ()


def caption(places: Sequence[Place], *, num_areas: int) -> str:
    """A request in the words of QaTa-COV19's captions; ``places`` holds one or both sides."""
    spread = "bilateral" if len(places) == 2 else "unilateral"
    count = _COUNTS[num_areas] if num_areas < len(_COUNTS) else str(num_areas)
    areas = "area" if num_areas == 1 else "areas"
    where = " and ".join(f"{' '.join(p.zones) or 'all'} {p.side} lung" for p in places)
    return f"{spread} pulmonary infection, {count} infected {areas}, {where}."


def free_text(places: Sequence[Place], random: Random) -> str:
    """The same request in a radiologist's words, one of many."""
    finding = random.choice(_EXTENTS) + random.choice(FINDINGS)
    seen = random.choice(_SEEN)
    whole_sides = all(not p.zones for p in places)
    both = len(places) == 2 and places[0].zones == places[1].zones
    if both:
        return _capital(_both_sides(finding, seen, places[0].zones, random))
    if whole_sides and random.random() < 0.3:
        return _capital(" and ".join(f"{p.side}-sided {finding}" for p in places) + ".")
    where = " and ".join(_in_place(p, random) for p in places)
    if random.random() < 0.3:
        return _capital(f"{where.removeprefix('in ')} {finding}.")
    return _capital(f"{finding}{seen} {where}.")


def absent_elsewhere(side: Side, random: Random) -> str:
    """A sentence saying that the other side is free."""
    return random.choice(
        (
            f"The {side} lung is clear.",
            f"No {random.choice(FINDINGS)} in the {side} lung.",
            f"{_capital(side)} lung without {random.choice(FINDINGS)}.",
            f"The {side} side is unremarkable.",
        )
    )


def nothing_at_all(random: Random) -> str:
    """A sentence saying that both lungs are free."""
    return random.choice(
        (
            "No pulmonary infection.",
            "The lungs are clear.",
            "Both lungs are clear.",
            f"No {random.choice(FINDINGS)}.",
            f"No evidence of {random.choice(FINDINGS)}.",
            "No acute pulmonary abnormality.",
            "Normal chest radiograph.",
        )
    )


def anywhere(random: Random) -> str:
    """A report that names the finding and no place."""
    return _capital(f"{random.choice(_EXTENTS)}{random.choice(FINDINGS)}{random.choice(_SEEN)}.")


def surround(text: str, random: Random) -> str:
    """The text among sentences that have nothing to do with the request."""
    before, after = [], []
    if random.random() < 0.5:
        before.append(random.choice(_PRELUDES))
    if random.random() < 0.5:
        first, second = random.sample(ABSENT_FINDINGS, 2)
        after.append(random.choice((f"No {first}.", f"No {first} or {second}.",
                                    f"There is no evidence of {first}.")))  # fmt: skip
    return " ".join([*before, text, *after])


def vocabulary() -> tuple[str, ...]:
    """Texts that together hold every word these templates can say."""
    zones = [word for words in _ZONE_WORDS.values() for word in words]
    fixed = (
        "there is no evidence of or in the left-sided right-sided both bilateral bilaterally "
        "lungs bibasilar bibasal bases side is unremarkable clear without on and at of all "
        "unilateral areas area lung acute abnormality normal chest radiograph base"
    )
    return (*FINDINGS, *ABSENT_FINDINGS, *zones, *_PLACES, *_PRELUDES, *_EXTENTS, *_SEEN, *_COUNTS,
            *Side, fixed)  # fmt: skip


def _both_sides(finding: str, seen: str, zones: tuple[str, ...], random: Random) -> str:
    if not zones:
        return random.choice(
            (f"bilateral {finding}{seen}.", f"{finding}{seen} in both lungs.",
             f"{finding} bilaterally.", f"{finding} in the left and right lung.")
        )  # fmt: skip
    words = " and ".join(random.choice(_ZONE_WORDS[zone]) for zone in zones)
    if zones == ("lower",) and random.random() < 0.4:
        return random.choice(
            (f"bibasilar {finding}.", f"bibasal {finding}.", f"{finding} at both lung bases.")
        )
    return random.choice(
        (f"bilateral {words} zone {finding}.", f"{finding}{seen} in the {words} fields of both "
         "lungs.", f"{finding} in both {words} zones.")
    )  # fmt: skip


def _in_place(place: Place, random: Random) -> str:
    if not place.zones:
        return random.choice((f"in the {place.side} lung", f"on the {place.side}",
                              f"in all of the {place.side} lung"))  # fmt: skip
    words = " and ".join(random.choice(_ZONE_WORDS[zone]) for zone in place.zones)
    if place.zones == ("lower",) and random.random() < 0.2:
        return f"at the {place.side} base"
    site = random.choice(_PLACES)
    return random.choice((f"in the {words} {place.side} {site}", f"in the {place.side} {words} "
                          f"{site}"))  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
