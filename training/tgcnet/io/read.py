"""Any image file to a Volume; the content decides the decoder, the ending only the words."""

import gzip
import os
import stat
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

import numpy as np

from tgcnet.domain import Modality, Volume
from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS, Decoded, needs_too_much_memory
from tgcnet.io.dicom import check_installed
from tgcnet.io.formats import DICOM, DICOMDIR, IMAGES, NIFTI_PAIR, format_of
from tgcnet.io.nifti import read_nifti
from tgcnet.io.pictures import read_picture
from tgcnet.io.tiff import read_tiff

HOUNSFIELD_BELOW = -200
"""Values under this are in Hounsfield units: no radiograph stores them, every chest CT does."""

_EXPECTED = "expected a PNG, JPEG, TIFF, NIfTI or DICOM image"
_HEAD_BYTES = 352  # a NIfTI-1 header and its extension flag


def decode_volume(
    path: Path, *, modality: Modality | None = None, volume: int | None = None
) -> Volume:
    """Read an image whole, in this process, as (Z, Y, X) with LPS axes.

    :func:`tgcnet.io.load_volume` does the same where no file can harm this process.

    Parameters
    ----------
    path : PNG, JPEG, TIFF (plane or stack), NIfTI (.nii, .nii.gz), DICOM (a file, a folder, a
        DICOMDIR or a zip that holds one series); recognised by content
    modality : what the user says it is, which takes precedence over what the file shows. UNKNOWN
        equals None
    volume : of a 4D NIfTI file, counted from 0; a file of one volume has volume 0

    Returns
    -------
    Volume
        Native integers, or float32; colour and transparency flattened to grey. NaN and infinite
        values are kept here and replaced when intensities are scaled; a notice counts them.

    Raises
    ------
    InputError
        If the file is absent, empty, truncated, damaged, absurdly large, no image, holds several
        volumes or series of which none was chosen, or no finite value. The message names the
        file, never its folder.
    MissingExtraError
        If it is DICOM and the extra ``dicom`` is not installed.
    """
    path = path.absolute()
    if is_dicom(path):
        check_installed(path.name)
        # Here, so that pictures and NIfTI are read without the extra.
        from tgcnet.io.dicom.volume import load_dicom

        return as_stated(load_dicom(path), path.name, modality, volume)
    try:
        with _open(path) as file:
            return _to_volume(_decode(file, path.name, volume), path.name, modality)
    except OSError as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
        raise InputError(
            f"{path.name} cannot be opened ({error.strerror or 'refused'}), {_EXPECTED}; "
            "check the name and the permission to read it."
        ) from None
    except MemoryError:
        raise InputError(needs_too_much_memory(path.name)) from None


def is_dicom(path: Path) -> bool:
    """Whether the DICOM reader decides what it is: a folder, an archive, or marked as DICOM.

    Old DICOM files lack the mark at byte 128, so a name will do. False where it cannot be opened.
    """
    if os.path.isdir(path):  # Path.is_dir raises where a folder above may not be read
        return True
    try:
        with _open(path) as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, InputError):
        return False
    is_named = path.name.upper() == DICOMDIR or format_of(path, (DICOM,)) is not None
    return bool(head) and (head[128:132] == b"DICM" or head.startswith(b"PK\x03\x04") or is_named)


def as_stated(read: Volume, name: str, modality: Modality | None, volume: int | None) -> Volume:
    """A volume from DICOM with what the user says of it.

    Raises
    ------
    InputError
        If another volume than the only one was asked for.
    """
    _check_only_volume(volume, name)
    return read if modality in (None, Modality.UNKNOWN) else replace(read, modality=modality)


def _open(path: Path) -> BufferedReader:
    """Open a file, and nothing that would keep its reader waiting."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise InputError(
            f"{path.name} is a device or a pipe, {_EXPECTED} in a file; save it as one first."
        )
    return path.open("rb")


def _decode(file: BufferedReader, name: str, volume: int | None) -> Decoded:
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if not head:
        raise InputError(f"{name} is empty (0 bytes), {_EXPECTED}; copy or export it again.")
    if _is_nifti(head) or (head.startswith(b"\x1f\x8b") and _holds_nifti(file)):
        return read_nifti(file, name, volume)
    _check_only_volume(volume, name)
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return read_picture(file, name)
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return read_tiff(file, name)
    raise _not_an_image(head, name)


def _check_only_volume(volume: int | None, name: str) -> None:
    if volume not in (None, 0):
        raise InputError(
            f"{name} holds one volume, volume 0, and volume {volume} was asked for; only a 4D "
            "NIfTI file has several: leave the choice out."
        )


def _is_nifti(head: bytes) -> bool:
    return head[344:348] == b"n+1\0" or head[4:8] == b"n+2\0"


def _holds_nifti(file: BufferedReader) -> bool:
    try:
        # Closing this stream leaves ``file`` open.
        with gzip.GzipFile(fileobj=file) as stream:
            return _is_nifti(stream.read(_HEAD_BYTES))
    except DECODER_ERRORS:
        return False
    finally:
        file.seek(0)


def _not_an_image(head: bytes, name: str) -> InputError:
    if format_of(name, (NIFTI_PAIR,)) or head[344:348] == b"ni1\0":
        return InputError(
            f"{name} is half of a pair of files (.hdr and .img), {_EXPECTED} in one file; "
            "convert the pair to .nii."
        )
    if format_of(name, IMAGES):
        return InputError(
            f"{name} is damaged or something else under an image's name: its first bytes are not "
            "those of a PNG, JPEG, TIFF or NIfTI image; export it again."
        )
    return InputError(f"{name} is not an image this program knows, {_EXPECTED}.")


def _to_volume(decoded: Decoded, name: str, stated: Modality | None) -> Volume:
    array, notices = decoded.array, list(decoded.notices)
    lowest = _lowest_finite(array, name)
    if array.dtype.kind == "f":
        num_bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if num_bad:
            notices.append(
                f"{num_bad:,} of {array.size:,} voxels hold no finite number; NaN and minus "
                "infinity are read as black, plus infinity as white."
            )
    is_8bit = array.dtype == np.uint8
    if stated not in (None, Modality.UNKNOWN):
        modality = Modality(stated)
    elif is_8bit:
        modality = Modality.XRAY if array.shape[0] == 1 else Modality.UNKNOWN
    elif decoded.may_be_hounsfield and lowest < HOUNSFIELD_BELOW:
        modality = Modality.CT
    else:
        modality = Modality.UNKNOWN
    if modality is Modality.CT and is_8bit:
        notices.append("8-bit values cannot be Hounsfield units; they are taken as windowed.")
    elif modality is Modality.CT and lowest >= 0:
        notices.append(
            "No value is below 0, unusual for Hounsfield units; the values are used as they are."
        )
    return Volume(
        array=array,
        # The affine is shared with layers and workers: nobody may change it in place.
        geometry=replace(decoded.geometry, affine_lps=_read_only(decoded.geometry.affine_lps)),
        modality=modality,
        intensity_unit="HU" if modality is Modality.CT and not is_8bit else "stored",
        is_display_ready=is_8bit,
        notices=tuple(notices),
    )


def _lowest_finite(array: np.ndarray, name: str) -> float:
    if array.dtype.kind != "f":
        return float(array.min())
    finite = np.isfinite(array)
    if not finite.any():
        raise InputError(
            f"{name} holds no finite value (only NaN or infinity), expected intensities; "
            "export it again."
        )
    return float(np.min(array, where=finite, initial=np.inf))


def _read_only(affine: np.ndarray) -> np.ndarray:
    affine = affine.copy()
    affine.setflags(write=False)
    return affine
