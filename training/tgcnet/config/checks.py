"""What a configuration's fields may hold, checked where one is made: people write them by hand.

Each check raises ``ConfigError`` with a sentence that names the field, what was given and what was
expected. A field that holds several numbers is checked number by number.
"""

import functools
import re
from dataclasses import fields
from reprlib import repr as shortened
from typing import Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from tgcnet.errors import ConfigError

_MODULES = re.compile(r"\b(?:\w+\.)+(?=\w)")


def check_types(config: Any) -> None:
    """Every field of a dataclass holds what it declares; a whole number is a float, too.

    Texts are not quoted where one was expected: they may be names of files.
    """
    values = tuple(getattr(config, field.name) for field in fields(config))
    try:
        kind: Any = type(config)
        _fields_of(kind).validate_python(values, strict=True)
        return
    except ValidationError as error:
        index = int(error.errors(include_input=False)[0]["loc"][0])
    field, value = fields(config)[index], values[index]
    declared = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
    expected = declared.__name__ if isinstance(declared, type) else str(declared)
    given = f"a {type(value).__name__}" if "str" in expected else shortened(value)
    raise ConfigError(f"{field.name} must be {_MODULES.sub('', expected)}, got {given}")


@functools.cache
def _fields_of(cls: Any) -> Any:  # the tests' checks of types know no TypeAdapter[...]
    """What checks the values of a dataclass's fields, in their order."""
    kinds = (field.type for field in fields(cls))
    return TypeAdapter(tuple[*kinds])  # type: ignore[valid-type]


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


def _each(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
