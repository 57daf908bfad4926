"""Whether a mask can be written where it is wanted, asked before minutes of work go into it."""

import os
from pathlib import Path

from tgcnet.domain import Volume
from tgcnet.errors import OutputError
from tgcnet.io.formats import DICOM_SEG, MASKS, PNG, format_of


def check_target(
    path: Path, volume: Volume, source: Path | None = None, report: Path | None = None
) -> None:
    """Refuse a target that could not be written at the end.

    Parameters
    ----------
    source : the image itself, which a mask must never replace; a folder may hold the mask
    report : the file of the report, which it must not replace either

    Raises
    ------
    OutputError
        If the ending is unknown or cannot hold the stack, a DICOM segmentation is asked for and
        the image is not from DICOM or its files allow none, or :func:`check_writable` refuses it.
    """
    from tgcnet.io.write import check_has_source, check_no_image, check_seg_source, is_a_source

    path = path.absolute()  # "." has no name that a sentence could say
    found = format_of(path, MASKS)
    if found is None:
        raise OutputError(
            f"--out {path.name} has no ending that says a format; choose .nii.gz, .nii, .tif, "
            ".png (a single slice) or .dcm (of a DICOM image)."
        )
    if found is DICOM_SEG:
        check_seg_source(check_has_source(volume.source, f"--out {path.name}"), volume.geometry)
    if found is PNG and len(volume.array) > 1:
        raise OutputError(
            f"--out {path.name}: a PNG holds one slice and this image has {len(volume.array)}; "
            "choose .nii.gz or .tif."
        )
    check_writable(path, "--out")
    if _is_same(path, report):
        raise OutputError(
            f"--out {path.name} is the report itself, which a mask must not replace; choose "
            "another name."
        )
    if _is_same(path, source) or (volume.source is not None and is_a_source(path, volume.source)):
        raise OutputError(
            f"--out {path.name} is the image itself, which a mask must not replace; choose another "
            "name."
        )
    check_no_image(path)


def _is_same(path: Path, other: Path | None) -> bool:
    """Whether both are one file, through links as well."""
    return other is not None and other.exists() and path.exists() and path.samefile(other)


def check_writable(path: Path, option: str) -> None:
    """Refuse a file that could not be written, named by its option.

    Raises
    ------
    OutputError
        If the folder is absent or read-only, or the file is a folder or write-protected.
    """
    from tgcnet.io.atomic import is_write_protected

    path = path.absolute()
    if not path.parent.is_dir():
        raise OutputError(
            f"{option} {path.name}: its folder {path.parent.name!r} is not there; make it first."
        )
    if not os.access(path.parent, os.W_OK) or (path.exists() and not path.is_file()):
        raise OutputError(
            f"{option} {path.name} cannot be written there; choose a file in a folder of yours."
        )
    if is_write_protected(path):
        raise OutputError(
            f"{option} {path.name} is write-protected; lift the protection or choose another name."
        )
