"""NIfTI: one file, compressed or not, to LPS axes, and the frame that leads back."""

import gzip
from contextlib import closing
from io import BufferedIOBase

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from tgcnet.domain import Geometry, SideKnowledge
from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS, Decoded, announce
from tgcnet.io.nifti_header import (
    MM_PER_UNIT_CODE,
    Layout,
    affine_of,
    layout_of,
    placement_of,
    read_header,
)
from tgcnet.io.orientation import RAS_TO_LPS, canonical_to_source, to_canonical

# The header's fields that place the grid; everything else in it may be the patient's.
PLACING_FIELDS = (
    "pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip

_PIECE_BYTES = 2**22
_PIECE_VOXELS = 2**20
_READ_ERRORS = (*DECODER_ERRORS, HeaderDataError, WrapStructError)


def read_nifti(file: BufferedIOBase, name: str, volume: int | None = None) -> Decoded:
    """Decode a NIfTI-1 or NIfTI-2 file, gzipped or not, to LPS axes.

    Slope and intercept are applied: integers stay integers where they are trivial, else float32.
    A compressed file is read to its end, where its checksum is.

    Parameters
    ----------
    volume : of a 4D file, from 0; None for the only one

    Raises
    ------
    InputError
        If the file is damaged, truncated or absurdly large, holds several volumes of which none
        is chosen, colours or complex numbers, more than its header says (a few zeros less than a
        row pass, with a notice), or an affine that cannot be inverted or says two things of the
        sides.
    """
    is_gzipped = file.read(2) == b"\x1f\x8b"
    size = file.seek(0, 2)
    file.seek(0)
    try:
        # A closed gzip stream leaves the file below it open.
        with closing(gzip.GzipFile(fileobj=file) if is_gzipped else file) as stream:
            header = read_header(stream, name)
            layout = layout_of(header, name, volume)
            slope, inter = header.get_slope_inter()
            affine_ras, notices = affine_of(header, layout.shape, name)
            _announce(layout, size, name)
            stored = _read_voxels(stream, layout, name)
            notices += _read_to_the_end(stream, layout, name)
    except _READ_ERRORS as error:
        raise InputError(
            f"{name} cannot be read as NIfTI, it is damaged or incomplete "
            f"({type(error).__name__}); export or copy it again."
        ) from None
    array = _scaled(stored, slope, inter).reshape(layout.shape, order="F")
    geometry, more = _geometry(header, affine_ras, layout.shape, name)
    notices += more
    num_volumes = (layout.end - int(header["vox_offset"])) // layout.num_bytes
    if num_volumes > 1:
        notices += (f"Volume {volume} of the file is read, which holds 0 to {num_volumes - 1}.",)
    canonical = to_canonical(array, geometry.source_axes, geometry.source_flips)
    if canonical.shape[0] > 1 and min(canonical.shape[1:]) == 1:
        raise InputError(
            f"{name} is one coronal or sagittal picture, expected axial slices or a single plane "
            "stored as one; save the picture as PNG or TIFF."
        )
    return Decoded(array=canonical, geometry=geometry, may_be_hounsfield=True, notices=notices)


def _announce(layout: Layout, size: int, name: str) -> None:
    # At most: as stored and in the right byte order, scaled, and turned.
    working = 2 * layout.num_bytes + 2 * 4 * (layout.num_bytes // layout.dtype.itemsize)
    announce(name, unpacked=layout.end, packed=size, working=working)


def _read_voxels(stream: BufferedIOBase, layout: Layout, name: str) -> np.ndarray:
    """Read the chosen volume as flat numbers, as stored."""
    stream.seek(layout.offset)
    content = np.empty(layout.num_bytes, np.uint8)
    num_read = 0
    # In pieces: a read of all at once holds it twice.
    while piece := stream.read(min(_PIECE_BYTES, layout.num_bytes - num_read)):
        content[num_read : num_read + len(piece)] = np.frombuffer(piece, np.uint8)
        num_read += len(piece)
    if num_read != layout.num_bytes:
        raise _truncated(name, num_read, layout.num_bytes)
    stored = content.view(layout.dtype)
    return stored.astype(layout.dtype.newbyteorder("="), copy=False)


def _read_to_the_end(stream: BufferedIOBase, layout: Layout, name: str) -> tuple[str, ...]:
    """Let gzip compare its checksum, and see whether the file ends where its header says."""
    x, y, z = layout.shape
    # A side that is stated one too small leaves at least so many voxels over, and shifts the rest.
    bound = layout.dtype.itemsize * min(x, y * z)
    end, is_padding = stream.tell(), True
    while end < layout.end + bound and (piece := stream.read(_PIECE_BYTES)):
        is_padding = is_padding and not any(piece[max(layout.end - end, 0) :])
        end += len(piece)
    if end < layout.end:
        raise _truncated(name, end - layout.offset, layout.end - layout.offset)
    if end >= layout.end + bound or not is_padding:
        raise InputError(
            f"{name} holds more voxels than its header says ({layout.end:,} bytes), expected as "
            "many; one of the two is damaged: export or copy it again."
        )
    if end == layout.end:
        return ()
    return (f"The file has {end - layout.end:,} zero bytes more than its header says; they are "
            "not read.",)  # fmt: skip


def _truncated(name: str, num_read: int, num_bytes: int) -> InputError:
    return InputError(
        f"{name} is truncated: {num_read:,} bytes of voxels, expected {num_bytes:,}; "
        "copy or export it again."
    )


def _scaled(stored: np.ndarray, slope: float | None, inter: float | None) -> np.ndarray:
    slope, inter = (1.0 if slope is None else slope), (0.0 if inter is None else inter)
    if slope == 1.0 and inter == 0.0:
        return stored if stored.dtype.kind in "iu" else stored.astype(np.float32)
    scaled = np.empty(stored.shape, np.float32)
    for start in range(0, stored.size, _PIECE_VOXELS):
        piece = slice(start, start + _PIECE_VOXELS)
        # float64 inside: float32 would round large stored integers before the slope shrinks them.
        scaled[piece] = stored[piece] * np.float64(slope) + np.float64(inter)
    return scaled


def _geometry(
    header: nib.Nifti1Header, affine_ras: np.ndarray, shape: tuple[int, int, int], name: str
) -> tuple[Geometry, tuple[str, ...]]:
    axes, flips = placement_of(affine_ras, name)
    mm_per_unit = MM_PER_UNIT_CODE.get(int(header["xyzt_units"]) & 7, 1.0)
    scale_to_mm = np.diag([mm_per_unit] * 3 + [1.0])
    affine_lps = RAS_TO_LPS @ scale_to_mm @ affine_ras @ canonical_to_source(axes, flips, shape)
    is_placed = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    notices = () if is_placed else (
        "The file does not state its orientation (sform and qform codes are 0), so the patient's "
        "sides are not known; its axes are read as a NIfTI without codes usually is.",
    )  # fmt: skip
    frame = {
        field: tuple(float(v) for v in np.atleast_1d(header[field])) for field in PLACING_FIELDS
    }
    # As stored, two axes or five: a mask gets the file's own number of them, yet one volume.
    whole = header.get_data_shape()
    num_axes = len(whole) if np.prod(whole[3:], dtype=object) == 1 else 3
    frame["shape"] = tuple(float(side) for side in whole[:num_axes])
    frame["sizeof_hdr"] = (float(header["sizeof_hdr"]),)
    geometry = Geometry(
        affine_lps=affine_lps,
        unit="mm",
        side_knowledge=SideKnowledge.FROM_FILE if is_placed else SideKnowledge.UNKNOWN,
        source_axes=axes,
        source_flips=flips,
        source_frame=frame,
    )
    return geometry, notices
