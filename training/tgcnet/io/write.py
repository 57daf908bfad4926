"""Masks out: NIfTI, TIFF and PNG, each on the grid of the image it belongs to."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import tifffile
from nibabel.nifti1 import Nifti1Extension
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tgcnet.domain import Geometry
from tgcnet.errors import OutputError
from tgcnet.io.atomic import write_atomically
from tgcnet.io.decoded import to_source
from tgcnet.io.nifti import PLACING_FIELDS, RAS_TO_LPS

RESEARCH_NOTICE = "Research use only. Not a medical device."

_NIFTI_COMMENT = 6
_NIFTI2_HEADER_BYTES = 540
_NIFTI1_LARGEST_SIDE = 32_767


def save_labels(
    labels: np.ndarray,
    geometry: Geometry,
    path: Path | str,
    *,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Write a mask; the ending of ``path`` picks the format.

    Parameters
    ----------
    labels : (Z, Y, X) uint8; class index + 1, 0 is background
    geometry : of the image, as ``load_volume`` gave it; leads back to the file's own grid
    path : ``.nii``, ``.nii.gz`` (the source's affine, to the last bit, where it was NIfTI),
        ``.tif``, ``.tiff`` (an ImageJ stack) or ``.png`` (one slice; an 8-bit grey picture whose
        grey levels are the label values, so it looks almost black)
    provenance : what made the mask; written with the research notice into the NIfTI comment
        extension, the TIFF description or a PNG text chunk. The caller puts no patient data here

    Raises
    ------
    OutputError
        If the ending is unknown, the labels do not fit the format or the geometry, or the file
        cannot be written; what stood there before is intact.
    """
    path = Path(path)
    if labels.ndim != 3 or labels.dtype != np.uint8:
        raise OutputError(
            f"A mask is written from (Z, Y, X) uint8 labels, got {labels.ndim} axes of "
            f"{labels.dtype}; convert it first."
        )
    write = _writer_for(path.name)
    comment = json.dumps({**(provenance or {}), "notice": RESEARCH_NOTICE}, sort_keys=True)
    write_atomically(path, lambda target: write(labels, geometry, target, comment))


def _writer_for(name: str) -> Callable[[np.ndarray, Geometry, Path, str], None]:
    ending = name.lower()
    if ending.endswith((".nii", ".nii.gz")):
        return _write_nifti
    if ending.endswith((".tif", ".tiff")):
        return _write_tiff
    if ending.endswith(".png"):
        return _write_png
    if ending.endswith(".dcm"):
        raise OutputError(
            f"{name}: DICOM SEG cannot be written yet, expected .nii.gz, .tif or .png; "
            "choose one of these endings."
        )
    raise OutputError(
        f"{name} has no ending a mask can be written as, expected .nii, .nii.gz, .tif, .tiff or "
        ".png; choose one of these endings."
    )


def _as_picture(labels: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Planes as a picture shows them: a NIfTI's own axes would lie on their side."""
    return labels if geometry.source_frame else to_source(labels, geometry)


def _write_nifti(labels: np.ndarray, geometry: Geometry, path: Path, comment: str) -> None:
    frame = geometry.source_frame
    if frame:
        data = to_source(labels, geometry)
        stored = tuple(int(side) for side in frame["shape"])
        _check_shape(data.shape, (*stored, 1, 1)[:3])
        data = data.reshape(stored)  # the file's own number of axes; the others have one step
        is_nifti2 = frame["sizeof_hdr"][0] == _NIFTI2_HEADER_BYTES
    else:
        data = labels.transpose(2, 1, 0)  # (X, Y, Z), as NIfTI orders its axes
        is_nifti2 = False
    is_nifti2 = is_nifti2 or max(data.shape) > _NIFTI1_LARGEST_SIDE
    header: nib.Nifti1Header = nib.Nifti2Header() if is_nifti2 else nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(data.shape)
    if frame:
        for field in PLACING_FIELDS:
            header[field] = frame[field] if header[field].ndim else frame[field][0]
    else:
        place(header, geometry)
    header.set_intent("label")
    header["descrip"] = RESEARCH_NOTICE.encode()
    header.extensions.append(Nifti1Extension(_NIFTI_COMMENT, comment.encode()))
    kind: type[nib.Nifti1Image] = nib.Nifti2Image if is_nifti2 else nib.Nifti1Image
    kind(data, header.get_best_affine(), header).to_filename(path)


def _check_shape(given: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if given != expected:
        mask, image = (" x ".join(str(side) for side in shape) for shape in (given, expected))
        raise OutputError(
            f"On the file's own axes the mask has {mask} voxels and the image {image}, expected "
            "the same; choose the mask that belongs to this image."
        )


def place(header: nib.Nifti1Header, geometry: Geometry) -> None:
    """Set the affine of a file that holds (X, Y, Z) on our own axes, from index to RAS."""
    affine = RAS_TO_LPS @ geometry.affine_lps
    affine = affine[:, [2, 1, 0, 3]]
    header.set_sform(affine, code="aligned")
    header.set_qform(affine, code="aligned")
    header.set_xyzt_units("mm" if geometry.unit == "mm" else "unknown")


def _write_tiff(labels: np.ndarray, geometry: Geometry, path: Path, comment: str) -> None:
    stack = _as_picture(labels, geometry)
    z, y, x = geometry.spacing_zyx
    if not geometry.source_frame:
        z, y, x = (geometry.spacing_zyx[geometry.source_axes.index(axis)] for axis in range(3))
    unit = "mm" if geometry.unit == "mm" else "pixel"
    tifffile.imwrite(
        path,
        stack,
        imagej=True,
        compression="zlib",
        resolution=(1 / x, 1 / y),
        # "software" would be tifffile's own name; the description carries ours.
        metadata={"axes": "ZYX", "spacing": z, "unit": unit, "provenance": comment},
    )


def _write_png(labels: np.ndarray, geometry: Geometry, path: Path, comment: str) -> None:
    if labels.shape[0] != 1:
        raise OutputError(
            f"A PNG holds one slice, got {labels.shape[0]}; choose .nii.gz or .tif for a stack."
        )
    text = PngInfo()
    text.add_text("Comment", comment)
    Image.fromarray(_as_picture(labels, geometry)[0]).save(path, format="PNG", pnginfo=text)
