"""Bits above the picture's: an overlay's are cut off, others show that the header is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless
from tests.tgcnet.io.dicom.phantoms import dataset, write

from tgcnet.errors import InputError
from tgcnet.io.dicom.pixels import decode_frame
from tgcnet.io.dicom.read_header import read_headers

RAMP = np.arange(16 * 12, dtype=np.int16).reshape(16, 12)
WIDE = np.arange(64 * 64, dtype=np.int16).reshape(64, 64)
UNSIGNED_12: dict[str, Any] = {"PixelRepresentation": 0, "BitsStored": 12, "HighBit": 11}
UNSIGNED_10 = {"PixelRepresentation": 0, "BitsStored": 10, "HighBit": 9}
SIGNED_12: dict[str, Any] = {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11}


def decode(folder: Path, *, overlay: int | None = None, syntax: str = "", **tags: Any) -> Any:
    one = dataset(**tags)
    if overlay is not None:
        one.add_new(0x60020100, "US", 16)
        one.add_new(0x60020102, "US", overlay)
    if syntax:
        one.compress(syntax, generate_instance_uid=False)
    return decode_frame(read_headers(write([one], folder)[0])[0])


def test_bits_of_an_overlay_are_cut_off(tmp_path: Path) -> None:
    pixels = RAMP | np.int16(0x4000)
    decoded = decode(tmp_path, overlay=14, pixels=pixels, **UNSIGNED_12)
    np.testing.assert_array_equal(decoded, RAMP - 1024)


def test_bits_of_an_overlay_are_found_in_any_order_of_bytes(tmp_path: Path) -> None:
    pixels = (RAMP | np.int16(0x4000)).astype(">i2")
    one = dataset(PixelData=pixels.tobytes(), TransferSyntaxUID=ExplicitVRBigEndian, **UNSIGNED_12)
    one.add_new(0x60000102, "US", 14)
    decoded = decode_frame(read_headers(write([one], tmp_path)[0])[0])
    np.testing.assert_array_equal(decoded, RAMP - 1024)


@pytest.mark.parametrize("overlay", [None, 0, 13])
def test_bits_that_are_no_overlays_are_told(tmp_path: Path, overlay: int | None) -> None:
    with pytest.raises(InputError) as caught:
        decode(tmp_path, overlay=overlay, pixels=RAMP | np.int16(0x4000), **UNSIGNED_12)
    assert str(caught.value) == (
        "The pixels of slice_0000.dcm do not fit its header: they range from 16384 to 16575, "
        "expected 0 to 4095 by its 12 bits (Bits Stored) and no overlay above them; export the "
        "series again."
    )


@pytest.mark.parametrize("syntax", ["", RLELossless])
def test_more_bits_than_declared_are_told(tmp_path: Path, syntax: str) -> None:
    with pytest.raises(InputError, match=r"range from 0 to 4095, expected 0 to 1023"):
        decode(tmp_path, syntax=syntax, pixels=WIDE, **UNSIGNED_10)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_a_compressed_picture_of_more_bits_than_declared_is_told(
    tmp_path: Path, syntax: str
) -> None:
    one = dataset(pixels=WIDE, **UNSIGNED_12)
    one.compress(syntax, generate_instance_uid=False)
    one.BitsStored, one.HighBit = 10, 9
    header = read_headers(write([one], tmp_path)[0])[0]
    with pytest.raises(InputError, match=r"do not fit its header: they range from 0 to 4095"):
        decode_frame(header)


@pytest.mark.parametrize("syntax", ["", RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("bits", [9, 10, 12, 16])
def test_pixels_that_fit_are_read_at_any_number_of_bits(
    tmp_path: Path, syntax: str, bits: int
) -> None:
    tags = {"PixelRepresentation": 0, "BitsStored": bits, "HighBit": bits - 1}
    pixels = WIDE % np.int16(2 ** min(bits, 12))
    np.testing.assert_array_equal(
        decode(tmp_path, syntax=syntax, pixels=pixels, **tags), pixels - 1024
    )


def test_a_picture_of_fewer_bits_than_declared_is_read(tmp_path: Path) -> None:
    few, many = dataset(pixels=WIDE % 256), dataset(pixels=WIDE % 256, **UNSIGNED_12)
    few.PixelRepresentation, few.BitsStored, few.HighBit = 0, 8, 7
    few.compress(JPEG2000Lossless, generate_instance_uid=False)
    many.file_meta.TransferSyntaxUID = JPEG2000Lossless
    many.PixelData = encapsulate([get_frame(few.PixelData, 0, number_of_frames=1)])
    many["PixelData"].VR, many["PixelData"].is_undefined_length = "OB", True
    decoded = decode_frame(read_headers(write([many], tmp_path)[0])[0])
    np.testing.assert_array_equal(decoded, WIDE % 256 - 1024)


def test_padding_may_use_all_bits(tmp_path: Path) -> None:
    pixels = RAMP.copy()
    pixels[0] = -2000
    decoded = decode(tmp_path, pixels=pixels, PixelPaddingValue=63536, **UNSIGNED_12)
    assert (decoded[0] == -1024).all()


def test_a_plane_of_padding_is_read(tmp_path: Path) -> None:
    pixels = np.full_like(RAMP, -2000)
    decoded = decode(tmp_path, pixels=pixels, PixelPaddingValue=63536, **UNSIGNED_12)
    assert (decoded == -1024).all()


@pytest.mark.parametrize("mask", [-1, 0x0FFF])
def test_signs_may_be_extended_or_cut_off(tmp_path: Path, mask: int) -> None:
    pixels = WIDE - 2048
    decoded = decode(tmp_path, pixels=pixels & np.int16(mask), **SIGNED_12)
    np.testing.assert_array_equal(decoded, pixels - 1024)


@pytest.mark.parametrize("pixels", [WIDE - 1000, WIDE - 3000, WIDE + 100])
def test_signed_pixels_that_fit_neither_way_are_told(tmp_path: Path, pixels: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"do not fit its header"):
        decode(tmp_path, pixels=pixels, **SIGNED_12)


def test_an_overlay_above_signed_pixels_is_cut_off(tmp_path: Path) -> None:
    pixels = (RAMP - 50) ^ np.int16(0x4000)
    np.testing.assert_array_equal(
        decode(tmp_path, overlay=14, pixels=pixels, **SIGNED_12), RAMP - 1074
    )
