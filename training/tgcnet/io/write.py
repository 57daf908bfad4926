"""Masks out: NIfTI, TIFF, PNG and DICOM SEG, each on the grid of the image it belongs to."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import tifffile
from nibabel.nifti1 import Nifti1Extension
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tgcnet.domain import DicomSource, Geometry, SegmentationClass
from tgcnet.errors import OutputError
from tgcnet.io.atomic import write_atomically
from tgcnet.io.dicom import check_installed
from tgcnet.io.formats import (
    DICOM_SEG,
    GRID_MASKS,
    MASKS,
    NIFTI,
    PNG,
    TIFF,
    endings_of,
    format_of,
    one_of,
)
from tgcnet.io.nifti import PLACING_FIELDS
from tgcnet.io.orientation import RAS_TO_LPS, to_source
from tgcnet.io.sandbox import is_segmentation

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
    classes: Sequence[SegmentationClass] = (),
    source: DicomSource | None = None,
    is_edited: bool = False,
    deidentify: bool = False,
) -> None:
    """Write a mask; the ending of ``path`` picks the format.

    Parameters
    ----------
    labels : (Z, Y, X) uint8; class index + 1, 0 is background
    geometry : of the image, as ``load_volume`` gave it; leads back to the file's own grid
    path : ``.nii``, ``.nii.gz`` (the source's affine, to the last bit, where it was NIfTI),
        ``.tif``, ``.tiff`` (an ImageJ stack), ``.png`` (one slice; an 8-bit grey picture whose
        grey levels are the label values, so it looks almost black) or ``.dcm`` (a DICOM
        segmentation, which carries the patient and the study of its source)
    provenance : what made the mask; written with ``is_edited`` and the research notice into the
        NIfTI comment extension, the TIFF description, a PNG text chunk or the DICOM derivation
        description. The caller puts no patient data here
    classes : in the order of their label values; only DICOM names them
    source : of a volume from DICOM; none of its files is ever written over
    is_edited : a person changed or drew the mask
    deidentify : leave the patient and the study out of a DICOM segmentation

    Raises
    ------
    OutputError
        If the ending is unknown, the labels do not fit the format (of NIfTI, slices of one row or
        column are refused when read) or the geometry, the file is one of the source's, a DICOM
        segmentation is asked for without a DICOM source, or the file cannot be written; what
        stood there before is intact.
    InputError
        If a DICOM file of the source is gone.
    MissingExtraError
        If a DICOM segmentation is asked for without the extra ``dicom``.
    """
    path = Path(path)
    if labels.ndim != 3 or labels.dtype != np.uint8:
        raise OutputError(
            f"A mask is written from (Z, Y, X) uint8 labels, got {labels.ndim} axes of "
            f"{labels.dtype}; convert it first."
        )
    if source is not None and path.exists():
        _check_not_a_source(path, source)
    check_no_image(path)
    made_by = {**(provenance or {}), "edited": "yes" if is_edited else "no"}
    comment = json.dumps({**made_by, "notice": RESEARCH_NOTICE}, sort_keys=True)
    if format_of(path, MASKS) is DICOM_SEG:
        write_seg = _seg_writer(path.name)
        write_atomically(
            path,
            lambda target: write_seg(
                labels,
                geometry,
                target,
                source=check_has_source(source, path.name),
                classes=classes,
                provenance=made_by,
                comment=comment,
                is_edited=is_edited,
                deidentify=deidentify,
            ),
        )
        return
    write = _writer_for(path.name)
    write_atomically(path, lambda target: write(labels, geometry, target, comment))


def check_has_source(source: DicomSource | None, name: str) -> DicomSource:
    """Refuse a DICOM segmentation of an image that is not from DICOM.

    Parameters
    ----------
    name : of the target, as a sentence says it

    Raises
    ------
    OutputError
        If there is no source.
    """
    if source is None:
        raise OutputError(
            f"{name}: a DICOM segmentation belongs to DICOM images and this image is from "
            "another format; choose .nii.gz, .tif or .png."
        )
    return source


def check_seg_source(source: DicomSource, geometry: Geometry) -> None:
    """Refuse a source whose files are gone or allow no segmentation; only headers are read.

    Raises
    ------
    OutputError, InputError
        As of :func:`save_labels`.
    """
    from tgcnet.io.dicom.seg_source import read_source

    read_source(source, geometry, deidentify=True)


def is_a_source(path: Path, source: DicomSource) -> bool:
    """Whether a path leads to one of the files that an image was made of."""
    return path.exists() and any(
        file.exists() and path.samefile(file) for file in dict.fromkeys(source.files)
    )


def check_no_image(path: Path) -> None:
    """Refuse to write over a DICOM file that is no segmentation: it may be anybody's slice.

    Raises
    ------
    OutputError
        If one lies there.
    """
    if format_of(path, MASKS) is not DICOM_SEG or not path.exists():
        return
    check_installed(path.name)
    if not is_segmentation(path):
        raise OutputError(
            f"{path.name} is there already and is no segmentation, which a mask must not replace; "
            "choose another name."
        )


def _check_not_a_source(path: Path, source: DicomSource) -> None:
    if is_a_source(path, source):
        raise OutputError(
            f"{path.name} is a file of the image itself, which a mask must not replace; choose "
            "another name."
        )


def _seg_writer(name: str) -> Callable[..., None]:
    """Find the writer of DICOM segmentations, whose libraries are an extra."""
    check_installed(name)
    from tgcnet.io.dicom.seg import write_seg

    return write_seg


def _writer_for(name: str) -> Callable[[np.ndarray, Geometry, Path, str], None]:
    writers = {NIFTI: _write_nifti, TIFF: _write_tiff, PNG: _write_png}
    found = format_of(name, GRID_MASKS)
    if found is None:
        raise OutputError(
            f"{name} has no ending a mask can be written as, expected "
            f"{one_of(endings_of(*MASKS))}; choose one of these endings."
        )
    return writers[found]


def _as_picture(labels: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Planes as a picture shows them: a NIfTI's own axes would lie on their side."""
    return labels if geometry.source_frame else to_source(labels, geometry)


def _write_nifti(labels: np.ndarray, geometry: Geometry, path: Path, comment: str) -> None:
    if labels.shape[0] > 1 and min(labels.shape[1:]) == 1:
        raise OutputError(
            "A NIfTI file of one coronal or sagittal picture is refused when it is read, and this "
            "mask is one; choose .tif, or .dcm where the image is from DICOM."
        )
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
        # All axes that ImageJ knows: of fewer, a side of one pixel would be taken for a channel.
        stack[None, :, None, :, :, None],
        imagej=True,
        photometric="minisblack",
        compression="zlib",
        resolution=(1 / x, 1 / y),
        # "software" would be tifffile's own name; the description carries ours.
        metadata={"axes": "TZCYXS", "spacing": z, "unit": unit, "provenance": comment},
    )


def _write_png(labels: np.ndarray, geometry: Geometry, path: Path, comment: str) -> None:
    if labels.shape[0] != 1:
        raise OutputError(
            f"A PNG holds one slice, got {labels.shape[0]}; choose .nii.gz or .tif for a stack."
        )
    text = PngInfo()
    text.add_text("Comment", comment)
    Image.fromarray(_as_picture(labels, geometry)[0]).save(path, format="PNG", pnginfo=text)
