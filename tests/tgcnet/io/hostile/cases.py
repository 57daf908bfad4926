"""A hostile file, and what may become of it."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

Write = Callable[[Path], Path]
"""Writes into an empty folder; returns what is to be opened."""


class Allowed(StrEnum):
    """What an accepted volume must be like; a refusal is always right."""

    ANYTHING = "anything"
    """Nothing in the file could tell: flips among pixels, or where no field is written twice."""
    SAME_PLACE = "same place"
    """Shape and affine are the whole file's, or a notice says what is not."""
    SAME_CONTENT = "same content"
    """Its values as well."""
    TOLD = "told"
    """Only with a notice that the whole file does not get."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One hostile file.

    Attributes
    ----------
    kind, name : for the count, and to find it again
    whole : writes the file as it was before; None where it never was any
    """

    kind: str
    name: str
    write: Write
    allowed: Allowed = Allowed.ANYTHING
    whole: Write | None = None


@dataclass(frozen=True, kw_only=True)
class Base:
    """A whole file of few bytes."""

    name: str
    content: bytes

    def write(self, folder: Path) -> Path:
        return written(folder / self.name, self.content)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def changed(base: Base, content: bytes) -> Write:
    """Write other bytes under the base's name."""
    return lambda folder: written(folder / base.name, content)


def truncations(bases: Sequence[Base], count: int, allowed: Allowed) -> Iterator[Case]:
    """Cut each base at ``count`` places, the ends included."""
    for base in bases:
        for number in range(count):
            length = round(number * (len(base.content) - 1) / max(count - 1, 1))
            yield Case(
                kind="truncation",
                name=f"{base.name} cut at {length}",
                write=changed(base, base.content[:length]),
                allowed=allowed,
                whole=base.write,
            )


def bit_flips(
    bases: Sequence[Base], count: int, allowed: Allowed, *, kind: str = "bit flip"
) -> Iterator[Case]:
    """Flip one bit to five of each base, ``count`` times; half of them near its head."""
    for base in bases:
        chance = random.Random(f"{kind} {base.name}")
        for number in range(count):
            end = min(512, len(base.content)) if number % 2 else len(base.content)
            places = [chance.randrange(end) for _ in range(chance.choice((1, 1, 2, 5)))]
            yield Case(
                kind=kind,
                name=f"{base.name} flipped at {places}",
                write=changed(base, flipped(base.content, places, chance)),
                allowed=allowed,
                whole=base.write,
            )


def flipped(content: bytes, places: Sequence[int], chance: random.Random) -> bytes:
    """Flip a random bit of each byte named."""
    damaged = bytearray(content)
    for place in places:
        damaged[place] ^= 1 << chance.randrange(8)
    return bytes(damaged)
