"""NIfTI: one file, compressed or not, to LPS axes, and the frame that leads back."""

import gzip
from contextlib import closing
from io import BufferedIOBase

import nibabel as nib
import numpy as np
from nibabel.orientations import io_orientation
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from tgcnet.domain import Geometry, SideKnowledge
from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS, Decoded, check_size, to_canonical

# The header's fields that place the grid; everything else in it may be the patient's.
PLACING_FIELDS = (
    "pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM_PER_UNIT_CODE = {1: 1000.0, 2: 1.0, 3: 0.001}  # metre, mm, micron; anything else is mm
_READ_ERRORS = (*DECODER_ERRORS, HeaderDataError, WrapStructError)


def read_nifti(file: BufferedIOBase, name: str) -> Decoded:
    """Decode a NIfTI-1 or NIfTI-2 file, gzipped or not, to LPS axes.

    Slope and intercept are applied: integers stay integers where they are trivial, else float32.

    Raises
    ------
    InputError
        If the file is damaged, truncated or absurdly large, holds several volumes, colours or
        complex numbers, or an affine that cannot be inverted.
    """
    is_gzipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    try:
        # A closed gzip stream leaves the file below it open.
        with closing(gzip.GzipFile(fileobj=file) if is_gzipped else file) as stream:
            header = _read_header(stream)
            shape = _volume_shape(header, name)
            stored = _read_voxels(stream, header, shape, name)
            slope, inter = header.get_slope_inter()
            affine_ras = np.asarray(header.get_best_affine(), dtype=np.float64)
    except _READ_ERRORS as error:
        raise InputError(
            f"{name} cannot be read as NIfTI, it is damaged or incomplete "
            f"({type(error).__name__}); export or copy it again."
        ) from None
    array = _scaled(stored, slope, inter)
    geometry, notices = _geometry(header, affine_ras, shape, name)
    canonical = to_canonical(array, geometry.source_axes, geometry.source_flips)
    if canonical.shape[0] > 1 and min(canonical.shape[1:]) == 1:
        raise InputError(
            f"{name} is one coronal or sagittal picture, expected axial slices or a single plane "
            "stored as one; save the picture as PNG or TIFF."
        )
    return Decoded(array=canonical, geometry=geometry, may_be_hounsfield=True, notices=notices)


def _read_header(stream: BufferedIOBase) -> nib.Nifti1Header:
    start = stream.read(4)
    is_nifti2 = int.from_bytes(start, "little") == 540 or int.from_bytes(start, "big") == 540
    kind: type[nib.Nifti1Header] = nib.Nifti2Header if is_nifti2 else nib.Nifti1Header
    return kind(start + stream.read(kind.sizeof_hdr - 4))


def _volume_shape(header: nib.Nifti1Header, name: str) -> tuple[int, int, int]:
    """Return the three sides of the only volume; a 2D file has one slice."""
    shape = tuple(int(side) for side in header.get_data_shape())
    num_volumes = int(np.prod(shape[3:], dtype=object)) if shape[3:] else 1
    if num_volumes != 1:
        raise InputError(
            f"{name} holds {num_volumes} volumes (a {len(shape)}D file), expected one; "
            "save the volume you want as a file of its own."
        )
    sides = (*shape, 1, 1)[:3] if shape else (0, 0, 0)
    # (X, Y, Z) in the file: whichever two make the plane, the largest two bound it.
    check_size(tuple(sorted(sides)), name)
    return sides[0], sides[1], sides[2]


def _read_voxels(
    stream: BufferedIOBase, header: nib.Nifti1Header, shape: tuple[int, int, int], name: str
) -> np.ndarray:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iufb":
        raise InputError(
            f"{name} holds colours or complex numbers ({dtype}), expected one real number a voxel; "
            "convert it to a grey image first."
        )
    stream.seek(int(header.get_data_offset()))
    num_bytes = dtype.itemsize * shape[0] * shape[1] * shape[2]
    content = stream.read(num_bytes)
    if len(content) != num_bytes:
        raise InputError(
            f"{name} is truncated: {len(content):,} bytes of voxels, expected {num_bytes:,}; "
            "copy or export it again."
        )
    stream.read(1)  # reaching the end makes gzip compare its checksum
    stored = np.frombuffer(content, dtype=dtype).reshape(shape, order="F")
    return stored.astype(dtype.newbyteorder("="), copy=False)


def _scaled(stored: np.ndarray, slope: float | None, inter: float | None) -> np.ndarray:
    slope, inter = (1.0 if slope is None else slope), (0.0 if inter is None else inter)
    if slope == 1.0 and inter == 0.0:
        return stored if stored.dtype.kind in "iu" else stored.astype(np.float32)
    # float64 inside: float32 would round large stored integers before the slope shrinks them.
    return (stored * np.float64(slope) + np.float64(inter)).astype(np.float32)


def _geometry(
    header: nib.Nifti1Header, affine_ras: np.ndarray, shape: tuple[int, int, int], name: str
) -> tuple[Geometry, tuple[str, ...]]:
    orientation = io_orientation(affine_ras) if np.isfinite(affine_ras).all() else np.array(np.nan)
    if np.isnan(orientation).any():  # nibabel's word for an axis that lies in the others' plane
        raise InputError(
            f"{name} has an affine that cannot be inverted, expected three independent axes; "
            "repair its header (sform or qform) first."
        )
    axes, flips = _canonical_order(orientation)
    mm_per_unit = _MM_PER_UNIT_CODE.get(int(header["xyzt_units"]) & 7, 1.0)
    scale_to_mm = np.diag([mm_per_unit] * 3 + [1.0])
    affine_lps = RAS_TO_LPS @ scale_to_mm @ affine_ras @ _canonical_to_source(axes, flips, shape)
    is_placed = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    notices = () if is_placed else (
        "The file does not state its orientation (sform and qform codes are 0), so the patient's "
        "sides are not known; its axes are read as a NIfTI without codes usually is.",
    )  # fmt: skip
    frame = {
        field: tuple(float(v) for v in np.atleast_1d(header[field])) for field in PLACING_FIELDS
    }
    # As stored, two axes or five: a mask gets the file's own number of them.
    frame["shape"] = tuple(float(side) for side in header.get_data_shape())
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


def _canonical_order(
    orientation: np.ndarray,
) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Find the source axis that runs mostly along z, y and x, and whether against L, P, S.

    ``orientation`` has a row per source axis: its world axis, and its sign in RAS.
    """
    axis_of_world = {int(world): axis for axis, (world, _) in enumerate(orientation)}
    z, y, x = axis_of_world[2], axis_of_world[1], axis_of_world[0]
    # R to L and A to P are against RAS, I to S is along it.
    flips = (orientation[z, 1] < 0, orientation[y, 1] > 0, orientation[x, 1] > 0)
    return (z, y, x), (bool(flips[0]), bool(flips[1]), bool(flips[2]))


def _canonical_to_source(
    axes: tuple[int, int, int], flips: tuple[bool, bool, bool], shape: tuple[int, int, int]
) -> np.ndarray:
    """(4, 4): canonical (z, y, x, 1) index to the file's own (i, j, k, 1)."""
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    for canonical, (source, is_flipped) in enumerate(zip(axes, flips, strict=True)):
        matrix[source, canonical] = -1.0 if is_flipped else 1.0
        matrix[source, 3] = shape[source] - 1 if is_flipped else 0.0
    return matrix
