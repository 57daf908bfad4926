"""What a configuration's fields may hold, checked where one is made: people write them by hand.

Each check raises ``ConfigError`` with a sentence that names the field, what was given and what was
expected. A field that holds several numbers is checked number by number.
"""

import re
from dataclasses import fields
from reprlib import repr as shortened
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from tgcnet.errors import ConfigError

_MODULES = re.compile(r"\b(?:\w+\.)+(?=\w)")


def check_types(config: Any) -> None:
    """Every field of a dataclass holds what it declares; a whole number is a float, too.

    Texts are not quoted where one was expected: they may be names of files.
    """
    for field in fields(config):
        value, declared = getattr(config, field.name), field.type
        if not _fits(value, declared):
            expected = declared.__name__ if isinstance(declared, type) else str(declared)
            given = f"a {type(value).__name__}" if "str" in expected else shortened(value)
            raise ConfigError(f"{field.name} must be {_MODULES.sub('', expected)}, got {given}")


def check_whole(config: object, *names: str, least: int = 1, most: int | None = None) -> None:
    """Whole numbers from ``least`` to ``most``; None means as large as one likes."""
    expected = f"at least {least}" if most is None else f"from {least} to {most}"
    for name in names:
        value = getattr(config, name)
        if any(n < least or (most is not None and n > most) for n in _each(value)):
            raise ConfigError(f"{name} must be {expected}, got {shortened(value)}")


def check_divisible(config: object, *names: str, by: int) -> None:
    """Multiples of ``by``, of which 0 is none here."""
    for name in names:
        value = getattr(config, name)
        if any(number < by or number % by for number in _each(value)):
            raise ConfigError(f"{name} must be divisible by {by} and at least {by}, got {value}")


def check_in(config: object, interval: str, *names: str) -> None:
    """Numbers in an interval as it is written: ``"(0, 1]"`` is without 0 and with 1.

    What is no number lies in none; infinity lies in ``"(0, inf]"`` and not in ``"(0, inf)"``.
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    for name in names:
        value = getattr(config, name)
        for number in _each(value):
            is_above = number >= low if interval[0] == "[" else number > low
            is_below = number <= high if interval[-1] == "]" else number < high
            if not (is_above and is_below):
                raise ConfigError(f"{name} must lie in {interval}, got {shortened(value)}")


def _fits(value: object, declared: Any) -> bool:
    if isinstance(declared, UnionType):
        return any(_fits(value, one) for one in get_args(declared))
    if get_origin(declared) is Literal:
        return value in get_args(declared)
    if get_origin(declared) is tuple:
        return isinstance(value, tuple) and _all_fit(value, *get_args(declared))
    # To Python true is a number, too.
    if declared in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, int | float if declared is float else declared)


def _all_fit(values: tuple[object, ...], *declared: Any) -> bool:
    if declared[-1] is Ellipsis:
        return all(_fits(value, declared[0]) for value in values)
    return len(values) == len(declared) and all(map(_fits, values, declared))


def _each(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
