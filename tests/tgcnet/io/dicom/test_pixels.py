"""Frames decoded to the modality's values: what is applied, what is told, what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from tests.tgcnet.io.dicom.phantoms import dataset, enhanced_ct, radiograph, write

from tgcnet.errors import InputError
from tgcnet.io.dicom.pixels import decode_frame
from tgcnet.io.dicom.read_header import read_headers
from tgcnet.io.dicom.series import FrameHeader
from tgcnet.io.dicom.values import common_dtype, frame_dtype

RAMP = np.arange(16 * 12, dtype=np.int16).reshape(16, 12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Doe Jane"


def headers_of(one: Dataset, folder: Path) -> tuple[FrameHeader, ...]:
    return read_headers(write([one], folder)[0])


def decode(one: Dataset, folder: Path) -> np.ndarray:
    return decode_frame(headers_of(one, folder)[0])


def unsigned(**tags: Any) -> Dataset:
    """A CT slice of 12 unsigned bits of 16, as most scanners write them."""
    return dataset(**{"PixelRepresentation": 0, "BitsStored": 12, "HighBit": 11} | tags)


def test_the_rescale_of_the_slice_itself_is_applied(folder: Path) -> None:
    decoded = decode(dataset(pixels=RAMP, RescaleSlope=2, RescaleIntercept=-1000), folder)
    np.testing.assert_array_equal(decoded, RAMP * 2 - 1000)


def test_hounsfield_units_of_whole_numbers_are_int16(folder: Path) -> None:
    assert decode(unsigned(pixels=RAMP), folder).dtype == np.int16
    assert decode(dataset(pixels=RAMP), folder).dtype == np.int16


def test_hounsfield_units_below_int16_become_its_lowest(folder: Path) -> None:
    stored = np.full((16, 12), -32000, dtype=np.int16)
    assert decode(dataset(pixels=stored), folder).max() == -32768


def test_a_fractional_slope_gives_float32_without_rounding_first(folder: Path) -> None:
    decoded = decode(dataset(pixels=RAMP, RescaleSlope=0.1, RescaleIntercept=0.5), folder)
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded, (RAMP * 0.1 + 0.5).astype(np.float32))


def test_the_type_of_a_series_comes_from_all_its_headers(folder: Path) -> None:
    whole = headers_of(unsigned(pixels=RAMP), folder)[0]
    assert common_dtype((whole, replace(whole, slope=0.5))) == np.float32
    assert common_dtype((whole, replace(whole, intercept=0.0))) == np.int16


def test_padding_of_a_ct_is_air(folder: Path) -> None:
    stored = RAMP.copy()
    stored[0] = -2000
    decoded = decode(dataset(pixels=stored, PixelPaddingValue=-2000), folder)
    assert (decoded[0] == -1024).all()
    np.testing.assert_array_equal(decoded[1:], RAMP[1:] - 1024)


def test_padding_outside_the_bits_of_the_picture_is_still_padding(folder: Path) -> None:
    stored = RAMP.copy()
    stored[0] = -2000  # 63536 of unsigned numbers, where 12 bits end at 4095
    decoded = decode(unsigned(pixels=stored, PixelPaddingValue=63536), folder)
    assert (decoded[0] == -1024).all()


def test_padding_of_a_radiograph_is_its_darkest_pixel(folder: Path) -> None:
    stored = np.full((20, 14), 1000, dtype=np.int16)
    stored[0], stored[1] = 0, 3000
    one = radiograph(pixels=stored, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1")
    decoded = decode(one, folder)
    assert (decoded[0] == 4095 - 3000).all()
    assert (decoded[1] == 4095 - 3000).all()


def test_monochrome1_of_a_radiograph_is_inverted_within_its_bits(folder: Path) -> None:
    stored = np.arange(20 * 14, dtype=np.int16).reshape(20, 14)
    decoded = decode(radiograph(pixels=stored, PhotometricInterpretation="MONOCHROME1"), folder)
    np.testing.assert_array_equal(decoded, 4095 - stored)


def test_monochrome1_leaves_hounsfield_units_as_they_are(folder: Path) -> None:
    decoded = decode(dataset(pixels=RAMP, PhotometricInterpretation="MONOCHROME1"), folder)
    np.testing.assert_array_equal(decoded, RAMP - 1024)


def test_windows_are_never_burnt_in(folder: Path) -> None:
    narrow = dataset(pixels=RAMP, WindowCenter=-1000, WindowWidth=2)
    np.testing.assert_array_equal(decode(narrow, folder), RAMP - 1024)


def lookup(entries: list[int], *, first: int = 0, bits: int = 16) -> list[Dataset]:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = entries
    item["LUTData"].VR = "US"
    return [item]


def test_the_viewing_table_of_a_radiograph_is_applied(folder: Path) -> None:
    stored = np.tile(np.arange(14, dtype=np.int16), (20, 1))
    one = radiograph(pixels=stored, VOILUTSequence=lookup([5, 10, 20, 40], first=2, bits=12))
    row = decode(one, folder)[0]
    assert row.dtype == np.uint16
    assert row[:7].tolist() == [5, 5, 5, 10, 20, 40, 40]


def test_an_inverted_viewing_table_is_inverted_within_its_own_bits(folder: Path) -> None:
    one = radiograph(
        pixels=np.zeros((20, 14), dtype=np.int16),
        VOILUTSequence=lookup([10, 20], bits=10),
        PhotometricInterpretation="MONOCHROME1",
    )
    assert decode(one, folder)[0, 0] == 1023 - 10


def test_the_viewing_table_of_a_ct_is_not_applied(folder: Path) -> None:
    one = dataset(pixels=RAMP, VOILUTSequence=lookup([1, 2]))
    np.testing.assert_array_equal(decode(one, folder), RAMP - 1024)


def test_the_modality_table_replaces_the_rescale(folder: Path) -> None:
    one = dataset(pixels=RAMP, ModalityLUTSequence=lookup([7, 9, 11], first=1))
    assert decode(one, folder)[0, :5].tolist() == [7, 7, 9, 11, 11]


def test_a_table_with_missing_entries_is_refused(folder: Path) -> None:
    one = dataset(pixels=RAMP, ModalityLUTSequence=lookup([7, 9, 11]))
    one.ModalityLUTSequence[0].LUTDescriptor = [9, 0, 16]
    with pytest.raises(InputError, match=r"of 3 entries that declares 9; export it again"):
        decode(one, folder)


def test_colour_becomes_grey(folder: Path) -> None:
    rgb = np.zeros((16, 12, 3), dtype=np.uint8)
    rgb[..., 0], rgb[0] = 100, 77
    one = dataset(
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        Modality="OT",
        PixelData=rgb.tobytes(),
    )
    decoded = decode(one, folder)
    assert decoded.dtype == np.uint8
    assert decoded[0, 0] == 77
    assert decoded[1, 0] == 30


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compression_without_loss_changes_nothing(folder: Path, syntax: str) -> None:
    stored = np.arange(64 * 64, dtype=np.int16).reshape(64, 64) - 2000
    one = dataset(pixels=stored)
    one.compress(syntax, generate_instance_uid=False)
    np.testing.assert_array_equal(decode(one, folder), stored - 1024)


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_rare_ways_to_write_a_file_are_read(folder: Path, syntax: str) -> None:
    one = dataset(pixels=RAMP)
    if syntax == ExplicitVRBigEndian:
        one.PixelData = RAMP.astype(">i2").tobytes()
        one["PixelData"].VR = "OW"
    one.file_meta.TransferSyntaxUID = UID(syntax)
    folder.mkdir()
    one.save_as(folder / "one.dcm")
    np.testing.assert_array_equal(decode_frame(read_headers(folder / "one.dcm")[0]), RAMP - 1024)


@pytest.mark.parametrize("frame", [0, 2, 3])
def test_a_frame_of_many_is_the_one_asked_for(folder: Path, frame: int) -> None:
    values = np.arange(4 * 16 * 12, dtype=np.int16).reshape(4, 16, 12)
    header = headers_of(enhanced_ct(values=values), folder)[frame]
    np.testing.assert_array_equal(decode_frame(header), values[frame] - 1024)


def test_a_compressed_frame_of_many_is_the_one_asked_for(folder: Path) -> None:
    values = np.arange(4 * 16 * 12, dtype=np.int16).reshape(4, 16, 12)
    one = enhanced_ct(values=values)
    one.compress(RLELossless, generate_instance_uid=False)
    header = headers_of(one, folder)[2]
    np.testing.assert_array_equal(decode_frame(header), values[2] - 1024)


def test_a_truncated_file_is_refused_and_names_no_folder(folder: Path) -> None:
    header = headers_of(dataset(pixels=RAMP), folder)[0]
    path = Path(header.file)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError) as caught:
        decode_frame(header)
    assert str(caught.value) == (
        "slice_0000.dcm is truncated: 374 bytes of pixels, expected 384; copy or export it again."
    )


def test_more_pixels_than_declared_are_refused(folder: Path) -> None:
    one = dataset(pixels=RAMP)
    one.Rows = 15
    with pytest.raises(InputError, match=r"holds 384 bytes of pixels where its header declares"):
        decode(one, folder)


def compressed(**tags: Any) -> Dataset:
    noise = np.random.default_rng(3).integers(0, 1000, (64, 64)).astype(np.int16)
    one = dataset(pixels=noise)
    one.compress(JPEG2000Lossless, generate_instance_uid=False)
    for keyword, value in tags.items():
        setattr(one, keyword, value)
    return one


def test_a_truncated_stream_is_refused(folder: Path) -> None:
    one = compressed()
    stream = get_frame(one.PixelData, 0, number_of_frames=1)
    one.PixelData = encapsulate([stream[: len(stream) // 2]])
    with pytest.raises(InputError, match=r"compressed picture breaks off; copy or export"):
        decode(one, folder)


def test_a_stream_of_another_size_than_declared_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"declares 64 x 60 pixels and its compressed picture 64"):
        decode(compressed(Columns=60), folder)


def test_a_damaged_stream_is_refused(folder: Path) -> None:
    one = compressed()
    stream = bytearray(get_frame(one.PixelData, 0, number_of_frames=1))
    stream[45:90] = bytes(45)
    one.PixelData = encapsulate([bytes(stream)])
    with pytest.raises(InputError, match=r"cannot be decoded: its compressed pixels are damaged"):
        decode(one, folder)


def test_a_decompression_bomb_is_refused(folder: Path) -> None:
    one = compressed(Rows=8000, Columns=8000)
    one.file_meta.TransferSyntaxUID = RLELossless
    with pytest.raises(InputError, match=r"claims to unpack to 128,000,000"):
        decode(one, folder)


def test_an_absurd_size_is_refused(folder: Path) -> None:
    header = replace(headers_of(dataset(pixels=RAMP), folder)[0], rows=60_000, columns=60_000)
    with pytest.raises(InputError, match=r"says it is 60000 x 60000 pixels large"):
        decode_frame(header)


def test_uncompressed_pixels_under_a_compressed_syntax_are_refused(folder: Path) -> None:
    header = headers_of(dataset(pixels=RAMP), folder)[0]
    path = Path(header.file)
    explicit, rle = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"
    path.write_bytes(path.read_bytes().replace(explicit, rle))
    with pytest.raises(InputError, match=r"says its pixels are compressed .* as if they were not"):
        decode_frame(header)


def test_an_unknown_compression_is_named(folder: Path) -> None:
    header = headers_of(compressed(), folder)[0]
    path = Path(header.file)
    path.write_bytes(
        path.read_bytes().replace(b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.95")
    )
    with pytest.raises(InputError, match=r"which no decoder here reads; have the archive export"):
        decode_frame(header)


def test_a_file_that_has_gone_is_told(folder: Path) -> None:
    header = headers_of(dataset(pixels=RAMP), folder)[0]
    Path(header.file).unlink()
    with pytest.raises(InputError, match=r"^slice_0000.dcm cannot be read \(No such file"):
        decode_frame(header)


def test_a_slope_of_zero_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"rescale slope of 0 and an intercept of -1024"):
        decode(dataset(pixels=RAMP, RescaleSlope=0), folder)


def test_a_mask_of_bits_is_no_image(folder: Path) -> None:
    header = replace(headers_of(dataset(pixels=RAMP), folder)[0], bits_allocated=1, bits_stored=1)
    with pytest.raises(InputError, match=r"one bit a pixel, expected an image"):
        decode_frame(header)


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_bigendian.dcm",
     "J2K_pixelrep_mismatch.dcm", "explicit_VR-UN.dcm", "MR_small_jpeg_ls_lossless.dcm"],
)  # fmt: skip
def test_values_equal_those_of_pydicom(name: str) -> None:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    header = read_headers(Path(path))[0]
    decoded = decode_frame(header)
    expected = apply_modality_lut(pixel_array(path), dcmread(path, stop_before_pixels=True))
    is_padding = np.isin(pixel_array(path), header.padding)
    np.testing.assert_array_equal(decoded[~is_padding], expected[~is_padding])
    assert decoded.dtype == frame_dtype(header)
