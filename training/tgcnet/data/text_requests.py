"""What a training sample asks for: a text drawn for an image, with the mask cut to match.

A model that always hears the whole truth learns to ignore the words, because the image already
shows where the disease is. So a good share of the samples names only part of what is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from random import Random

import numpy as np

from tgcnet.config.checks import check_in, check_types
from tgcnet.data import caption_templates
from tgcnet.data.caption_templates import Place
from tgcnet.data.regions import CT_ZONES, XRAY_ZONES, components, split_by_side, split_by_zone
from tgcnet.domain import Modality, Side
from tgcnet.errors import ConfigError

_SIDES = (Side.RIGHT, Side.LEFT)
# A band with less than this share of its side's pixels is the edge of its neighbour.
_BAND_SHARE = 0.12
# Shares such as 0.1 have no exact form in binary, and seven of them may exceed 1 by that.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A text (empty: no report) and the (Y, X) bool mask that answers it."""

    text: str
    mask: np.ndarray


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestMix:
    """How often which kind of request is drawn; shares of one, the rest is the given report."""

    no_text: float = 0.2
    reworded: float = 0.1
    one_side: float = 0.16
    some_zones: float = 0.12
    one_lesion: float = 0.03
    wrong_side: float = 0.05
    nothing: float = 0.02

    def __post_init__(self) -> None:
        check_types(self)
        names = [field.name for field in fields(self)]
        check_in(self, "[0, 1]", *names)
        total = sum(getattr(self, name) for name in names)
        if total > 1 + _ROUNDING:
            raise ConfigError(
                f"the shares of a RequestMix must add up to 1 at most, got {total:.6g}; what is "
                "left is the share of the given report"
            )


def draw_request(
    mask: np.ndarray, report: str, modality: Modality, mix: RequestMix, random: Random
) -> Request:
    """One request for an image with reference ``mask`` (Y, X) bool in the radiological view."""
    zones = CT_ZONES if modality is Modality.CT else XRAY_ZONES
    if not mask.any():
        return Request(text=_for_a_clear_image(zones, random), mask=mask)
    nothing = np.zeros_like(mask)
    draws: tuple[tuple[float, Callable[[], Request]], ...] = (
        (mix.no_text, lambda: Request(text="", mask=mask)),
        (mix.reworded, lambda: _reworded(mask, zones, random)),
        (mix.one_side, lambda: _one_side(mask, zones, random)),
        (mix.some_zones, lambda: _some_zones(mask, zones, random)),
        (mix.one_lesion, lambda: _one_lesion(mask, zones, random)),
        (mix.wrong_side, lambda: _wrong_side(mask, zones, random)),
        (mix.nothing, lambda: Request(text=caption_templates.nothing_at_all(random), mask=nothing)),
    )
    chosen = random.random()
    for share, draw in draws:
        chosen -= share
        if chosen < 0:
            request = draw()
            break
    else:
        request = Request(text=report, mask=mask)
    if request.text and random.random() < 0.3:
        return Request(text=caption_templates.surround(request.text, random), mask=request.mask)
    return request


def describe(mask: np.ndarray, zones: dict[str, tuple[float, float]]) -> list[Place]:
    """The places of a mask: its sides with the zones that hold a fair share of it."""
    places = []
    for side, part in split_by_side(mask).items():
        if part.any():
            bands = split_by_zone(part, zones)
            total = np.count_nonzero(part)
            named = tuple(n for n, b in bands.items() if np.count_nonzero(b) / total > _BAND_SHARE)
            places.append(Place(side=side, zones=() if len(named) == len(zones) else named))
    return places


def say(places: list[Place], num_areas: int, random: Random) -> str:
    """The places as a caption or in free words."""
    if random.random() < 0.4:
        return caption_templates.caption(places, num_areas=num_areas)
    return caption_templates.free_text(places, random)


def _for_a_clear_image(zones: dict[str, tuple[float, float]], random: Random) -> str:
    kind = random.random()
    if kind < 0.4:
        return ""
    if kind < 0.6:
        return caption_templates.nothing_at_all(random)
    if kind < 0.75:
        return caption_templates.anywhere(random)
    return say([_random_place(random.choice(_SIDES), zones, random)], 1, random)


def _random_place(side: Side, zones: dict[str, tuple[float, float]], random: Random) -> Place:
    return Place(side=side, zones=() if random.random() < 0.4 else (random.choice(list(zones)),))


def _reworded(mask: np.ndarray, zones: dict[str, tuple[float, float]], random: Random) -> Request:
    kind = random.random()
    places = describe(mask, zones)
    if kind < 0.3:
        return Request(text=caption_templates.anywhere(random), mask=mask)
    if kind < 0.55:
        places = [Place(side=place.side) for place in places]
    return Request(text=caption_templates.free_text(places, random), mask=mask)


def _one_side(mask: np.ndarray, zones: dict[str, tuple[float, float]], random: Random) -> Request:
    sides = split_by_side(mask)
    side = random.choice([side for side in _SIDES if sides[side].any()])
    part = sides[side]
    places = describe(part, zones)
    if random.random() < 0.4:
        places = [Place(side=side)]
    text = say(places, len(components(part)), random)
    if random.random() < 0.2:
        other = Side.LEFT if side is Side.RIGHT else Side.RIGHT
        text = f"{text} {caption_templates.absent_elsewhere(other, random)}"
    return Request(text=text, mask=part)


def _some_zones(mask: np.ndarray, zones: dict[str, tuple[float, float]], random: Random) -> Request:
    sides = split_by_side(mask)
    side = random.choice([side for side in _SIDES if sides[side].any()])
    bands = split_by_zone(sides[side], zones)
    names = [name for name in bands if random.random() < 0.5] or [random.choice(list(bands))]
    part = np.logical_or.reduce([bands[name] for name in names])
    text = say([Place(side=side, zones=tuple(names))], len(components(part)), random)
    return Request(text=text, mask=part)


def _one_lesion(mask: np.ndarray, zones: dict[str, tuple[float, float]], random: Random) -> Request:
    """One region that its place tells apart from all others; else one side."""
    regions = components(mask)
    random.shuffle(regions)
    places = [describe(region, zones) for region in regions]
    for region, place in zip(regions, places, strict=True):
        if len(regions) > 1 and len(place) == 1 and places.count(place) == 1 and place[0].zones:
            elsewhere = mask & ~region
            same_place = split_by_side(elsewhere)[place[0].side]
            if not set(split_by_zone(same_place, zones)) & set(place[0].zones):
                return Request(text=say(place, 1, random), mask=region)
    return _one_side(mask, zones, random)


def _wrong_side(mask: np.ndarray, zones: dict[str, tuple[float, float]], random: Random) -> Request:
    """A side on which nothing is; where both have something, one side instead."""
    free = [side for side, part in split_by_side(mask).items() if not part.any()]
    if not free:
        return _one_side(mask, zones, random)
    place = _random_place(free[0], zones, random)
    return Request(text=say([place], 1, random), mask=np.zeros_like(mask))
