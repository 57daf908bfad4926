"""Damage to the fields that say how large an image is and where it lies."""

import gzip
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from tests.tgcnet.io.dicom import phantoms
from tests.tgcnet.io.hostile.bases import nifti, packed_nifti
from tests.tgcnet.io.hostile.cases import Allowed, Base, Case, changed, flipped, written

NIFTI_FIELDS = (
    "sizeof_hdr", "dim", "datatype", "bitpix", "pixdim", "vox_offset", "xyzt_units", "qform_code",
    "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z", "magic",
)  # fmt: skip
DICOM_FIELDS = (
    "Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "PixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient", "FrameOfReferenceUID", "SeriesInstanceUID", "RescaleSlope",
    "PixelData",
)  # fmt: skip


def nifti_header_flips() -> Iterator[Case]:
    """Flip each bit of each field in turn, every third of them kept."""
    base = nifti()
    fields = nib.Nifti1Header().structarr.dtype.fields
    for name in NIFTI_FIELDS:
        dtype, offset = fields[name][:2]
        for bit in range(0, dtype.itemsize * 8, 3):
            damaged = bytearray(base.content)
            damaged[offset + bit // 8] ^= 1 << bit % 8
            yield nifti_case(base, bytes(damaged), f"{name}, bit {bit}")


def nifti_header_values() -> Iterator[Case]:
    """Values that no header has."""
    base = nifti()
    for field, value in (
        ("pixdim", [1, np.nan, 0.8, 2.5, 0, 0, 0, 0]),
        ("pixdim", [1, -0.7, 0.8, 2.5, 0, 0, 0, 0]),
        ("pixdim", [1, 0, 0, 0, 0, 0, 0, 0]),
        ("vox_offset", np.nan),
        ("vox_offset", np.inf),
        ("vox_offset", -352),
        ("vox_offset", 351.5),
        ("dim", [3, 32767, 32767, 32767, 1, 1, 1, 1]),
        ("dim", [3, -9, 8, 7, 1, 1, 1, 1]),
        ("dim", [3, 0, 8, 7, 1, 1, 1, 1]),
        ("dim", [0, 9, 8, 7, 1, 1, 1, 1]),
        ("dim", [4, 9, 8, 7, 0, 1, 1, 1]),
        ("dim", [7, 9, 8, 1, 7, 1, 1, 1]),
        ("srow_x", [np.nan] * 4),
        ("srow_x", [0] * 4),
        ("srow_x", [0.7, 0, 0, -101.3]),
        ("quatern_b", 2.0),
        ("quatern_b", np.nan),
    ):
        header = nib.Nifti1Header(base.content[:348], check=False)
        header[field] = value
        yield nifti_case(base, header.binaryblock + base.content[348:], f"{field} = {value}")


def nifti_case(base: Base, content: bytes, what: str) -> Case:
    return Case(
        kind="NIfTI header", name=what, write=changed(base, content),
        allowed=Allowed.SAME_PLACE, whole=base.write,
    )  # fmt: skip


def checksums() -> Iterator[Case]:
    """Each bit of gzip's trailer, then bits among what is packed."""
    base = packed_nifti()
    chance = random.Random(5)
    for bit in range(64):
        damaged = bytearray(base.content)
        damaged[len(damaged) - 8 + bit // 8] ^= 1 << bit % 8
        yield Case(
            kind="CRC", name=f"trailer, bit {bit}", write=changed(base, bytes(damaged)),
            allowed=Allowed.TOLD, whole=base.write,
        )  # fmt: skip
    for _ in range(60):
        place = chance.randrange(10, len(base.content) - 8)
        yield Case(
            kind="CRC", name=f"packed byte {place}",
            write=changed(base, flipped(base.content, [place], chance)),
            allowed=Allowed.SAME_CONTENT, whole=base.write,
        )  # fmt: skip
    for name, content in (
        ("two members", gzip.compress(nifti().content[:400]) + gzip.compress(b"")),
        ("an appended member", base.content + gzip.compress(bytes(2000))),
        ("an appended sentence", base.content + b"and more"),
    ):
        yield Case(
            kind="CRC", name=name, write=changed(base, content),
            allowed=Allowed.TOLD, whole=base.write,
        )  # fmt: skip


def dicom_field_flips(count: int) -> Iterator[Case]:
    """Flip bits in the fields of one slice of five; the others say what it was."""
    chance = random.Random(9)
    for field in DICOM_FIELDS:
        for number in range(count):
            seed, victim = chance.randrange(2**32), number % 5
            yield Case(
                kind="DICOM field",
                name=f"{field} of slice {victim}, seed {seed}",
                write=partial(damaged_series, field=field, seed=seed, victim=victim),
                allowed=Allowed.SAME_PLACE,
                whole=whole_series,
            )


def whole_series(folder: Path) -> Path:
    phantoms.write_series(folder)
    return folder


def damaged_series(folder: Path, field: str, seed: int, victim: int) -> Path:
    """Write a series and flip one bit of a field's value in one slice; of pixels, their length."""
    path = phantoms.write_series(folder)[victim]
    tag = pydicom.datadict.tag_for_keyword(field)
    assert tag is not None
    element = pydicom.dcmread(path).get_item(tag)
    assert isinstance(element, pydicom.dataelem.RawDataElement)
    chance = random.Random(seed)
    start, length = element.value_tell, element.length
    if field == "PixelData":
        start, length = start - 4, 4
    written(path, flipped(path.read_bytes(), [start + chance.randrange(length)], chance))
    return folder
