"""PNG and JPEG to one grey plane."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from tgcnet.domain import Modality, SideKnowledge
from tgcnet.errors import InputError
from tgcnet.io import load_volume, save_labels


@pytest.fixture
def ramp() -> np.ndarray:
    return np.arange(5 * 7, dtype=np.uint8).reshape(5, 7) * 7


def save(path: Path, array: np.ndarray, mode: str | None = None, **options: Any) -> Path:
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png_bytes(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def test_an_8bit_png_is_a_radiograph_ready_for_display(tmp_path: Path, ramp: np.ndarray) -> None:
    volume = load_volume(save(tmp_path / "a.png", ramp))
    np.testing.assert_array_equal(volume.array, ramp[None])
    assert volume.array.dtype == np.uint8
    assert (volume.modality, volume.is_display_ready) == (Modality.XRAY, True)
    assert volume.intensity_unit == "stored"
    assert volume.geometry.unit == "pixel"
    assert volume.geometry.side_knowledge is SideKnowledge.ASSUMED
    assert "the patient's left is on the right of the image" in volume.notices[0]
    # x, the last array axis, runs to the patient's left.
    np.testing.assert_array_equal(volume.geometry.affine_lps @ (0, 0, 1, 0), (1, 0, 0, 0))
    assert volume.geometry.spacing_zyx == (1, 1, 1)
    assert not volume.geometry.affine_lps.flags.writeable


def test_a_stated_modality_wins(tmp_path: Path, ramp: np.ndarray) -> None:
    volume = load_volume(save(tmp_path / "a.png", ramp), modality=Modality.CT)
    assert (volume.modality, volume.is_display_ready) == (Modality.CT, True)
    assert volume.intensity_unit == "stored"
    assert any("taken as windowed" in notice for notice in volume.notices)


def test_16_bits_are_kept_and_say_nothing_about_the_modality(tmp_path: Path) -> None:
    deep = np.arange(35, dtype=np.uint16).reshape(5, 7) * 1800
    volume = load_volume(save(tmp_path / "a.png", deep))
    np.testing.assert_array_equal(volume.array, deep[None])
    assert volume.array.dtype == np.uint16
    assert (volume.modality, volume.is_display_ready) == (Modality.UNKNOWN, False)
    stated = load_volume(tmp_path / "a.png", modality=Modality.CT)
    assert stated.intensity_unit == "HU"
    assert any("No value is below 0" in notice for notice in stated.notices)


def test_a_grey_picture_in_colour_keeps_its_values(tmp_path: Path, ramp: np.ndarray) -> None:
    for mode in ("RGB", "RGBA", "LA"):
        volume = load_volume(save(tmp_path / "a.png", ramp, mode))
        np.testing.assert_array_equal(volume.array, ramp[None])


def test_colour_becomes_luminance(tmp_path: Path) -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    volume = load_volume(save(tmp_path / "a.png", colours))
    np.testing.assert_array_equal(volume.array, [[[76, 150, 29]]])


def test_transparency_lies_over_black(tmp_path: Path) -> None:
    pixels = np.array([[[200, 200, 200, 0], [200, 200, 200, 128], [200, 200, 200, 255]]], np.uint8)
    volume = load_volume(save(tmp_path / "a.png", pixels))
    np.testing.assert_array_equal(volume.array, [[[0, 100, 200]]])


def test_palette_and_transparent_colours_are_read(tmp_path: Path, ramp: np.ndarray) -> None:
    palette = Image.fromarray(ramp)
    palette.putpalette([level for grey in range(256) for level in (grey, grey, grey)])
    palette.save(tmp_path / "a.png", transparency=14)
    expected = np.where(ramp == 14, 0, ramp)
    np.testing.assert_array_equal(load_volume(tmp_path / "a.png").array, expected[None])
    save(tmp_path / "b.png", ramp, transparency=21)
    expected = np.where(ramp == 21, 0, ramp)
    np.testing.assert_array_equal(load_volume(tmp_path / "b.png").array, expected[None])


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    volume = load_volume(save(tmp_path / "a.png", np.array([[True, False]])))
    np.testing.assert_array_equal(volume.array, [[[255, 0]]])


def test_16_bit_colour_is_said_to_lose_bits(tmp_path: Path) -> None:
    row = b"\0" + struct.pack(">6H", *([0x1234] * 3 + [0xFF00] * 3))
    (tmp_path / "a.png").write_bytes(png_bytes(2, 1, 16, 2, row))
    volume = load_volume(tmp_path / "a.png")
    np.testing.assert_array_equal(volume.array, [[[0x12, 0xFF]]])
    assert any("16-bit colour was reduced" in notice for notice in volume.notices)


def test_jpeg_grey_and_cmyk(tmp_path: Path) -> None:
    flat = np.full((16, 16), 130, np.uint8)
    flat[:, 8:] = 40
    grey = load_volume(save(tmp_path / "a.jpg", flat, quality=95))
    assert np.abs(grey.array[0].astype(int) - flat).max() <= 2
    inks = load_volume(save(tmp_path / "b.jpg", np.stack([flat] * 3, -1), "CMYK", quality=95))
    assert np.abs(inks.array[0].astype(int) - flat).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_exif_turn_is_obeyed_and_undone(
    tmp_path: Path, ramp: np.ndarray, orientation: int
) -> None:
    image = Image.fromarray(ramp)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    volume = load_volume(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(volume.array[0], upright)
    assert any("turned upright" in n for n in volume.notices) is (orientation > 1)
    save_labels(volume.array, volume.geometry, tmp_path / "mask.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.png")), ramp)


def test_truncated_pictures_are_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    for name in ("a.png", "a.jpg"):
        path = save(tmp_path / name, noise)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(InputError, match=f"^{name} cannot be decoded, it is damaged"):
            load_volume(path)


def test_absurd_and_empty_sides_are_refused_before_decoding(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(60_000, 2_000, 8, 0, b""))
    with pytest.raises(InputError, match=r"^a\.png says it is 2000 x 60000 pixels large"):
        load_volume(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(png_bytes(60_000, 60_000, 8, 0, b""))
    with pytest.raises(InputError, match=r"^b\.png unpacks to more pixels than any radiograph"):
        load_volume(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(png_bytes(0, 5, 8, 0, b""))
    with pytest.raises(InputError, match=r"^c\.png cannot be decoded, it is damaged"):
        load_volume(tmp_path / "c.png")


def test_the_file_can_be_replaced_after_reading(tmp_path: Path, ramp: np.ndarray) -> None:
    path = save(tmp_path / "a.png", ramp)
    volume = load_volume(path)
    buffer = BytesIO()
    Image.fromarray(255 - ramp).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(volume.array[0], ramp)
