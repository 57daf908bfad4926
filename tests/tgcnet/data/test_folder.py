"""The data folder: tables and masks as people make them, read right or refused in one sentence."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.data.classes import read_mask
from tgcnet.data.layouts.three_columns import read_folder, table_rows
from tgcnet.data.rows import Row, at_row
from tgcnet.errors import InputError, ModalityUnknownError

HEADER = b"image,mask,report\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
        Image.new("L", (4, 3)).save(folder / part / "a.png")
    return folder


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (HEADER + b"a.png,a.png,gr\xf6\xdfer\n", r"as a table \(UnicodeDecodeError\); save it as"),
        (HEADER + b'a.png,a.png,"' + b"x" * 200_000, r"as a table \(Error\)"),
        (
            HEADER + b"a.png,a.png,t\n\na.png\n",
            "row 3 of captions.csv of set has no image or no mask",
        ),
        (
            HEADER + b",a.png,text\n",
            "row 2 of captions.csv of set has no image or no mask; fill it",
        ),
        (
            HEADER + b"../../x.png,a.png,t\n",
            "row 2 .* names a file by a path that leaves images/, exp",
        ),
        (
            HEADER + b"a.png,b/../../x.png,t\n",
            "row 2 .* names a file by a path that leaves masks/, exp",
        ),
        (HEADER + b"/etc/x.png,a.png,t\n", "names a file by a path that leaves images/"),
    ],
)
def test_a_table_that_is_none_is_refused_without_its_path(
    folder: Path, table: bytes, words: str
) -> None:
    (folder / "captions.csv").write_bytes(table)
    with pytest.raises(InputError, match=words) as caught:
        read_folder(folder)
    assert str(folder) not in str(caught.value)
    assert ".png" not in str(caught.value)


@pytest.mark.parametrize("row", [b"DOE.png,a.png,t\n", b"a.png,DOE.png,t\n"])
def test_a_file_that_is_not_there_is_told_by_its_row(folder: Path, row: bytes) -> None:
    (folder / "captions.csv").write_bytes(HEADER + b"a.png,a.png,t\n" + row)
    with pytest.raises(
        InputError, match=r"row 3 of .* names a file of \w+/ that is not th"
    ) as caught:
        read_folder(folder)
    assert "DOE" not in str(caught.value)


def test_what_a_reader_says_of_a_row_loses_the_files_name(folder: Path) -> None:
    row = Row(number=7, image=folder / "images" / "a.b", mask=folder / "masks" / "m", report="")
    with (
        pytest.raises(ModalityUnknownError, match=r"^row 7 of captions\.csv: its image: aa\.b \(m"),
        at_row(Row(**{**asdict(row), "mask": folder / "masks" / "mm"})),
    ):
        raise ModalityUnknownError("a.b: aa.b (m)")


def test_a_row_may_end_before_its_report(folder: Path) -> None:
    (folder / "captions.csv").write_bytes(HEADER + b"a.png,a.png\n")
    assert read_folder(folder)[0].report == ""


def palette(values: np.ndarray) -> Image.Image:
    """Every index black."""
    image = Image.fromarray(values.astype(np.uint8))
    image.putpalette([0] * 768)
    return image


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.png", lambda values: Image.fromarray(values > 0)),
        ("a.png", lambda values: Image.fromarray(values.astype(np.uint8))),
        ("a.png", lambda values: Image.fromarray(values.astype(np.uint8) * 200).convert("RGB")),
        ("a.png", palette),
        ("a.png", lambda values: Image.fromarray(values.astype(np.uint16) * 256)),
        ("a.tif", lambda values: Image.fromarray(values.astype(np.float32) * 0.25)),
        ("a.tif", lambda values: Image.fromarray(values.astype(np.int32) * 65_536)),
    ],
    ids=["bits", "grey", "colour", "palette", "16 bits", "float", "32 bits"],
)
def test_whatever_is_not_zero_belongs_to_the_mask(
    tmp_path: Path, name: str, make: Callable[[np.ndarray], Image.Image]
) -> None:
    values = np.array([[0, 1, 0, 2], [0, 0, 1, 0]])
    make(values).save(tmp_path / name)
    mask = read_mask(tmp_path / name)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, values > 0)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_mask_that_is_no_picture_is_named_without_its_path(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"^the mask cannot be read as a pict") as caught:
        read_mask(tmp_path / "a.png")
    assert str(tmp_path) not in str(caught.value)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (40, 40)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"cannot be read as a picture \(DecompressionBombError\)"):
        read_mask(tmp_path / "a.png")


def test_a_folder_inside_and_a_link_that_leads_out_are_read(folder: Path, tmp_path: Path) -> None:
    for part in ("images", "masks"):
        (folder / part / "sub").mkdir()
        (folder / part / "a.png").rename(tmp_path / f"{part}.png")
        (folder / part / "sub" / "a.png").symlink_to(tmp_path / f"{part}.png")
    (folder / "captions.csv").write_bytes(HEADER + b"sub/a.png,sub/a.png,text\n")
    assert read_folder(folder)[0].image.is_file()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            "image;mask;report\n",
            "its cells are parted by semicolons, so save it as CSV with commas",
        ),
        ("image\tmask\treport\n", "its cells are parted by tabs"),
        ("image,mask,report,report\n", "has the column 'report' twice, expected it once"),
        ("image,mask,report\na,a,left, lower\n", "row 2 of captions.csv of .* has more cells than"),
        ('image,mask,report\na,a,"left\nb,b,c\n', r"as a table \(Error\); .* quotes around texts"),
    ],
)
def test_a_table_that_would_lose_words_is_refused(tmp_path: Path, table: str, words: str) -> None:
    (tmp_path / "captions.csv").write_text(table)
    with pytest.raises(InputError, match=words):
        table_rows(tmp_path)


def test_blank_cells_past_the_header_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "captions.csv").write_text("image,mask,report\na,a,left,,\n")
    assert [row.report for row in table_rows(tmp_path)] == ["left"]


def test_a_dark_colour_is_marked_though_its_luminance_rounds_to_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), (0, 0, 1)).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png").all()
