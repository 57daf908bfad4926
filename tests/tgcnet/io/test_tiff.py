"""TIFF planes and stacks."""

import logging
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.io import load_volume, save_labels


@pytest.fixture
def stack() -> np.ndarray:
    # Three slices: tifffile writes them as the planes of a colour picture, and means a stack.
    return np.arange(3 * 5 * 7, dtype=np.uint8).reshape(3, 5, 7)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "f4", ">u2", ">f4"])
def test_planes_and_stacks_of_each_type(tmp_path: Path, stack: np.ndarray, dtype: str) -> None:
    order: Literal["<", ">"] = ">" if dtype.startswith(">") else "<"
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


WAYS_TO_PACK = [None, "tiff_adobe_deflate", "tiff_lzw", "packbits"]


def save_pages(path: Path, pages: list[np.ndarray], packing: str | None, **tags: Any) -> Path:
    images = [Image.fromarray(page) for page in pages]
    images[0].save(path, save_all=True, append_images=images[1:], compression=packing, **tags)
    return path


@pytest.mark.parametrize("packing", WAYS_TO_PACK)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_obeyed_and_undone(
    tmp_path: Path, stack: np.ndarray, packing: str | None, orientation: int
) -> None:
    path = save_pages(tmp_path / "a.tif", list(stack), packing, tiffinfo={274: orientation})
    volume = load_volume(path)
    for plane, stored in zip(volume.array, stack, strict=True):
        picture = Image.fromarray(stored)
        picture.getexif()[274] = orientation
        np.testing.assert_array_equal(plane, ImageOps.exif_transpose(picture))
    is_told = "The image was turned upright as its TIFF orientation says." in volume.notices
    assert is_told is (orientation > 1)
    save_labels(volume.array, volume.geometry, tmp_path / "mask.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "mask.tif"), stack)


def test_a_spacing_turns_with_its_image(tmp_path: Path, stack: np.ndarray) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", stack, imagej=True, resolution=(1 / 0.7, 1 / 0.8),
        metadata={"axes": "ZYX", "spacing": 2.5, "unit": "mm"}, extratags=[(274, "H", 1, 6, False)],
    )  # fmt: skip
    geometry = load_volume(tmp_path / "a.tif").geometry
    np.testing.assert_allclose(geometry.spacing_zyx, (2.5, 0.7, 0.8), rtol=1e-6)
    save_labels(np.zeros((3, 7, 5), np.uint8), geometry, tmp_path / "mask.tif")
    mask = load_volume(tmp_path / "mask.tif")
    assert mask.array.shape == stack.shape
    np.testing.assert_allclose(mask.geometry.spacing_zyx, (2.5, 0.8, 0.7), rtol=1e-6)


@pytest.mark.parametrize("packing", [None, "tiff_lzw"])
def test_a_packet_without_a_tag_turns_nothing(
    tmp_path: Path, stack: np.ndarray, packing: str | None
) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="3"/></x:xmpmeta>'
    path = save_pages(tmp_path / "a.tif", [stack[0]], packing, tiffinfo={700: packet})
    np.testing.assert_array_equal(load_volume(path).array, stack[:1])


@pytest.mark.parametrize("packing", [None, "tiff_lzw"])
@pytest.mark.parametrize("unknown", [0, 9])
def test_an_unknown_orientation_turns_nothing(
    tmp_path: Path, stack: np.ndarray, packing: str | None, unknown: int
) -> None:
    path = save_pages(tmp_path / "a.tif", [stack[0]], packing, tiffinfo={274: 3})
    overwrite_orientation(path, unknown)
    np.testing.assert_array_equal(load_volume(path).array, stack[:1])


def overwrite_orientation(path: Path, orientation: int, page: int = 0) -> None:
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        chosen = tiff.pages[page]
        assert isinstance(chosen, tifffile.TiffPage)
        content[chosen.tags[274].valueoffset] = orientation
    path.write_bytes(content)


@pytest.mark.parametrize("packing", [None, "tiff_lzw"])
def test_slices_turned_differently_are_refused(
    tmp_path: Path, stack: np.ndarray, packing: str | None
) -> None:
    path = save_pages(tmp_path / "a.tif", list(stack), packing, tiffinfo={274: 3})
    overwrite_orientation(path, 1, page=1)
    with pytest.raises(InputError, match=r"^a\.tif holds slices that are turned .*\(.* 1 and 3\)"):
        load_volume(path)


@pytest.mark.parametrize("packing", [None, "tiff_lzw"])
def test_slices_with_other_pages_between_are_refused(
    tmp_path: Path, stack: np.ndarray, packing: str | None
) -> None:
    other = stack[1].astype(np.uint16)
    path = save_pages(tmp_path / "a.tif", [stack[0], other, stack[2]], packing)
    with pytest.raises(InputError, match=r"^a\.tif holds pages of several kinds in turn"):
        load_volume(path)
    path = save_pages(tmp_path / "a.tif", [stack[0], stack[2], other], packing)
    volume = load_volume(path)
    np.testing.assert_array_equal(volume.array, stack[[0, 2]], strict=True)
    assert any("holds 2 images" in notice for notice in volume.notices)


@pytest.mark.parametrize("packing", [None, "zlib"])
def test_an_ome_header_orders_the_pages(
    tmp_path: Path, stack: np.ndarray, packing: str | None
) -> None:
    places = "".join(f'<TiffData IFD="{2 - z}" FirstZ="{z}" PlaneCount="1"/>' for z in range(3))
    write_ome(tmp_path / "a.ome.tif", stack, places, packing)
    np.testing.assert_array_equal(load_volume(tmp_path / "a.ome.tif").array, stack[::-1])


def test_slices_that_an_ome_header_leaves_out_are_refused(
    tmp_path: Path, stack: np.ndarray
) -> None:
    places = "".join(f'<TiffData IFD="{z // 2}" FirstZ="{z}" PlaneCount="1"/>' for z in (0, 2))
    write_ome(tmp_path / "a.ome.tif", stack[:2], places, None)
    with pytest.raises(InputError, match=r"^a\.ome\.tif lacks 1 of its 3 slices"):
        load_volume(tmp_path / "a.ome.tif")


def write_ome(path: Path, pages: np.ndarray, places: str, packing: str | None) -> None:
    header: str | None = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:00000000-0000-0000-0000-000000000000"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="7" SizeY="5" '
        'SizeC="1" SizeZ="3" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        f"{places}</Pixels></Image></OME>"
    )
    with tifffile.TiffWriter(path) as writer:
        for page in pages:
            writer.write(
                page, photometric="minisblack", compression=packing, metadata=None,
                description=header, contiguous=False,
            )  # fmt: skip
            header = None


@pytest.mark.parametrize("packing", WAYS_TO_PACK)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_negative_reads_alike_however_it_is_packed(
    tmp_path: Path, stack: np.ndarray, packing: str | None, dtype: type
) -> None:
    path = save_pages(tmp_path / "a.tif", [stack[0].astype(dtype)], packing, tiffinfo={262: 0})
    # Pillow writes a negative of 8 bits; of 16 it writes the values as they are.
    expected = stack[0] if dtype is np.uint8 else 65_535 - stack[0].astype(dtype)
    np.testing.assert_array_equal(load_volume(path).array[0], expected)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32, np.float64])
def test_a_negative_of_signed_numbers_is_refused(
    tmp_path: Path, stack: np.ndarray, dtype: type
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack.astype(dtype), photometric="miniswhite")
    with pytest.raises(InputError, match=rf"white is zero and holds {np.dtype(dtype)} values"):
        load_volume(tmp_path / "a.tif")
