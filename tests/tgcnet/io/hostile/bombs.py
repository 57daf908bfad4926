"""Small files that claim or unpack to much, and archives that reach elsewhere."""

import functools
import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from tests.tgcnet.io.dicom import phantoms
from tests.tgcnet.io.hostile.cases import Allowed, Case, Write, written

_BLOWN_UP_BYTES = 500_000_000


@functools.cache
def raw_zeros() -> bytes:
    """Zeros that no reader may unpack, as deflate alone packs them."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    piece = bytes(10_000_000)
    packed = [packer.compress(piece) for _ in range(_BLOWN_UP_BYTES // len(piece))]
    return b"".join([*packed, packer.flush()])


def zeros() -> bytes:
    """The same as a zlib stream, whose checksum of zeros is known."""
    return b"\x78\x01" + raw_zeros() + struct.pack(">HH", _BLOWN_UP_BYTES % 65521, 1)


def bombs() -> Iterator[Case]:
    """All of them; each has to be refused."""
    for name, write in (
        ("gzip, header of a small volume", gzip_behind_a_small_header),
        ("gzip, header of an absurd volume", lambda f: nifti_claim(f, (32_000, 32_000, 900))),
        ("gzip, header of a large volume", lambda f: nifti_claim(f, (1000, 1000, 1000))),
        ("NIfTI that claims a gigabyte", lambda f: nifti_claim(f, (1000, 1000, 900), pack=False)),
        ("PNG of absurd sides", lambda f: png(f, 60_000, 60_000, zlib.compress(bytes(100)))),
        ("PNG of large sides", lambda f: png(f, 8_000, 9_000, zlib.compress(bytes(100)))),
        ("PNG with a packed text", png_with_a_packed_text),
        ("deflated DICOM", deflated_dicom),
        ("DICOM of absurd rows", lambda f: dicom_claim(f, None, 60_000)),
        ("JPEG 2000 of absurd rows", lambda f: dicom_claim(f, JPEG2000Lossless, 60_000)),
        ("JPEG 2000 of large rows", lambda f: dicom_claim(f, JPEG2000Lossless, 8_000)),
        ("JPEG-LS of large rows", lambda f: dicom_claim(f, JPEGLSLossless, 8_000)),
        ("RLE of large rows", lambda f: dicom_claim(f, RLELossless, 8_000)),
        ("DICOM of many frames", many_frames),
        ("TIFF of absurd sides", lambda f: tiff(f, 60_000, 60_000, b"\0" * 64)),
        ("TIFF of large sides", lambda f: tiff(f, 8_000, 9_000, zlib.compress(bytes(64)), 8)),
        ("TIFF that unpacks to much", lambda f: tiff(f, 9, 9, zeros(), 8)),
        ("TIFF of a directory that follows itself", lambda f: tiff_chain(f, 1, loop=True)),
        ("TIFF of 100,000 directories", lambda f: tiff_chain(f, 100_000, loop=False)),
        ("TIFF of entries without end", tiff_of_many_entries),
        ("OME of entities within entities", ome_entities),
        ("zip that unpacks to much", zip_bomb),
        ("zip of 5,000 names", zip_of_many),
        ("zip within a zip", zip_in_zip),
        ("zip whose entries overlap", overlapping_zip),
    ):
        yield Case(kind="bomb", name=name, write=write, allowed=Allowed.TOLD)
    # What lies behind a picture's last row is never unpacked.
    yield Case(
        kind="bomb",
        name="PNG that unpacks to much",
        write=lambda f: png(f, 16, 16, zeros()),
        allowed=Allowed.ANYTHING,
    )
    for name in ("../../outside.dcm", "/outside.dcm", "..\\..\\outside.dcm", "C:\\outside.dcm"):
        yield Case(kind="zip slip", name=name, write=slip(name))


def nifti_claim(folder: Path, shape: tuple[int, int, int], *, pack: bool = True) -> Path:
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_offset(352)
    content = header.binaryblock + bytes(100_004)
    return written(folder / "a.nii.gz", gzip.compress(content) if pack else content)


def gzip_behind_a_small_header(folder: Path) -> Path:
    header = nib.Nifti1Header()
    header.set_data_shape((8, 8, 8))
    header.set_data_offset(352)
    start = header.binaryblock + bytes(4)
    # Two members: the header's own, and the zeros, whose reader never comes to their checksum.
    blown_up = b"\x1f\x8b\x08" + bytes(7) + raw_zeros() + bytes(8)
    return written(folder / "a.nii.gz", gzip.compress(start) + blown_up)


def png(folder: Path, width: int, height: int, rows: bytes, *more: tuple[bytes, bytes]) -> Path:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", rows), (b"IEND", b"")]
    content = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return written(folder / "a.png", b"\x89PNG\r\n\x1a\n" + content)


def png_with_a_packed_text(folder: Path) -> Path:
    text = b"Comment\0\0" + zeros()
    return png(folder, 16, 16, zlib.compress(bytes(16)), (b"zTXt", text))


def deflated_dicom(folder: Path) -> Path:
    """Its data set is one stream, so that it has to be unpacked to read a single field."""
    made = phantoms.dataset(TransferSyntaxUID=DeflatedExplicitVRLittleEndian)
    path = phantoms.write([made], folder)[0]
    whole = path.read_bytes()
    # After preamble, mark, and the group of the file's own fields, whose length is the first.
    start = 144 + int.from_bytes(whole[140:144], "little")
    return written(path, whole[:start] + raw_zeros())


def dicom_claim(folder: Path, syntax: str | None, side: int) -> Path:
    """A frame of 100 bytes that is said to be ``side`` pixels large."""
    made = phantoms.dataset(Rows=side, Columns=side, PixelData=bytes(100))
    if syntax is not None:
        made.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        made.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + bytes(96)])
        made["PixelData"].VR = "OB"
        made["PixelData"].is_undefined_length = True
    return phantoms.write([made], folder)[0]


def many_frames(folder: Path) -> Path:
    return phantoms.write([phantoms.dataset(NumberOfFrames=2_000_000_000)], folder)[0]


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def directory(width: int, height: int, data: int, size: int, packing: int, after: int) -> bytes:
    entries = [
        entry(256, 4, 1, width), entry(257, 4, 1, height), entry(258, 3, 1, 8),
        entry(259, 3, 1, packing), entry(262, 3, 1, 1), entry(273, 4, 1, data),
        entry(277, 3, 1, 1), entry(278, 4, 1, height), entry(279, 4, 1, size),
    ]  # fmt: skip
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", after)


def tiff(folder: Path, width: int, height: int, data: bytes, packing: int = 1) -> Path:
    ifd = directory(width, height, 8, len(data), packing, 0)
    content = b"II*\0" + struct.pack("<I", 8 + len(data)) + data + ifd
    return written(folder / "a.tif", content)


def tiff_chain(folder: Path, count: int, *, loop: bool) -> Path:
    length = len(directory(0, 0, 0, 0, 1, 0))
    offsets = [8 + index * length for index in range(count)]
    after = [*offsets[1:], offsets[0] if loop else 0]
    directories = (directory(1, 1, 0, 1, 1, follows) for follows in after)
    # A pixel a directory; two sizes by turns, so that they are no stack.
    return written(folder / "a.tif", b"II*\0" + struct.pack("<I", 8) + b"".join(directories))


def tiff_of_many_entries(folder: Path) -> Path:
    entries = b"".join(entry(60_000, 2, 2**31, 8) for _ in range(65_535))
    head = b"II*\0" + struct.pack("<IH", 8, 65_535)
    return written(folder / "a.tif", head + entries + bytes(4))


def ome_entities(folder: Path) -> Path:
    levels = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 20 if n else "x" * 100}">' for n in range(12)
    )
    xml = f"<?xml version='1.0'?><!DOCTYPE OME [{levels}]><OME><Image>&e11;</Image></OME>".encode()
    import tifffile

    buffer = BytesIO()
    tifffile.imwrite(buffer, np.zeros((4, 4), np.uint8), description=xml, metadata=None)
    return written(folder / "a.ome.tif", buffer.getvalue())


def zip_bomb(folder: Path) -> Path:
    path = folder / "a.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.dcm", "w", force_zip64=True) as packed,
    ):
        for _ in range(100):
            packed.write(bytes(_BLOWN_UP_BYTES // 100))
    return path


def zip_of_many(folder: Path) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(5_000):
            archive.writestr(f"{number}.dcm", b"")
    return path


def zip_in_zip(folder: Path) -> Path:
    inner = zip_bomb(folder).read_bytes()
    (folder / "a.zip").unlink()
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("inner.zip", inner)
    return folder / "b.zip"


def overlapping_zip(folder: Path) -> Path:
    """Name the same packed bytes two hundred times in the archive's directory."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(5_000_000))
    content = buffer.getvalue()
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    listed = content[start:end] * 200
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 200, 200, len(listed), start, 0)
    return written(folder / "a.zip", content[:start] + listed + tail)


def slip(name: str) -> Write:
    """An archive with a name that leads out of where it is unpacked."""

    def write(folder: Path) -> Path:
        slices = phantoms.write_series(folder / "whole")
        path = folder / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for one in slices:
                archive.write(one, one.name)
            archive.writestr(name, slices[0].read_bytes())
        return path

    return write
