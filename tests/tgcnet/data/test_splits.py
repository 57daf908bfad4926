"""Division by subject, on many random sets: nobody is ever on two sides."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tgcnet.data.rows import Row
from tgcnet.data.splits import Division, divide, parse_division
from tgcnet.errors import InputError


def random_set(random: Random) -> tuple[list[Row], list[bytes | None]]:
    """Rows of which some share a subject, some a file, some their pixels, some nothing."""
    rows, digests = [], []
    for number in range(random.randint(100, 200)):
        rows.append(Row(
            number=number,
            image=Path("images") / f"{random.choice([number, number, number // 2])}.png",
            mask=Path("masks") / f"{number}.png",
            report="",
            subject=random.choice(["", f"s{random.randint(0, 90)}"]),
        ))  # fmt: skip
        digests.append(random.choice([None, random.randbytes(2), bytes([random.randint(0, 250)])]))
    return rows, digests


@pytest.mark.parametrize("seed", range(60))
def test_what_belongs_together_stays_together(seed: int) -> None:
    random = Random(seed)
    rows, digests = random_set(random)
    division = Division(shares=random.choice([(8, 2), (60, 20, 20), (1, 1, 1)]), seed=seed)
    splits = divide(rows, digests, division)
    assert len(splits) == len(rows)
    assert set(splits) == set(division.names)
    sides: dict[object, set[str]] = defaultdict(set)
    for row, digest, split in zip(rows, digests, splits, strict=True):
        sides[row.image].add(split)
        if row.subject:
            sides[row.subject].add(split)
        if digest is not None:
            sides[digest].add(split)
    assert all(len(found) == 1 for found in sides.values())


def single(count: int) -> list[Row]:
    return [
        Row(number=n, image=Path(f"{n}.png"), mask=Path("m"), report="", subject=f"s{n // 2}")
        for n in range(count)
    ]


def test_shares_are_met_and_the_order_of_rows_decides_nothing() -> None:
    rows = single(400)
    division = Division(shares=(80, 10, 10), seed=3)
    splits = divide(rows, [None] * 400, division)
    assert [splits.count(name) for name in division.names] == [320, 40, 40]
    order = list(range(400))
    Random(0).shuffle(order)
    shuffled = divide([rows[i] for i in order], [None] * 400, division)
    assert [splits[i] for i in order] == list(shuffled)


def test_the_seed_decides_who_goes_where() -> None:
    rows, digests = single(100), [None] * 100
    first, again, other = (
        divide(rows, digests, Division(shares=(1, 1), seed=seed)) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_slices_of_a_volume_stay_together() -> None:
    rows = [replace(row, image=Path(f"{row.number // 10}"), subject="") for row in single(100)]
    splits = divide(rows, [None] * 100, Division(shares=(1, 1)))
    assert all(len(set(splits[i : i + 10])) == 1 for i in range(0, 100, 10))


def test_a_split_without_anybody_is_refused() -> None:
    with pytest.raises(InputError, match=r"^10 rows of 5 patients divided as 98:1:1 leave val w"):
        divide(single(10), [None] * 10, Division(shares=(98, 1, 1)))


@pytest.mark.parametrize(
    ("text", "names"), [("80:20", ("train", "val")), ("8:1:1", ("train", "val", "test"))]
)
def test_a_division_is_read(text: str, names: tuple[str, ...]) -> None:
    assert parse_division(text, 7).names == names
    assert parse_division(text, 7).seed == 7


@pytest.mark.parametrize("text", ["", "80", "80:0", "80:-20", "a:b", "1:1:1:1", "80:10:"])
def test_what_is_no_division_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"is no division, expected two or three whole numbers"):
        parse_division(text)
