"""Dividing a data set so that no patient is on two sides."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from tgcnet.data.rows import Row
from tgcnet.errors import InputError

_NAMES = {2: ("train", "val"), 3: ("train", "val", "test")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """Into which splits rows go, and in what proportion; the seed decides who goes where."""

    shares: tuple[int, ...]
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Of the splits, in the order of the shares."""
        return _NAMES[len(self.shares)]


def parse_division(text: str, seed: int = 0) -> Division:
    """``80:20`` for train and val, ``80:10:10`` for train, val and test.

    Raises
    ------
    InputError
        If it is something else.
    """
    parts = [part.strip() for part in text.split(":")]
    shares = tuple(int(part) for part in parts if part.isdecimal())
    if len(shares) != len(parts) or len(shares) not in _NAMES or not all(shares):
        raise InputError(
            f"--split {text} is no division, expected two or three whole numbers above 0 with "
            "colons between them, such as 80:10:10 for train, val and test"
        )
    return Division(shares=shares, seed=seed)


def divide(
    rows: Sequence[Row], digests: Sequence[bytes | None], division: Division
) -> tuple[str, ...]:
    """The split of each row.

    Rows stay together that have a subject, a volume or an image's file in common, or whose images
    are the same to the last pixel. The same rows in another order are divided alike.

    Parameters
    ----------
    digests : of each row's decoded image; None equals no other

    Raises
    ------
    InputError
        If a split would be left without a row.
    """
    groups = _groups(rows, digests)
    # A hash, not a shuffle: the order of the table decides nothing.
    groups.sort(key=lambda members: _rank([rows[i] for i in members], division.seed))
    wanted = [share / sum(division.shares) * len(rows) for share in division.shares]
    splits = [""] * len(rows)
    for members in groups:
        emptiest = max(range(len(wanted)), key=wanted.__getitem__)
        wanted[emptiest] -= len(members)
        for index in members:
            splits[index] = division.names[emptiest]
    absent = [name for name in division.names if name not in splits]
    if absent:
        raise InputError(
            f"{len(rows)} rows of {len(groups)} patients divided as "
            f"{':'.join(map(str, division.shares))} leave {absent[0]} without any, expected at "
            "least one each; give it a larger share, or bring more patients"
        )
    return tuple(splits)


def _groups(rows: Sequence[Row], digests: Sequence[bytes | None]) -> list[list[int]]:
    """Indices of rows that are connected by anything they share."""
    root = list(range(len(rows)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    first: dict[Hashable, int] = {}
    for index, (row, digest) in enumerate(zip(rows, digests, strict=True)):
        for key in _keys(row, digest):
            root[find(index)] = find(first.setdefault(key, index))
    members: dict[int, list[int]] = defaultdict(list)
    for index in range(len(rows)):
        members[find(index)].append(index)
    return list(members.values())


def _keys(row: Row, digest: bytes | None) -> Iterator[Hashable]:
    yield "image", row.image.resolve()
    if row.is_slice:
        yield "unit", row.unit
    if row.subject:
        yield "subject", row.subject
    if digest is not None:
        yield "pixels", digest


def _rank(members: Sequence[Row], seed: int) -> tuple[str, str]:
    """Where a group stands in the order of a seed."""
    key = min(f"subject {row.subject}" if row.subject else f"image {row.name}" for row in members)
    return hashlib.sha256(f"{seed}/{key}".encode(errors="surrogatepass")).hexdigest(), key
