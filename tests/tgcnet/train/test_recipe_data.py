"""What a run refuses or says of its data before it trains: held-out rows, overlap, sides."""

import csv
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.train.test_recipe_runner import run

from tgcnet.data.row_decoding import Example
from tgcnet.data.sources import Source, read_source
from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.train.checkpoint import FOLDER
from tgcnet.train.recipe_data import check_pixels_apart


def write_column(folder: Path, name: str, values: list[str]) -> None:
    """Give the rows of a table another column."""
    with (folder / "captions.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    with (folder / "captions.csv").open("w", newline="") as file:
        lines = [[*row, value] for row, value in zip(rows, values, strict=True)]
        csv.writer(file).writerows([[*header, name], *lines])


def held_out_source(data: Path, column: list[str], **kwargs: bool) -> int:
    """How many of the eight rows are used."""
    write_column(data / "seen", "held_out", column)
    return len(read_source(data, Source(folder="seen", modality=Modality.XRAY), **kwargs).rows)


def test_held_out_rows_are_not_trained_on_and_it_is_said(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_column(data / "seen", "held_out", ["true", "True", "false", "", *["false"] * 4])
    write_column(data / "scored", "held_out", ["true"] * 3)
    caplog.set_level(logging.INFO)
    folder = run(data, tmp_path / "run")
    assert "seen: 2 rows marked held_out are not trained on" in caplog.messages
    kept = json.loads((folder / "manifest.json").read_text())["provenance"]
    assert (kept["train_images"], kept["train_images_held_out"]) == ("6", "2")
    assert kept["val_images"] == "2"


@pytest.mark.parametrize(
    ("column", "is_trained_on", "expected"),
    [
        (["true"] * 3 + ["false"] * 5, True, 5),
        (["true"] * 3 + ["false"] * 5, False, 8),
        (["true"] * 8, False, 8),
        (["true"] * 8, True, r"seen has 8 rows and all others are marked held_out, expected at"),
        (
            ["", "yes", *[""] * 6],
            True,
            r"column held_out of seen says neither true nor false in row 3 of captions\.csv, exp",
        ),
    ],
)
def test_what_of_a_source_is_used(
    data: Path, column: list[str], is_trained_on: bool, expected: int | str
) -> None:
    if isinstance(expected, int):
        assert held_out_source(data, column, is_trained_on=is_trained_on) == expected
    else:
        with pytest.raises(InputError, match=expected):
            held_out_source(data, column, is_trained_on=is_trained_on)


def same_folder(data: Path) -> None:
    shutil.rmtree(data / "scored")
    (data / "scored").symlink_to(data / "seen")


def same_subjects(data: Path) -> None:
    write_column(data / "seen", "subject", ["DOE", "ROE", "", *["x"] * 5])
    write_column(data / "scored", "subject", ["ROE", "", "DOE"])  # the third is not scored


def same_pixels(data: Path) -> None:
    """One image, saved in another way."""
    picture = Image.open(data / "seen" / "images" / "p4.png")
    picture.save(data / "scored" / "images" / "p1.png", compress_level=0)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (same_folder, r"^2 images of the validation scored are trained on too, expected none, s"),
        (same_subjects, r"^1 subject of the validation scored is trained on too, .* name other f"),
        (same_pixels, r"^1 image of the validation scored is trained on too, in copies with the "),
    ],
)
def test_a_validation_that_was_trained_on_is_refused_before_training(
    data: Path, tmp_path: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(data)
    with pytest.raises(InputError, match=sentence) as refusal:
        run(data, tmp_path / "run")
    assert "exclude=" in str(refusal.value)
    assert not any(name in str(refusal.value) for name in ("DOE", "ROE", ".png", str(data)))
    assert not (tmp_path / "run" / FOLDER).exists()
    assert not (tmp_path / "run" / "log.csv").exists()


def test_rows_that_are_not_scored_may_be_trained_on(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "seen" / "images" / "p4.png", data / "scored" / "images" / "p2.png")
    assert run(data, tmp_path / "run").is_dir()


def test_slices_of_air_are_no_copies_of_each_other() -> None:
    plane = np.zeros((8, 8), dtype=np.uint8)
    air = [Example(image=plane, labels=plane, report="", modality=Modality.CT)]
    check_pixels_apart(air, air, "scored")


@pytest.mark.parametrize("is_image_side", [False, True])
def test_captions_of_the_images_side_are_told(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_image_side: bool
) -> None:
    folder = data / "seen"
    lines = ["image,mask,report"]
    for index in range(12):
        shutil.copy(folder / "images" / f"p{index % 8}.png", folder / "images" / f"n{index}.png")
        shutil.copy(folder / "masks" / f"p{index % 8}.png", folder / "masks" / f"n{index}.png")
        # The phantoms' lesions lie in the image's left half where the index is odd.
        side = "left" if index % 2 == is_image_side else "right"
        lines.append(f"n{index}.png,n{index}.png,Pneumonia in the {side} lung.")
    (folder / "captions.csv").write_text("\n".join(lines))
    run(data, tmp_path / "run")
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    if is_image_side:
        assert told[0].getMessage().startswith("seen: 12 of 12 one-sided captions name the half of")
        assert "`tgcnet data convert seen --patient-side --out NEW`" in told[0].getMessage()
    assert len(told) == is_image_side
