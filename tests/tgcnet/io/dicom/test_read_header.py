"""Headers: every kind of image, broken values, files that are damaged or no image."""

import logging
import struct
import warnings
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from tests.tgcnet.io.dicom import phantoms

from tgcnet.errors import InputError
from tgcnet.io.dicom import open_header
from tgcnet.io.dicom.read_header import NoImageError, read_headers
from tgcnet.io.dicom.series import FrameHeader

SHIPPED = sorted(
    path
    for root in (
        Path(pydicom.__file__).parent / "data",
        Path(pydicom.__file__).parents[1] / "data_store",
    )
    for path in root.rglob("*")
    if path.is_file() and path.suffix not in (".py", ".pyc")
)


def header(slices: Dataset, folder: Path) -> FrameHeader:
    (found,) = read_headers(phantoms.write([slices], folder)[0])
    return found


def test_a_ct_slice_is_read_with_its_place_and_values(tmp_path: Path) -> None:
    found = header(phantoms.dataset(PixelPaddingValue=-2000), tmp_path)
    assert (found.position, found.orientation) == ((-100.0, -80.0, -300.0), phantoms.AXIAL)
    assert (found.spacing_yx, found.slice_thickness) == ((0.7, 0.8), 2.5)
    assert (found.slope, found.intercept, found.rescale_type) == (1.0, -1024.0, "HU")
    assert (found.rows, found.columns, found.pixel_bytes) == (16, 12, 384)
    assert found.windows == (("LUNG", -600.0, 1500.0), ("MEDIASTINUM", 40.0, 400.0))
    assert found.padding == (-2000, -2000)
    assert found.is_signed
    assert not found.is_truncated


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_transfer_syntaxes_change_nothing_but_their_name(syntax: str, tmp_path: Path) -> None:
    plain = header(phantoms.dataset(), tmp_path / "plain")
    other = header(phantoms.dataset(TransferSyntaxUID=syntax), tmp_path / "other")
    same = replace(plain, file=other.file, transfer_syntax=syntax, file_bytes=other.file_bytes)
    assert other == same


def test_big_endian_numbers_are_read_in_their_order(tmp_path: Path) -> None:
    found = header(phantoms.dataset(TransferSyntaxUID=ExplicitVRBigEndian), tmp_path)
    assert (found.rows, found.columns) == (16, 12)


def test_a_radiograph_has_the_spacing_of_its_detector(tmp_path: Path) -> None:
    found = header(phantoms.radiograph(), tmp_path)
    assert (found.spacing_yx, found.is_spacing_at_detector) == ((0.2, 0.2), True)
    assert (found.patient_orientation, found.view_position) == (("L", "F"), "PA")
    assert (found.slope, found.position) == (None, None)


@pytest.mark.parametrize(
    ("calibrated", "is_at_detector"), [([0.2, 0.2], True), ([0.18, 0.18], False)]
)
def test_a_calibrated_radiograph_is_told_from_one_that_repeats_the_detector(
    calibrated: list[float], is_at_detector: bool, tmp_path: Path
) -> None:
    found = header(phantoms.radiograph(PixelSpacing=calibrated), tmp_path)
    assert (list(found.spacing_yx), found.is_spacing_at_detector) == (calibrated, is_at_detector)


def test_an_enhanced_ct_has_a_header_for_each_frame(tmp_path: Path) -> None:
    frames = read_headers(phantoms.write([phantoms.enhanced_ct()], tmp_path)[0])
    assert [one.frame for one in frames] == [0, 1, 2, 3]
    assert [one.position[2] for one in frames if one.position] == [-300, -297.5, -295, -292.5]
    assert [one.instance_number for one in frames] == [1, 2, 3, 4]
    last = frames[-1]
    assert (last.orientation, last.spacing_yx) == (phantoms.AXIAL, (0.7, 0.8))
    assert (last.intercept, last.windows) == (-1024.0, (("", -600.0, 1500.0),))
    assert not last.is_truncated


def test_an_enhanced_ct_that_describes_fewer_frames_is_refused(tmp_path: Path) -> None:
    (path,) = phantoms.write([phantoms.enhanced_ct(NumberOfFrames=5)], tmp_path)
    with pytest.raises(InputError, match="describes 4 frames but says it holds 5, expected"):
        read_headers(path)


def test_a_multi_frame_capture_has_a_header_for_each_frame(tmp_path: Path) -> None:
    capture = phantoms.radiograph(NumberOfFrames=3, Modality="OT", PixelData=bytes(3 * 20 * 14 * 2))
    frames = read_headers(phantoms.write([capture], tmp_path)[0])
    assert [(one.frame, one.num_frames) for one in frames] == [(0, 3), (1, 3), (2, 3)]


BROKEN = {
    "position": (0x00200032, "DS", b"1\\two\\3 "),
    "orientation": (0x00200037, "DS", b"1\\0\\0\\0\\1 "),
    "spacing_yx": (0x00280030, "DS", b"0\\0 "),
    "slope": (0x00281053, "DS", b"nan "),
    "intercept": (0x00281052, "DS", b"1e999 "),
    "slice_thickness": (0x00180050, "DS", b"-3"),
    "gantry_tilt": (0x00181120, "DS", b"1_0 "),
    "windows": (0x00281051, "DS", b"0\\0 "),
    "instance_number": (0x00200013, "IS", b"1.5 "),
    "series_number": (0x00200011, "IS", b"one "),
    "study_date": (0x00080020, "DA", b"next May"),
    "padding": (0x00280120, "US", b"\x01"),
}


@pytest.mark.parametrize("field", BROKEN)
def test_a_broken_value_reads_as_absent(field: str, tmp_path: Path) -> None:
    tag, vr, value = BROKEN[field]
    slices = phantoms.dataset()
    slices.pop(tag, None)
    (path,) = phantoms.write([slices], tmp_path)
    _insert(path, tag, vr, value)
    (found,) = read_headers(path)
    assert getattr(found, field) == getattr(FrameHeader(file=""), field)


def _insert(path: Path, tag: int, vr: str, value: bytes) -> None:
    """Put an element in its place, byte for byte: pydicom refuses to write what is broken."""
    element = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value
    data = path.read_bytes()
    later = [one.tag for one in pydicom.dcmread(path) if one.tag > tag]
    following = struct.pack("<HH", later[0] >> 16, later[0] & 0xFFFF)
    at = data.index(following, 132)
    path.write_bytes(data[:at] + element + data[at:])


def test_nothing_of_a_broken_file_is_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (path,) = phantoms.write([phantoms.dataset(PatientBirthDate=None)], tmp_path)
    _insert(path, 0x00100030, "DA", b"SECRETS!")
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        read_headers(path)
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("num_bytes", [10, 131, 140, 200, 300, 400, 700])
def test_a_file_that_ends_in_its_header_is_refused_by_name(num_bytes: int, tmp_path: Path) -> None:
    (path,) = phantoms.write([phantoms.dataset()], tmp_path)
    path.write_bytes(path.read_bytes()[:num_bytes])
    with pytest.raises(InputError, match=r"^slice_0000\.dcm ") as caught:
        read_headers(path)
    assert str(tmp_path) not in str(caught.value)
    assert "PHANTOM" not in str(caught.value)


def test_a_file_that_ends_in_its_pixels_is_truncated(tmp_path: Path) -> None:
    (path,) = phantoms.write([phantoms.dataset()], tmp_path)
    path.write_bytes(path.read_bytes()[:-2])
    assert read_headers(path)[0].is_truncated


@pytest.mark.parametrize(("num_bytes", "is_truncated"), [(0, False), (8, False), (9, True)])
def test_compressed_pixels_are_whole_without_their_delimiter(
    num_bytes: int, is_truncated: bool, tmp_path: Path
) -> None:
    slices = phantoms.dataset(TransferSyntaxUID="1.2.840.10008.1.2.4.90")
    slices.PixelData = pydicom.encaps.encapsulate([b"\xff" * 20])
    slices["PixelData"].VR, slices["PixelData"].is_undefined_length = "OB", True
    (path,) = phantoms.write([slices], tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - num_bytes])
    assert read_headers(path)[0].is_truncated is is_truncated


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("has_offsets", [True, False])
@pytest.mark.parametrize(("num_stored", "has_surplus"), [(4, False), (6, True)])
def test_more_compressed_pictures_than_frames_are_told(
    syntax: str, has_offsets: bool, num_stored: int, has_surplus: bool, tmp_path: Path
) -> None:
    slices = phantoms.series(shape=(num_stored, 64, 64))
    for one in slices:
        one.compress(syntax, generate_instance_uid=False)
    pictures = [get_frame(one.PixelData, 0, number_of_frames=1) for one in slices]
    made = phantoms.enhanced_ct(shape=(4, 64, 64), TransferSyntaxUID=syntax)
    made.PixelData = encapsulate(pictures, has_bot=has_offsets)
    made["PixelData"].is_undefined_length = True
    found = read_headers(phantoms.write([made], tmp_path)[0])
    assert [one.has_surplus for one in found] == [has_surplus] * 4


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_a_picture_in_several_fragments_is_one(syntax: str, tmp_path: Path) -> None:
    made = phantoms.series(shape=(1, 64, 64))[0]
    made.compress(syntax, generate_instance_uid=False)
    picture = get_frame(made.PixelData, 0, number_of_frames=1)
    made.PixelData = encapsulate([picture], fragments_per_frame=3)
    assert not header(made, tmp_path).has_surplus


@pytest.mark.parametrize(("num_bytes", "has_surplus"), [(16, False), (18, True)])
def test_a_byte_that_fills_up_is_no_surplus(
    num_bytes: int, has_surplus: bool, tmp_path: Path
) -> None:
    tags = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    made = phantoms.dataset(Rows=5, Columns=3, PixelData=bytes(num_bytes), **tags)
    assert header(made, tmp_path).has_surplus is has_surplus


@pytest.mark.parametrize("modality", ["SEG", "RTSTRUCT", "SR", "PR", "KO"])
def test_what_is_no_image_says_so(modality: str, tmp_path: Path) -> None:
    with pytest.raises(NoImageError, match=r"is DICOM, but no image \(CT Image Storage\); choose"):
        header(phantoms.dataset(Modality=modality), tmp_path)


def test_a_video_is_no_image(tmp_path: Path) -> None:
    video = phantoms.dataset(TransferSyntaxUID="1.2.840.10008.1.2.4.102")
    video.PixelData = pydicom.encaps.encapsulate([b"\0" * 20])
    video["PixelData"].VR, video["PixelData"].is_undefined_length = "OB", True
    with pytest.raises(NoImageError, match="is a video, expected an image"):
        header(video, tmp_path)


def test_an_image_without_pixels_is_refused(tmp_path: Path) -> None:
    slices = phantoms.dataset()
    del slices.PixelData
    with pytest.raises(InputError, match="describes an image but ends before its pixels"):
        header(slices, tmp_path)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
def test_a_file_without_preamble_is_recognised(syntax: str, tmp_path: Path) -> None:
    slices = phantoms.dataset()
    path = tmp_path / "bare"
    is_implicit = syntax == "1.2.840.10008.1.2"
    del slices.file_meta
    slices.save_as(path, implicit_vr=is_implicit, little_endian=True, enforce_file_format=False)
    assert read_headers(path)[0].position == (-100.0, -80.0, -300.0)


@pytest.mark.parametrize(
    "content", [b"", b"\x08\0", b"plain text " * 40, bytes(400), b"\x08\0\x05\0" * 99]
)
def test_another_file_is_not_taken_for_dicom(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(content)
    with pytest.raises(InputError, match="note is not DICOM: it has neither the preamble nor"):
        read_headers(tmp_path / "note")


def test_an_absent_file_is_refused_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^gone\.dcm cannot be opened \(No such file"):
        read_headers(tmp_path / "gone.dcm")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"NumberOfFrames": 2**30}, "says it holds 1,073,741,824 frames, expected at most"),
        ({"Rows": 60_000, "Columns": 60_000, "PixelData": b"\0\0"}, "60000 x 60000 pixels large"),
        ({"BitsAllocated": 12}, "does not say how many bits a pixel has"),
        ({"Rows": 0}, "holds an image without pixels"),
    ],
)
def test_absurd_numbers_are_refused(tags: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        header(phantoms.dataset(**tags), tmp_path)


def test_a_deflated_bomb_is_refused_before_it_is_inflated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(open_header, "MAX_INFLATED_BYTES", 2**20)
    bomb = phantoms.dataset(TransferSyntaxUID=DeflatedExplicitVRLittleEndian)
    bomb.PixelData = bytes(2**22)
    with pytest.raises(InputError, match="inflates to more than 1 MiB, expected one image"):
        header(bomb, tmp_path)


def test_names_in_other_alphabets_are_read(tmp_path: Path) -> None:
    slices = phantoms.dataset(SpecificCharacterSet="ISO_IR 192", SeriesDescription="Thorax für ö")
    assert header(slices, tmp_path).series_description == "Thorax für ö"


def test_a_patient_is_known_by_number_name_and_birth_date_together(tmp_path: Path) -> None:
    keys = [
        header(phantoms.dataset(**tags), tmp_path).patient_key
        for tags in (
            {},
            {"PatientName": "PHANTOM^ONE^^"},
            {"PatientName": "Phantom^Two"},
            {"PatientBirthDate": "19500102"},
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert "PHANTOM" not in keys[0]


def test_identifiers_do_not_show_in_a_header_that_is_printed(tmp_path: Path) -> None:
    shown = repr(header(phantoms.dataset(), tmp_path))
    assert not any(text in shown for text in ("PHANTOM", phantoms.ROOT, str(tmp_path), "A-1"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_files_of_other_makes_are_read_or_refused_by_us(path: Path) -> None:
    try:
        frames = read_headers(path)
    except InputError as error:
        assert path.name in str(error)  # noqa: PT017 - either way is right
    else:
        assert min(frames[0].rows, frames[0].columns, frames[0].pixel_bytes) > 0
