"""The hash that names the very text a result used."""

import hashlib
from dataclasses import replace
from pathlib import Path

from tgcnet.data.rows import Row, captions_sha256, count_distinct

ROWS = tuple(
    Row(number=n, image=Path("images") / name, mask=Path("m"), report=text)
    for n, (name, text) in enumerate([("b.png", "Zwei, “rechts”."), ("a.png", 'left "lung"\n')], 2)
)


def test_the_canonical_form_is_what_the_documentation_says() -> None:
    canonical = '["a.png","left \\"lung\\"\\n"]\n["b.png","Zwei, “rechts”."]\n'
    assert captions_sha256(ROWS) == hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def test_order_folder_and_numbers_decide_nothing() -> None:
    moved = [replace(row, number=9, image=Path("x") / row.name, split="val") for row in ROWS[::-1]]
    assert captions_sha256(moved) == captions_sha256(ROWS)


def test_every_text_every_image_and_every_row_counts() -> None:
    hashes = {
        captions_sha256(rows)
        for rows in (
            ROWS,
            ROWS[:1],
            (ROWS[0], replace(ROWS[1], report=ROWS[1].report.strip())),
            (ROWS[0], replace(ROWS[1], image=Path("c.png"))),
            (*ROWS, ROWS[0]),
            (),
        )
    }
    assert len(hashes) == 6


def test_a_name_is_the_same_however_a_system_stores_it() -> None:
    composed, taken_apart = (
        (replace(ROWS[0], image=Path(name)),) for name in ("\u00fc.png", "u\u0308.png")
    )
    assert captions_sha256(composed) == captions_sha256(taken_apart)


def test_a_name_that_is_no_unicode_has_a_hash() -> None:
    assert captions_sha256((replace(ROWS[0], image=Path("\udcff.png")),))


def test_different_texts_are_counted() -> None:
    assert count_distinct((*ROWS, ROWS[0])) == 2
