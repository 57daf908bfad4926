"""TIFF planes and stacks."""

import logging
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.io import load_volume


@pytest.fixture
def stack() -> np.ndarray:
    # Three slices: tifffile writes them as the planes of a colour picture, and means a stack.
    return np.arange(3 * 5 * 7, dtype=np.uint8).reshape(3, 5, 7)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "f4", ">u2", ">f4"])
def test_planes_and_stacks_of_each_type(tmp_path: Path, stack: np.ndarray, dtype: str) -> None:
    order = ">" if dtype.startswith(">") else "<"
    for data in (stack[0], stack):
        tifffile.imwrite(tmp_path / "a.tif", data.astype(dtype), byteorder=order)
        volume = load_volume(tmp_path / "a.tif")
        np.testing.assert_array_equal(volume.array, data.reshape(-1, 5, 7))
        assert volume.array.dtype == np.dtype(dtype.lstrip(">"))
        assert volume.array.dtype.isnative


def test_doubles_and_halves_become_float32(tmp_path: Path, stack: np.ndarray) -> None:
    for dtype in (np.float64, np.float16):
        tifffile.imwrite(tmp_path / "a.tif", stack.astype(dtype))
        assert load_volume(tmp_path / "a.tif").array.dtype == np.float32


def test_hounsfield_values_tell_a_ct(tmp_path: Path, stack: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack.astype(np.int16) - 201)
    volume = load_volume(tmp_path / "a.tif")
    assert (volume.modality, volume.intensity_unit) == (Modality.CT, "HU")
    tifffile.imwrite(tmp_path / "a.tif", stack.astype(np.int16) - 200)
    assert load_volume(tmp_path / "a.tif").modality is Modality.UNKNOWN


def test_an_8bit_stack_is_display_ready_of_unknown_modality(
    tmp_path: Path, stack: np.ndarray
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack)
    volume = load_volume(tmp_path / "a.tif")
    assert (volume.modality, volume.is_display_ready) == (Modality.UNKNOWN, True)
    assert any("which end of the stack is the head" in notice for notice in volume.notices)
    assert volume.geometry.unit == "pixel"


def test_imagej_spacing_is_read_in_millimetres(tmp_path: Path, stack: np.ndarray) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", stack, imagej=True, resolution=(1 / 0.7, 1 / 0.8),
        metadata={"axes": "ZYX", "spacing": 2.5, "unit": "mm"},
    )  # fmt: skip
    geometry = load_volume(tmp_path / "a.tif").geometry
    assert geometry.unit == "mm"
    np.testing.assert_allclose(geometry.spacing_zyx, (2.5, 0.8, 0.7), rtol=1e-6)
    tifffile.imwrite(
        tmp_path / "b.tif", stack, imagej=True, resolution=(0.002, 0.002),
        metadata={"axes": "ZYX", "spacing": 3000.0, "unit": "um"},
    )  # fmt: skip
    np.testing.assert_allclose(load_volume(tmp_path / "b.tif").geometry.spacing_zyx, (3, 0.5, 0.5))


def test_ome_spacing_is_read(tmp_path: Path, stack: np.ndarray) -> None:
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "mm",
                "PhysicalSizeY": 600, "PhysicalSizeZ": 2, "PhysicalSizeZUnit": "mm"}  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, ome=True, metadata=metadata)
    volume = load_volume(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(volume.array, stack)
    np.testing.assert_allclose(volume.geometry.spacing_zyx, (2, 0.6, 0.5))


def test_a_printers_resolution_is_not_a_spacing(tmp_path: Path, stack: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack[0], resolution=(72, 72), resolutionunit="INCH")
    assert load_volume(tmp_path / "a.tif").geometry.unit == "pixel"


def test_colour_stacks_and_planar_colour(tmp_path: Path, stack: np.ndarray) -> None:
    colours = np.stack([stack] * 3, -1)
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb")
    np.testing.assert_array_equal(load_volume(tmp_path / "a.tif").array, stack)
    planar = np.moveaxis(colours[0], -1, 0)  # equal planes: a grey picture after all
    tifffile.imwrite(tmp_path / "b.tif", planar, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(load_volume(tmp_path / "b.tif").array, stack[:1])


@pytest.mark.parametrize(
    ("kind", "expected"), [("unassalpha", 100), ("assocalpha", 200), ("unspecified", 200)]
)
def test_alpha_by_its_kind(tmp_path: Path, kind: str, expected: int) -> None:
    pixels = np.full((4, 4, 4), 200, np.uint8)
    pixels[..., 3] = 128
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=[kind])
    assert np.all(load_volume(tmp_path / "a.tif").array == expected)


def test_deep_colour_keeps_16_bits(tmp_path: Path) -> None:
    pixels = np.full((4, 4, 3), 40_000, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    volume = load_volume(tmp_path / "a.tif")
    assert volume.array.dtype == np.uint16
    assert np.all(volume.array == 40_000)


def test_white_is_zero_is_turned_round(tmp_path: Path, stack: np.ndarray) -> None:
    for dtype, full in ((np.uint8, 255), (np.uint16, 65_535)):
        tifffile.imwrite(tmp_path / "a.tif", stack.astype(dtype), photometric="miniswhite")
        np.testing.assert_array_equal(
            load_volume(tmp_path / "a.tif").array, full - stack.astype(int)
        )


def test_palette_and_one_bit(tmp_path: Path, stack: np.ndarray) -> None:
    greys = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))[:, ::-1]
    tifffile.imwrite(tmp_path / "a.tif", stack[0], photometric="palette", colormap=greys)
    np.testing.assert_array_equal(load_volume(tmp_path / "a.tif").array[0], 255 - stack[0])
    tifffile.imwrite(tmp_path / "b.tif", stack[0] % 2 == 0, photometric="minisblack")
    np.testing.assert_array_equal(
        load_volume(tmp_path / "b.tif").array[0] == 255, stack[0] % 2 == 0
    )


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_compressed_stacks(
    tmp_path: Path, stack: np.ndarray, compression: str, dtype: type
) -> None:
    planes = [Image.fromarray(plane.astype(dtype)) for plane in stack]
    planes[0].save(
        tmp_path / "a.tif", save_all=True, append_images=planes[1:], compression=compression
    )
    volume = load_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.array, stack)
    assert volume.array.dtype == dtype


def test_several_channels_are_refused(tmp_path: Path) -> None:
    data = np.zeros((2, 3, 8, 8), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "ZCYX"})
    with pytest.raises(InputError, match=r"^a\.tif has the axes ZCYX with sizes \(2, 3, 8, 8\)"):
        load_volume(tmp_path / "a.tif")


def test_time_points_are_read_as_slices_and_said(tmp_path: Path, stack: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TYX"})
    volume = load_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.array, stack)
    assert any("time points" in notice for notice in volume.notices)


def test_only_the_first_of_several_images_is_read_and_said(
    tmp_path: Path, stack: np.ndarray
) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(stack[0])
        writer.write(np.zeros((9, 9), np.uint8))
    volume = load_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(volume.array, stack[:1])
    assert any("holds 2 images" in notice for notice in volume.notices)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_truncated_stacks_are_refused(tmp_path: Path, compression: str | None) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, 40, 40), dtype=np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise, compression=compression)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match=r"^a\.tif (is truncated|cannot be read as TIFF)"):
        load_volume(path)


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.complex64))
    with pytest.raises(InputError, match="holds complex64 values, expected one real number"):
        load_volume(tmp_path / "a.tif")


def test_absurd_sides_are_refused_before_decoding(tmp_path: Path) -> None:
    page = np.zeros((1, 1), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", page, metadata=None)
    raw = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        offsets = [tiff.pages.first.tags[t].valueoffset for t in ("ImageWidth", "ImageLength")]
    for offset in offsets:
        raw[offset : offset + 2] = (60_000).to_bytes(2, "little")
    (tmp_path / "a.tif").write_bytes(raw)
    with pytest.raises(InputError, match=r"says it is 60000 x 60000 pixels large"):
        load_volume(tmp_path / "a.tif")


def test_the_log_of_the_library_shows_no_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stack: np.ndarray
) -> None:
    path = tmp_path / "Jane-Doe.tif"
    tifffile.imwrite(path, stack, description="Jane", metadata=None)
    raw = path.read_bytes()
    with caplog.at_level(logging.DEBUG):
        for cut in range(8, len(raw), 16):
            path.write_bytes(raw[:cut])
            with pytest.raises(InputError):
                load_volume(path)
    assert not [record for record in caplog.records if record.name.startswith(("tifffile", "PIL"))]
    logging.getLogger("tifffile").warning("audible again")
    assert "audible again" in caplog.text
