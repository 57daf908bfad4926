"""How a reference set is parted: by patient, and so that nothing learnt is ever measured."""

import random
from pathlib import Path

import pytest

from tgcnet.data.reference_split import (
    MIN_REFERENCE_IMAGES,
    MIN_REPLAYED,
    measured_part,
    split_reference,
)
from tgcnet.data.rows import Row


def rows(count: int, *, images_a_subject: int = 0) -> list[Row]:
    """Rows without subjects, or with several images of each."""
    return [
        Row(
            number=index + 2,
            image=Path(f"{index}.png"),
            mask=Path(f"{index}.png"),
            report="",
            subject=f"s{index // images_a_subject}" if images_a_subject else "",
        )
        for index in range(count)
    ]


def test_each_image_is_measured_or_replayed_in_the_tables_order() -> None:
    given = rows(400)
    parts = split_reference(given)
    assert sorted(parts.measured + parts.replayed, key=given.index) == given
    assert list(parts.measured) == [row for row in given if row in parts.measured]
    assert 160 < len(parts.measured) < 240


@pytest.mark.parametrize(
    ("count", "num_measured"),
    [(3, 3), (100, 100), (100 + MIN_REPLAYED - 1, 100 + MIN_REPLAYED - 1), (130, 100)],
)
def test_a_hundred_are_measured_before_any_is_replayed(count: int, num_measured: int) -> None:
    parts = split_reference(rows(count))
    assert len(parts.measured) == num_measured
    assert len(parts.replayed) == count - num_measured


def test_all_images_of_a_patient_stay_together() -> None:
    parts = split_reference(rows(200, images_a_subject=7))
    assert len(parts.measured) >= MIN_REFERENCE_IMAGES
    assert parts.replayed
    assert not {row.subject for row in parts.measured} & {row.subject for row in parts.replayed}


def test_the_order_of_the_rows_decides_nothing() -> None:
    given = rows(300, images_a_subject=3)
    shuffled = random.Random(0).sample(given, len(given))
    assert set(split_reference(given).measured) == set(split_reference(shuffled).measured)


@pytest.mark.parametrize("images_a_subject", [0, 4])
def test_what_was_replayed_is_never_measured_as_the_set_grows(images_a_subject: int) -> None:
    given = random.Random(1).sample(rows(500, images_a_subject=images_a_subject), 500)
    replayed: set[Row] = set()
    for count in range(90, 500, 15):
        now = set(split_reference(given[:count]).replayed)
        assert replayed <= now
        replayed = now
    assert replayed


def test_the_gate_gets_the_measured_part(tmp_path: Path) -> None:
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        for index in range(130):
            (tmp_path / part / f"{index}.png").touch()
    table = "\n".join(["image,mask,report", *(f"{i}.png,{i}.png,text" for i in range(130))])
    (tmp_path / "captions.csv").write_text(table, encoding="utf-8")
    expected = [row.image.name for row in split_reference(rows(130)).measured]
    assert [row.image.name for row in measured_part(tmp_path)] == expected
