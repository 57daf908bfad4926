"""What a NIfTI header says, checked before anything is read on its word."""

from dataclasses import dataclass
from io import BufferedIOBase

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from tgcnet.errors import InputError
from tgcnet.io.decoded import check_size
from tgcnet.io.orientation import Placement, placement_in_ras

MM_PER_UNIT_CODE = {1: 1000.0, 2: 1.0, 3: 0.001}  # metre, mm, micron; anything else is mm
_DISAGREEMENT = 0.02
"""Of the smallest spacing: two ways to write one place round differently, far below this."""
_USUAL_SPACING_MM = (0.01, 100.0)
_MAX_AXES = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where the voxels of one volume lie in the file.

    Attributes
    ----------
    shape : three sides in the file's order; a 2D file has one slice
    offset, num_bytes : of the chosen volume
    end : of all volumes; what comes after it, the header does not know
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    offset: int
    num_bytes: int
    end: int


def read_header(stream: BufferedIOBase, name: str) -> nib.Nifti1Header:
    """Read and check the header, and leave the stream behind it.

    Raises
    ------
    InputError
        If it contradicts itself.
    """
    start = stream.read(4)
    is_nifti2 = int.from_bytes(start, "little") == 540 or int.from_bytes(start, "big") == 540
    kind: type[nib.Nifti1Header] = nib.Nifti2Header if is_nifti2 else nib.Nifti1Header
    # nibabel's own checks log values and mend silently: these here are ours.
    header = kind(start + stream.read(kind.sizeof_hdr - 4), check=False)
    if int(header["sizeof_hdr"]) != kind.sizeof_hdr:
        raise _contradiction(name, f"its size is {int(header['sizeof_hdr'])}, expected "
                                   f"{kind.sizeof_hdr}")  # fmt: skip
    if not 1 <= int(header["dim"][0]) <= _MAX_AXES:
        raise _contradiction(name, f"it has {int(header['dim'][0])} axes, expected 1 to 7")
    dtype = header.get_data_dtype()
    if int(header["bitpix"]) != dtype.itemsize * 8:
        raise _contradiction(name, f"its voxels are {dtype} of {int(header['bitpix'])} bits, "
                                   f"expected {dtype.itemsize * 8}")  # fmt: skip
    offset = float(header["vox_offset"])
    if not kind.sizeof_hdr + 4 <= offset < 2**31 or offset != int(offset):
        raise _contradiction(name, f"its voxels begin at byte {offset:g}, expected a whole number "
                                   f"from {kind.sizeof_hdr + 4} on")  # fmt: skip
    return header


def layout_of(header: nib.Nifti1Header, name: str, volume: int | None) -> Layout:
    """Find the chosen volume; None chooses the only one.

    Raises
    ------
    InputError
        If there are several and none is chosen, or that one is not there; if it has no voxels,
        absurdly many, or other than one real number each.
    """
    shape = tuple(int(side) for side in header.get_data_shape())
    sides = (*shape, 1, 1)[:3]
    # (X, Y, Z) in the file: whichever two make the plane, the largest two bound it.
    check_size(tuple(sorted(sides)), name)
    if any(side < 1 for side in shape):
        raise _contradiction(name, f"its sides are {shape}, expected each to be 1 or more")
    num_volumes = int(np.prod(shape[3:], dtype=object)) if shape[3:] else 1
    if volume is None and num_volumes != 1:
        raise InputError(
            f"{name} holds {num_volumes} volumes (a {len(shape)}D file), expected one; choose one "
            f"from 0 to {num_volumes - 1} (--volume K), or save it as a file of its own."
        )
    if volume is not None and not 0 <= volume < num_volumes:
        raise InputError(
            f"{name} holds {num_volumes} volumes, expected a choice from 0 to {num_volumes - 1}, "
            f"and volume {volume} was asked for."
        )
    dtype = header.get_data_dtype()
    if dtype.kind not in "iufb":
        raise InputError(
            f"{name} holds colours or complex numbers ({dtype}), expected one real number a voxel; "
            "convert it to a grey image first."
        )
    num_bytes = dtype.itemsize * sides[0] * sides[1] * sides[2]
    start = int(header["vox_offset"])
    return Layout(
        shape=(sides[0], sides[1], sides[2]),
        dtype=dtype,
        offset=start + (volume or 0) * num_bytes,
        num_bytes=num_bytes,
        end=start + num_volumes * num_bytes,
    )


def affine_of(
    header: nib.Nifti1Header, shape: tuple[int, int, int], name: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Give the affine (4, 4) to RAS in the header's unit, and what has to be said of it.

    The sform where it is coded, else the qform, else the spacing alone.

    Raises
    ------
    InputError
        If it cannot be inverted; or if sform and qform call different sides left.
    """
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    placement_of(affine, name)  # refuses one that cannot be inverted
    notices = []
    has_sform, has_qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    if has_sform and has_qform:
        notices += _compare_forms(header, affine, shape, name)
    elif has_sform:
        notices += _compare_spacing(header, affine, shape)
    to_mm = MM_PER_UNIT_CODE.get(int(header["xyzt_units"]) & 7, 1.0)
    spacing = np.linalg.norm(affine[:3, :3], axis=0) * to_mm
    if spacing.min() < _USUAL_SPACING_MM[0] or spacing.max() > _USUAL_SPACING_MM[1]:
        text = " x ".join(f"{length:g}" for length in spacing)
        notices.append(
            f"The file's voxels are {text} mm large, unusual for a patient's image; check the unit "
            "that its header states."
        )
    return affine, tuple(notices)


def placement_of(affine_ras: np.ndarray, name: str) -> Placement:
    """Find how the file's axes lie.

    Raises
    ------
    InputError
        If the affine cannot be inverted.
    """
    placement = placement_in_ras(affine_ras)
    if placement is None:
        raise InputError(
            f"{name} has an affine that cannot be inverted, expected three independent axes; "
            "repair its header (sform or qform) first."
        )
    return placement


def _compare_forms(
    header: nib.Nifti1Header, sform: np.ndarray, shape: tuple[int, int, int], name: str
) -> list[str]:
    """Compare where sform and qform put the corners of the volume."""
    try:
        qform = np.asarray(header.get_qform(), dtype=np.float64)
    except HeaderDataError:
        qform = np.full((4, 4), np.nan)
    if not np.isfinite(qform).all() or np.linalg.matrix_rank(qform[:3, :3]) < 3:
        return ["The file's qform cannot be read; its sform is used."]
    of_sform, of_qform = placement_of(sform, name), placement_of(qform, name)
    if (of_sform[0][2], of_sform[1][2]) != (of_qform[0][2], of_qform[1][2]):
        raise InputError(
            f"{name} has an sform and a qform that call different sides the patient's left, "
            "expected one answer; find out which is right and repair its header."
        )
    ends = np.array([(0, side - 1) for side in shape])
    corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
    apart = (sform - qform)[:3, :3] @ corners + (sform - qform)[:3, 3:]
    distance = float(np.linalg.norm(apart, axis=0).max())
    if distance <= _DISAGREEMENT * float(np.linalg.norm(sform[:3, :3], axis=0).min()):
        return []
    return [
        f"The file's sform and qform put the same voxel up to {distance:.3g} apart (in its own "
        "unit of length); the sform is used."
    ]


def _compare_spacing(
    header: nib.Nifti1Header, sform: np.ndarray, shape: tuple[int, int, int]
) -> list[str]:
    """Compare the lengths of the sform's axes with the spacing stated beside it."""
    stated = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64))
    used = np.linalg.norm(sform[:3, :3], axis=0)
    is_long = np.array(shape) > 1  # a single slice often has no thickness
    if np.allclose(stated[is_long], used[is_long], rtol=_DISAGREEMENT, atol=0):
        return []
    return ["The spacing that the file states differs from that of its sform, which is used."]


def _contradiction(name: str, what: str) -> InputError:
    return InputError(f"{name} has a damaged NIfTI header ({what}); export or copy it again.")
