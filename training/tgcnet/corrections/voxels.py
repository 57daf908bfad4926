"""Voxels as NIfTI that every viewer shows in the right place, read back as the same array."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np

from tgcnet.domain import Geometry
from tgcnet.io import RESEARCH_NOTICE
from tgcnet.io.write import place

VOXEL_TYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
               "float32", "float64")  # fmt: skip
"""What NIfTI holds as it is; masks are uint8."""

_NIFTI1_LARGEST_SIDE = 32_767
_NIFTI2_HEADER_BYTES = 540
_EXTENSION_FLAG = bytes(4)
_FASTEST = 1  # saving waits for it, and an image hardly gets smaller at a higher level


def write_voxels(array: np.ndarray, geometry: Geometry, path: Path) -> None:
    """Write ``.nii.gz``.

    The affine is there for viewers, in the format's float32; ours is kept in case.json.

    Parameters
    ----------
    array : (Z, Y, X) of one of ``VOXEL_TYPES``
    """
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    is_nifti2 = max(array.shape) > _NIFTI1_LARGEST_SIDE
    header: nib.Nifti1Header = nib.Nifti2Header() if is_nifti2 else nib.Nifti1Header()
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape[::-1])
    header.set_slope_inter(1.0, 0.0)
    header.set_data_offset(int(header["sizeof_hdr"]) + len(_EXTENSION_FLAG))
    place(header, geometry)
    header["descrip"] = RESEARCH_NOTICE.encode()
    with (
        path.open("wb") as file,
        # No name and no time in it: the same voxels are the same bytes.
        gzip.GzipFile("", "wb", compresslevel=_FASTEST, fileobj=file, mtime=0) as stream,
    ):
        stream.write(header.binaryblock + _EXTENSION_FLAG)
        # NIfTI's first axis runs fastest, so (Z, Y, X) in C order is its (X, Y, Z) as it stands.
        stream.write(array.data.cast("B"))


def read_voxels(content: bytes) -> np.ndarray:
    """What :func:`write_voxels` wrote, as (Z, Y, X), writeable.

    Parameters
    ----------
    content : of the file, its hash already checked
    """
    stored = gzip.decompress(content)
    is_nifti2 = _NIFTI2_HEADER_BYTES in (
        int.from_bytes(stored[:4], "little"), int.from_bytes(stored[:4], "big")
    )  # fmt: skip
    kind: type[nib.Nifti1Image] = nib.Nifti2Image if is_nifti2 else nib.Nifti1Image
    # A slope of 1 and an intercept of 0 leave integers what they are.
    array = np.asanyarray(kind.from_bytes(stored).dataobj)
    return np.array(array.T, dtype=array.dtype.newbyteorder("="), order="C")
